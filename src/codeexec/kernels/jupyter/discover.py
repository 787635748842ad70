"""Which kernels there are and what is wrong with one: Pythons found and kernelspecs installed."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from codeexec.domain.env_vars.secret import without_secrets
from codeexec.domain.errors import KernelUnavailable
from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.requests import KernelInfo
from codeexec.domain.text.parsing import load_json
from codeexec.domain.text.printable import printable
from codeexec.environments.pythons.folders import owner_folder
from codeexec.environments.trust.store import Trust, TrustStore, trust_command, trust_step
from codeexec.kernels.find import (
    Found,
    candidates,
    find_python,
    has_package,
    interpreter_key,
    python_version,
)
from codeexec.kernels.jupyter.known.table import KnownKernel, known_by_command

log = logging.getLogger(__name__)

PROBE_TIMEOUT = 10.0
LAUNCHER = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
DEFAULT_NAME = "Python 3 (ipykernel)"
OLDEST_RUNNER = (3, 8)
"""The oldest Python that runs code without ipykernel, see `guest/runner`."""
WITHOUT_IPYKERNEL = (
    "No ipykernel: code runs all the same, without plugins and widgets, and the kernel ends with "
    "the session server. To install it, run the command, then restart the kernel:"
)
SEE_LIST = "`codeexec-tui kernels` lists those that can be used."


@dataclass(frozen=True, slots=True)
class KernelSpec:
    """An installed kernelspec; `folder` is where its kernel.json lies."""

    name: str
    folder: Path
    argv: tuple[str, ...]
    display_name: str
    language: str
    env: Mapping[str, str] = field(default_factory=dict)
    interrupt_mode: str = "signal"
    provisioner: str = ""

    @property
    def python(self) -> str:
        """The interpreter of a plain ipykernel, which we start our own way; else empty."""
        return self.command[0] if self.options == () else ""

    @property
    def is_plain(self) -> bool:
        """Whether it is no more than what `ipykernel` installs with its Python: a list that has
        the Python need not have this too."""
        is_named_so = self.name == "python3" and self.display_name == DEFAULT_NAME
        return is_named_so and self.python != "" and not self.env and not self.by_message

    @property
    def by_message(self) -> bool:
        return self.interrupt_mode == "message" or self.known.interrupted_by_message

    @property
    def known(self) -> KnownKernel:
        """What is special about it."""
        return known_by_command(self.argv)

    @property
    def transports(self) -> tuple[str, ...]:
        """How it is spoken to: the first, then what is tried where it does not start so. Unix
        sockets shut other users out, and programs in Python and R know them; most others were
        never run on anything but TCP."""
        program = Path(self.command[0]).name.lower()
        knows_ipc = program.startswith(("python", "pypy")) or program in ("r", "rscript")
        return ("ipc", "tcp") if knows_ipc else ("tcp",)

    def fill_env(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Its variables; in their values `$NAME` and `${NAME}` are those of `environ`. What has
        no value stays as it is, as in jupyter_client."""
        return {name: Template(value).safe_substitute(environ) for name, value in self.env.items()}

    @property
    def options(self) -> tuple[str, ...] | None:
        """What an ipykernel is started with besides its connection file; None for others."""
        arguments = [arg for arg in self.command[1:] if not arg.startswith("-X")]
        is_ipykernel = arguments[:2] in (LAUNCHER[:2], ["-m", "ipykernel"]) and not self.provisioner
        if not is_ipykernel or arguments[2:4] != LAUNCHER[2:]:
            return None
        return tuple(arguments[4:])

    @property
    def command(self) -> list[str]:
        """What is run. A bare `python` is ours where the spec was installed with us."""
        program = self.argv[0]
        if os.sep not in program:
            ours = self.folder.is_relative_to(sys.prefix) and program.startswith("python")
            program = sys.executable if ours else shutil.which(program) or program
        resources = str(self.folder)
        return [program, *(arg.replace("{resource_dir}", resources) for arg in self.argv[1:])]


