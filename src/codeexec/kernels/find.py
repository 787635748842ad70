"""Finds the Python to run code with, by looking at files alone: standard library, ~1 ms.

The order: an explicit choice, VIRTUAL_ENV, CONDA_PREFIX, `.venv` and `venv` in the folder of the
file and those above it, this interpreter. Installed kernelspecs are asked for by name, and are
`codeexec.kernels.jupyter.discover`'s.
"""

from __future__ import annotations

# pathlib would double the time that importing this takes.
# ruff: noqa: PTH111, PTH112, PTH113, PTH118, PTH119, PTH120, PTH123, PTH208, PTH100
import os
import sys
from collections.abc import Iterator, Mapping

NAMES = (".venv", "venv")


class Found:
    """An interpreter, and where we found it (`source` in words, for lists)."""

    __slots__ = ("interpreter", "prefix", "source")

    def __init__(self, interpreter: str, source: str) -> None:
        self.interpreter = interpreter
        self.prefix = os.path.dirname(os.path.dirname(interpreter))
        self.source = source

    @property
    def is_this(self) -> bool:
        return self.interpreter == sys.executable


def find_python(cwd: str, file: str, name: str, env: Mapping[str, str]) -> Found | None:
    """The Python that `name` means (a path of one or of an environment), or without a name the
    first that is found. None where the name means something else."""
    if name:
        interpreter = interpreter_at(os.path.join(cwd, os.path.expanduser(name)))
        looks_like_path = os.sep in name or name.startswith(("~", ".")) or name in NAMES
        return Found(interpreter, "chosen") if looks_like_path and interpreter else None
    return next(candidates(cwd, file, env))


def candidates(cwd: str, file: str, env: Mapping[str, str]) -> Iterator[Found]:
    """All that come into question, best first; this interpreter is the last."""
    seen: set[str] = set()
    for place, source in _places(cwd, file, env):
        interpreter = interpreter_at(place)
        if interpreter and interpreter not in seen:
            seen.add(interpreter)
            yield Found(interpreter, source)
    if sys.executable not in seen:
        yield Found(sys.executable, "this interpreter")


def _places(cwd: str, file: str, env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if env.get(variable):
            yield env[variable], variable
    folder = os.path.abspath(os.path.join(cwd, os.path.dirname(file)) if file else cwd)
    while True:
        for name in NAMES:
            yield os.path.join(folder, name), f"{name} in {folder}"
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def interpreter_at(path: str) -> str:
    """The interpreter that a path means, itself or of the environment there; else empty."""
    path = os.path.abspath(path)
    if os.path.isdir(path):
        for name in ("python", "python3"):
            inside = os.path.join(path, "bin", name)
            if os.path.isfile(inside) and os.access(inside, os.X_OK):
                return inside
        return ""
    is_python = os.path.basename(path).startswith(("python", "pypy"))
    return path if is_python and os.path.isfile(path) and os.access(path, os.X_OK) else ""


def has_package(found: Found, package: str) -> bool | None:
    """Whether its files are there; None where only running the interpreter could tell."""
    if found.is_this:
        return any(os.path.isdir(os.path.join(folder, package)) for folder in sys.path)
    folders = list(_site_packages(found.prefix))
    if any(os.path.isdir(os.path.join(folder, package)) for folder in folders):
        return True
    config = _venv_config(found.prefix)
    if config is None or config.get("include-system-site-packages") == "true":
        is_conda = os.path.isdir(os.path.join(found.prefix, "conda-meta"))
        return False if config is None and is_conda else None
    # A .pth file may name other folders (an editable install, a shared environment).
    return None if any(_has_paths(folder) for folder in folders) else False


def python_version(found: Found) -> str:
    """Such as `3.12`; empty where files do not tell."""
    if found.is_this:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    config = _venv_config(found.prefix) or {}
    version = config.get("version") or config.get("version_info") or ""
    if version:
        return ".".join(version.split(".")[:2])
    for folder in _site_packages(found.prefix):
        return os.path.basename(os.path.dirname(folder)).removeprefix("python")
    return ""


def _site_packages(prefix: str) -> Iterator[str]:
    library = os.path.join(prefix, "lib")
    try:
        names = os.listdir(library)
    except OSError:
        return
    for name in sorted(names):
        folder = os.path.join(library, name, "site-packages")
        if name.startswith(("python3.", "pypy3.")) and os.path.isdir(folder):
            yield folder


def _venv_config(prefix: str) -> dict[str, str] | None:
    try:
        with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            pairs = (line.split("=", 1) for line in file if "=" in line)
            return {key.strip().lower(): value.strip().lower() for key, value in pairs}
    except (OSError, UnicodeDecodeError):
        return None


def _has_paths(folder: str) -> bool:
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    harmless = ("_virtualenv.pth", "distutils-precedence.pth")
    return any(name.endswith(".pth") and name not in harmless for name in names)
