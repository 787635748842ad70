"""Whose a container is, in its labels, and the removal of those whose owner is gone.

A container ends by itself when its owner does, because its pipe ends. What can be left is one that
was paused, or whose first process was stopped: the next start sweeps those.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.docker.engine import Engine

PREFIX = "org.codeexec"


@dataclass(frozen=True, slots=True)
class Owner:
    """A process of some machine, told apart from a later one with the same number."""

    machine: str
    pid: int
    started: str

    def labels(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}.machine": self.machine,
            f"{PREFIX}.pid": str(self.pid),
            f"{PREFIX}.started": self.started,
        }

    def is_gone(self, this_machine: str) -> bool:
        """True only when it is known: an owner on another machine is left in peace."""
        return self.machine == this_machine and _started(self.pid) != self.started


def this_process() -> Owner:
    return Owner(machine(), os.getpid(), _started(os.getpid()))


def machine() -> str:
    """This machine since it was switched on, and this view of its processes."""
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            parts.append(
                os.readlink(path) if path.endswith("pid") else Path(path).read_text().strip()  # noqa: PTH115
            )
        except OSError:
            pass  # not Linux: the name alone has to do
    return "/".join(parts).replace(",", "_")


async def sweep(engine: Engine) -> list[str]:
    """Remove containers whose owner is gone; gives their names.

    A container from before the last boot has another `machine` and is ended by the boot itself.
    """
    listing = "{{.ID}} {{.Names}}" + "".join(
        f' {{{{.Label "{PREFIX}.{name}"}}}}' for name in ("machine", "pid", "started")
    )
    if engine.name == "podman":
        listing = "{{.ID}} {{.Names}}" + "".join(
            f' {{{{index .Labels "{PREFIX}.{name}"}}}}' for name in ("machine", "pid", "started")
        )
    output = await engine.call(
        "ps", "--all", "--filter", f"label={PREFIX}.pid", "--format", listing, deadline=30
    )
    this_machine = machine()
    removed: list[str] = []
    for line in output.splitlines():
        fields = line.split()
        if len(fields) == 5 and fields[3].isdigit():
            container, name, where, pid, started = fields
            if Owner(where, int(pid), started).is_gone(this_machine):
                try:
                    await engine.call("rm", "--force", container)
                except EnvironmentUnavailable:
                    continue  # another sweep was faster
                removed.append(name)
    return removed


def _started(pid: int) -> str:
    """When a process began, in ticks since boot; "gone" without it, "?" where it cannot be told."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "gone" if Path("/proc/self").exists() else _alive(pid)
    except OSError:
        return "gone"
    fields = stat.rpartition(")")[2].split()
    # A zombie holds nothing any more.
    return "gone" if fields[0] in "ZX" else fields[19]


def _alive(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass  # somebody else's, but there
    return "?"