def find_specs() -> dict[str, KernelSpec]:
    """All that are installed, by name; of several with one name the first on Jupyter's path."""
    from jupyter_core.paths import jupyter_path

    specs: dict[str, KernelSpec] = {}
    # An empty entry of JUPYTER_PATH would mean kernels of whatever folder one is in.
    for root in filter(Path.is_absolute, map(Path, jupyter_path("kernels"))):
        try:
            folders = sorted(
                folder_of_spec
                for folder_of_spec in root.iterdir()
                if (folder_of_spec / "kernel.json").is_file()
            )
        except OSError:
            continue  # most of the path is not there
        for folder in folders:
            name = folder.name.lower()
            spec = read_spec(name, folder)
            if spec is not None:
                specs.setdefault(name, spec)
    return specs


def read_spec(name: str, folder: Path) -> KernelSpec | None:
    """What a kernel.json says; None (and a line in the log) where it cannot be read."""
    try:
        return spec_of(name, folder, load_json(read_plain_text(folder / "kernel.json")))
    except (OSError, ValueError) as error:
        place, problem = printable(str(folder)), printable(str(error))
        # `run` looks for its kernel before anything is set up that quotes the log.
        log.warning("the kernelspec %s cannot be read: %s", place, problem)
        return None


def spec_of(name: str, folder: Path, content: Any) -> KernelSpec:
    """What the content of a kernel.json means. ValueError where it makes no sense."""
    try:
        argv, env = content["argv"], content.get("env") or {}
        metadata = content.get("metadata") or {}
        provisioner = (metadata.get("kernel_provisioner") or {}).get("provisioner_name", "")
        if not argv or not all(isinstance(arg, str) for arg in argv):
            raise ValueError("argv is no list of words")
        return KernelSpec(
            name,
            folder,
            tuple(argv),
            str(content.get("display_name") or name),
            str(content.get("language") or "").lower(),
            {str(key): str(value) for key, value in env.items()},
            str(content.get("interrupt_mode") or "signal"),
            "" if provisioner == "local-provisioner" else str(provisioner),
        )
    except (KeyError, AttributeError, TypeError) as error:
        raise ValueError(str(error)) from error


def choose(
    cwd: str, file: str, name: str, env: Mapping[str, str], trust: Trust | None = None
) -> Found | KernelSpec:
    """What `name` means, or what is found without one. KernelUnavailable in words."""
    trust = trust or TrustStore()
    python = find_python(cwd, file, name, env, trust)
    if python is not None:
        if python.untrusted:
            raise KernelUnavailable(changeable(python.interpreter), trust_step(python.untrusted))
        if is_too_old(python) and not has_ipykernel(python):
            raise KernelUnavailable(problem(python), f"Run: {fix(python)}")
        return python
    spec = find_specs().get(name.lower())
    if spec is None:
        reason = "is no Python" if os.sep in name else "is no kernel that is installed"
        raise KernelUnavailable(f"{name} {reason}.", SEE_LIST)
    if missing := spec_problem(spec):
        raise KernelUnavailable(missing, SEE_LIST)
    if changed := untrusted_program(spec, trust):
        raise KernelUnavailable(changeable(changed), trust_step(owner_folder(changed)))
    return spec


def list_kernels(cwd: str, env: Mapping[str, str], trust: Trust | None = None) -> list[KernelInfo]:
    """Pythons in the order in which they are chosen, then kernelspecs. What is not trusted is
    listed, and not run."""
    trust = trust or TrustStore()
    infos = []
    pythons: set[tuple[str, str]] = set()
    has_default = False
    for python in candidates(cwd, "", env, trust):
        pythons.add(python.key)
        trouble, remark, mend = _python_state(python)
        is_default = not python.untrusted and not has_default
        has_default = has_default or is_default
        infos.append(
            KernelInfo(
                python.interpreter,
                display_name(python),
                "python",
                python.interpreter,
                python.source,
                is_default,
                trouble,
                mend,
                remark=remark,
            )
        )
    for spec in find_specs().values():
        if not (spec.is_plain and interpreter_key(spec.python) in pythons):
            where = str(spec.folder)
            trouble, mend = spec_problem(spec), ""
            if not trouble and (changed := untrusted_program(spec, trust)):
                trouble, mend = changeable(changed), trust_command(owner_folder(changed))
            infos.append(
                KernelInfo(
                    spec.name,
                    spec.display_name,
                    spec.language,
                    where,
                    "kernelspec",
                    problem=trouble,
                    fix=mend,
                    limits=spec.known.limits,
                )
            )
    return infos


