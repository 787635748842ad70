"""Finds the Python to run code with, by looking at files alone: standard library, ~1 ms.

The order: an explicit choice, VIRTUAL_ENV, CONDA_PREFIX, `.venv` and `venv` in the folder of the
file and those above it, each followed by what poetry and hatch keep for that folder, this
interpreter. Installed kernelspecs are asked for by name, and are
`codeexec.kernels.jupyter.discover`'s. An interpreter that is not trusted is found, and marked: it
is neither chosen nor run.
"""

from __future__ import annotations

# pathlib would double the time that importing this takes.
# ruff: noqa: PTH111, PTH112, PTH118, PTH119, PTH120, PTH117, PTH208
import os
import sys
from collections.abc import Iterator, Mapping

from codeexec.domain.plain_files import read_plain_text
from codeexec.environments.pythons.folders import (
    interpreter_at,
    looks_like_path,
    owner_folder,
)
from codeexec.environments.pythons.projects import pythons_upward
from codeexec.environments.trust.store import Trust, TrustStore

THIS = "this interpreter"
"""The source of the interpreter that is taken where there is no other: the one that runs us."""


class Found:
    """An interpreter, and where we found it (`source` in words, for lists). `untrusted` names the
    folder that must be trusted before it may be run; empty: it may."""

    __slots__ = ("interpreter", "prefix", "source", "untrusted")

    def __init__(self, interpreter: str, source: str, untrusted: str = "") -> None:
        self.interpreter = interpreter
        self.prefix = os.path.dirname(os.path.dirname(interpreter))
        self.source = source
        self.untrusted = untrusted

    @property
    def is_this(self) -> bool:
        return self.key == interpreter_key(sys.executable)

    @property
    def key(self) -> tuple[str, str]:
        return interpreter_key(self.interpreter)


def interpreter_key(interpreter: str) -> tuple[str, str]:
    """The same for all names of one interpreter: links to its environment, `python`, `python3`.
    The file alone would not do: environments made by venv link to one and the same."""
    folder = os.path.realpath(os.path.dirname(interpreter))
    return folder, os.path.realpath(interpreter)


def find_python(
    cwd: str, file: str, name: str, env: Mapping[str, str], trust: Trust | None = None
) -> Found | None:
    """The Python that `name` means (a path of one or of an environment), or without a name the
    first that is found and trusted. None where the name means something else. `trust` is by
    default what the user has decided and remembered."""
    trust = trust or TrustStore()
    if name:
        interpreter = interpreter_at(os.path.join(cwd, os.path.expanduser(name)))
        if looks_like_path(name) and interpreter:
            return _named(interpreter, "chosen", trust)
        return None
    return next(python for python in candidates(cwd, file, env, trust) if not python.untrusted)


def candidates(
    cwd: str, file: str, env: Mapping[str, str], trust: Trust | None = None
) -> Iterator[Found]:
    """All that come into question, best first; this interpreter is the last, and is trusted."""
    trust = trust or TrustStore()
    keys: set[tuple[str, str]] = set()
    for python in _candidates(cwd, file, env, trust):
        if python.key not in keys:
            keys.add(python.key)
            yield python


def _candidates(cwd: str, file: str, env: Mapping[str, str], trust: Trust) -> Iterator[Found]:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        place = env.get(variable, "")
        # A relative one would mean an environment of whatever folder is opened.
        if os.path.isabs(place) and (interpreter := interpreter_at(place)):
            yield _named(interpreter, variable, trust)
    folder = os.path.join(cwd, os.path.dirname(file)) if file else cwd
    for holder, source, interpreter in pythons_upward(folder, env):
        python = Found(interpreter, source)
        if not python.is_this and not trust.allows(holder, interpreter):
            python.untrusted = holder
        yield python
    yield Found(sys.executable, THIS)


def _named(interpreter: str, source: str, trust: Trust) -> Found:
    """An interpreter that the user named, on the command line or by activating it."""
    python = Found(interpreter, source)
    if not python.is_this and not trust.allows_named(interpreter):
        python.untrusted = owner_folder(interpreter)
    return python


def has_package(python: Found, package: str) -> bool | None:
    """Whether its files are there; None where only running the interpreter could tell."""
    if python.is_this:
        return any(os.path.isdir(os.path.join(folder, package)) for folder in sys.path)
    folders = list(_site_packages(python.prefix))
    if any(os.path.isdir(os.path.join(folder, package)) for folder in folders):
        return True
    config = _venv_config(python.prefix)
    if config is None or config.get("include-system-site-packages") == "true":
        is_conda = os.path.isdir(os.path.join(python.prefix, "conda-meta"))
        return False if config is None and is_conda else None
    # A .pth file may name other folders (an editable install, a shared environment).
    return None if any(_has_paths(folder) for folder in folders) else False


def python_version(python: Found) -> str:
    """Such as `3.12`; empty where files do not tell."""
    if python.is_this:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    config = _venv_config(python.prefix) or {}
    version = config.get("version") or config.get("version_info") or ""
    if version:
        return ".".join(version.split(".")[:2])
    for folder in _site_packages(python.prefix):
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
        text = read_plain_text(os.path.join(prefix, "pyvenv.cfg"))
        pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
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
