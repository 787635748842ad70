"""A Python on another machine: which version, and whether it has ipykernel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.text.printable import printable
from codeexec.environments.base import run
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.kernels.jupyter.discover import OLDEST_RUNNER
from codeexec.kernels.jupyter.known.traits import KernelTraits
from codeexec.kernels.runner.kernel import END_PAUSES, NO_PLUGINS

RELAYED = "a relay runs the kernel on {name}"
PROBE_WAIT = 60.0
_PROBE = (
    "import json, sys; from importlib.util import find_spec as f; "
    "print(json.dumps([list(sys.version_info[:2]), bool(f('ipykernel') and f('zmq'))]))"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python there. `has_ipykernel`: with pyzmq, so that a kernel can run. `options` and `env`
    are those of a kernelspec that starts it."""

    path: str
    version: tuple[int, int]
    has_ipykernel: bool
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def traits(self, name: str) -> KernelTraits:
        """`name` is how the user calls the machine."""
        relayed = RELAYED.format(name=name)
        if self.has_ipykernel:
            return KernelTraits(notices=(relayed,))
        notice = f"no ipykernel: {self.path} -m pip install ipykernel"
        return KernelTraits(
            END_PAUSES, NO_PLUGINS, (relayed, notice), has_comms=False, can_outlive=False
        )


async def find_interpreter(environment: SshEnvironment, path: str) -> Interpreter:
    """Ask the Python with this path, or this name on the PATH there. EnvironmentUnavailable where
    it is none that runs kernels."""
    name = environment.place.host
    try:
        async with asyncio.timeout(PROBE_WAIT):
            outcome = await run(environment, [path, "-c", _PROBE])
    except TimeoutError:
        raise EnvironmentUnavailable(
            f"{path} on {name} has not answered within {PROBE_WAIT:g} s.",
            "Look at the load of that machine, and try again.",
        ) from None
    lines = outcome.stdout.splitlines()
    match _parsed(lines[-1] if lines else b""):
        case [[int(major), int(minor)], bool(has_ipykernel)]:
            version = major, minor
        case _:
            words = printable(outcome.stderr.decode(errors="replace"))[-200:]
            why = f": {words}" if words else ""
            raise EnvironmentUnavailable(
                f"{path} on {name} is no Python that runs{why}.",
                "Name another one: --kernel ssh:HOST:FOLDER#/path/of/python",
            )
    if version < OLDEST_RUNNER:
        raise EnvironmentUnavailable(
            f"{path} on {name} is Python {major}.{minor}, which is too old.",
            "Name a Python 3.8 or later: --kernel ssh:HOST:FOLDER#/path/of/python",
        )
    return Interpreter(path, version, has_ipykernel)


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