def _python_state(python: Found) -> tuple[str, str, str]:
    """Why an interpreter cannot be used, what is to be known of one that can, and the command
    that mends either."""
    if python.untrusted:
        reason = f"Not examined: the folder {python.untrusted} is not trusted."
        return reason, "", trust_command(python.untrusted)
    if has_ipykernel(python):
        return "", "", ""
    if is_too_old(python):
        return problem(python), "", fix(python)
    return "", WITHOUT_IPYKERNEL, fix(python)


def untrusted_program(spec: KernelSpec, trust: Trust) -> str:
    """The program of an installed kernel that code in a container could have changed, or empty."""
    program = shutil.which(spec.command[0]) or spec.command[0]
    # Named in passing, a kernelspec itself may lie in a folder that was mounted.
    places = (program, str(spec.folder / "kernel.json"))
    return next((place for place in places if not trust.allows_named(place)), "")


def changeable(path: str) -> str:
    return f"{path} could be changed by code in a container, and its folder is not trusted since."


def display_name(python: Found) -> str:
    """Such as `Python 3.12 (.venv)`."""
    name = Path(python.prefix).name
    where = f" ({name})" if (Path(python.prefix) / "pyvenv.cfg").exists() and name else ""
    return f"Python {python_version(python)}".rstrip() + where


def has_ipykernel(python: Found) -> bool:
    """Looks for its files; runs the interpreter only where they may be in many places."""
    is_installed = has_package(python, "ipykernel")
    if is_installed is not None:
        return is_installed
    probe = "import importlib.util as u, sys; sys.exit(u.find_spec('ipykernel') is None)"
    try:
        command = [python.interpreter, "-c", probe]
        # Python looks for modules in the current folder first, also for those of its own.
        done = subprocess.run(
            command,
            cwd="/",
            timeout=PROBE_TIMEOUT,
            capture_output=True,
            check=False,
            env=without_secrets(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s cannot be run: %s", python.interpreter, error)
        return False
    return done.returncode == 0


def is_too_old(python: Found) -> bool:
    """Whether its files tell that it is older than what runs code without ipykernel."""
    version = python_version(python).split(".")
    return all(map(str.isdigit, version)) and tuple(map(int, version)) < OLDEST_RUNNER


def problem(python: Found) -> str:
    oldest = ".".join(map(str, OLDEST_RUNNER))
    return (
        f"{python.interpreter} has no ipykernel, and is older than Python {oldest}, "
        "which could do without it."
    )


def fix(target: Found) -> str:
    """The exact command that mends it, by what is there."""
    python = shlex.quote(target.interpreter)
    if _is_externally_managed(target):
        return "python3 -m venv .venv && .venv/bin/python -m pip install ipykernel"
    if has_package(target, "pip"):
        return f"{python} -m pip install ipykernel"
    if shutil.which("uv"):
        return f"uv pip install --python {python} ipykernel"
    return f"{python} -m ensurepip && {python} -m pip install ipykernel"


def spec_problem(spec: KernelSpec) -> str:
    program = spec.command[0]
    if shutil.which(program) is None:
        return f"The kernel {spec.name} needs {program}, which is not there."
    return ""


def _is_externally_managed(python: Found) -> bool:
    if (Path(python.prefix) / "pyvenv.cfg").exists():
        return False
    return any(Path(python.prefix, "lib").glob("python3*/EXTERNALLY-MANAGED"))
