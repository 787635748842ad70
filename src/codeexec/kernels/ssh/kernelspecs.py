"""Kernelspecs of another machine: found there, and started as kernels of other languages."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.text.printable import printable
from codeexec.environments.base import run
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.kernels.base import Handle
from codeexec.kernels.jupyter.discover import KernelSpec, spec_of
from codeexec.kernels.jupyter.known.traits import KernelTraits
from codeexec.kernels.ssh.interpreter import PROBE_WAIT, RELAYED, Interpreter, find_interpreter

KEPT = "64 MB of output are kept while the line is cut, none without a session server"
"""Notice of a kernel that has no outbox."""
MOST_LISTED = 20
_PYTHON = re.compile(r"(python|pypy)[0-9.]*", re.IGNORECASE)


def names_python(argument: str) -> bool:
    """Whether `#ARGUMENT` of a kernel's name is an interpreter there, and no kernelspec."""
    return not argument or "/" in argument or _PYTHON.fullmatch(argument) is not None


async def find_kernel(
    environment: SshEnvironment, argument: str, env: Mapping[str, str]
) -> Interpreter | KernelSpec:
    """The interpreter or kernelspec that is meant, searched with the variables `env`. A kernelspec
    of ipykernel is its interpreter. EnvironmentUnavailable says which kernelspecs there are."""
    if names_python(argument):
        return await find_interpreter(environment, argument or environment.python)
    name, answer = environment.place.host, await _ask(environment, argument, env)
    program = str(answer.get("program") or "")
    if "spec" not in answer:
        if program:
            return await find_interpreter(environment, program)
        titles = answer.get("titles")
        listed = sorted(map(printable, titles))[:MOST_LISTED] if isinstance(titles, dict) else []
        there = f"There are: {', '.join(listed)}." if listed else "There are none."
        raise EnvironmentUnavailable(f"There is no kernelspec {argument} on {name}.", there)
    try:
        spec = spec_of(argument, Path(str(answer.get("folder"))), answer["spec"])
    except ValueError as error:
        raise EnvironmentUnavailable(
            f"The kernelspec {argument} on {name} cannot be read: {printable(str(error))[:200]}.",
            "Look at its kernel.json.",
        ) from error
    if spec.provisioner:
        raise EnvironmentUnavailable(
            f"The kernelspec {argument} on {name} is started by {printable(spec.provisioner)}, "
            "which the relay does not know.",
            f"Install codeexec-tui there: codeexec-tui install {name}",
        )
    if not program:
        raise EnvironmentUnavailable(
            f"The kernelspec {argument} on {name} starts {printable(spec.argv[0])}, which is not "
            "there.",
            "Install it there, or look at the PATH of a login.",
        )
    environ = answer.get("environ")
    plain = {str(k): str(v) for k, v in environ.items()} if isinstance(environ, dict) else {}
    spec = replace(spec, argv=(program, *spec.argv[1:]), env=spec.fill_env(plain))
    if spec.options is None or spec.by_message:
        return spec
    interpreter = await find_interpreter(environment, program)
    return replace(interpreter, options=spec.options, env=spec.env)


class ListedSpec(NamedTuple):
    """A kernelspec there; `program` is the path of what it starts, empty where that is missing.
    `argument` stands behind the `#` of a kernel's name: an ipykernel is its interpreter there."""

    name: str
    title: str
    language: str
    program: str

    @property
    def argument(self) -> str:
        return self.program if names_python(self.name) else self.name


async def list_specs(environment: SshEnvironment) -> list[ListedSpec]:
    """The kernelspecs there, by name. EnvironmentUnavailable."""
    answer = await _ask(environment, "", {})
    columns = [answer.get(key) for key in ("titles", "languages", "programs")]
    titles, languages, programs = (column if isinstance(column, dict) else {} for column in columns)
    return [
        ListedSpec(
            str(name),
            printable(str(titles[name])),
            printable(str(languages.get(name) or "")),
            str(programs.get(name) or ""),
        )
        for name in sorted(titles)
        if str(name).isprintable()
    ]


async def _ask(
    environment: SshEnvironment, argument: str, env: Mapping[str, str]
) -> Mapping[str, object]:
    command = [environment.python, "-I", "-c", _source(), argument]
    name = environment.place.host
    try:
        async with asyncio.timeout(PROBE_WAIT):
            outcome = await run(environment, command, env=env)
        answer = json.loads(outcome.stdout.splitlines()[-1])
    except TimeoutError:
        raise EnvironmentUnavailable(
            f"{name} has not listed its kernelspecs within {PROBE_WAIT:g} s.",
            "Look at the load of that machine, and try again.",
        ) from None
    except (ValueError, IndexError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise EnvironmentUnavailable(
            f"{name} does not list its kernelspecs.", "Name an interpreter: #/path/of/python"
        )
    return answer


@cache
def _source() -> str:
    return resources.files("codeexec").joinpath("guest", "files", "kernelspecs.py").read_text()


def traits_of(started: Interpreter | KernelSpec, name: str) -> KernelTraits:
    """`name` is how the user calls the machine."""
    if isinstance(started, Interpreter):
        return started.traits(name)
    return KernelTraits(notices=(RELAYED.format(name=name), KEPT), is_primed=False)


def stored(started: Interpreter | KernelSpec) -> Handle:
    """What is started, in a handle."""
    if isinstance(started, KernelSpec):
        spec = {
            "argv": list(started.argv),
            "display_name": started.display_name,
            "language": started.language,
            "env": dict(started.env),
            "interrupt_mode": started.interrupt_mode,
        }
        return {"spec": {"name": started.name, "folder": str(started.folder), "content": spec}}
    return {
        "interpreter": started.path,
        "version": list(started.version),
        "options": list(started.options),
        "spec_env": dict(started.env),
    }


def read_stored(handle: Handle) -> Interpreter | KernelSpec:
    """The same again. KeyError, ValueError or TypeError where the handle does not say it."""
    spec: Any = handle.get("spec")
    if spec:
        return spec_of(str(spec["name"]), Path(str(spec["folder"])), spec["content"])
    fields: Any = handle
    major, minor = map(int, fields["version"])
    options = tuple(map(str, fields.get("options") or ()))
    env = {str(name): str(value) for name, value in (fields.get("spec_env") or {}).items()}
    return Interpreter(str(fields["interpreter"]), (major, minor), True, options, env)
