"""Processes of this machine: told apart from others of the same number; and for asyncio, ended
when their start is cancelled, over when they exit.

asyncio's own `Process.wait` waits for the pipes as well, for ever if they are not read, or when a
grandchild holds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from codeexec.domain.env_vars.secret import without_secrets

CHUNK = 1 << 16
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def identify(pid: int) -> str | None:
    """What tells a running process from all others that have had or will have its number; None
    when there is none, or only its exit status is left. It does not depend on the clock."""
    try:
        # Fields from the third on; the second, the program's name, may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        state, start_ticks = fields[0], fields[19]
        return None if state in "ZX" else f"{boot_id()}:{start_ticks}"
    except (OSError, IndexError):
        return _identify_without_proc(pid)


def _identify_without_proc(pid: int) -> str | None:
    """`create_time()` follows the clock when it is set; what psutil compares processes by does
    not, and its hash is the same in each interpreter."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{boot_id()}:{hash(process)}"
    except psutil.Error:
        return None


def descendants(pid: int) -> dict[int, str]:
    """Children and theirs, each with its identity."""
    if not has_proc():
        return _descendants_without_proc(pid)
    identities: dict[int, str] = {}
    parents = [pid]
    while parents:
        threads = f"/proc/{parents.pop()}/task"
        for thread in _names_in(threads):
            try:
                with open(f"{threads}/{thread}/children", "rb") as file:  # noqa: PTH123  # each second
                    children = [int(number) for number in file.read().split()]
            except OSError:
                continue  # the thread has just ended
            for child in children:
                if child not in identities and (identity := identify(child)) is not None:
                    identities[child] = identity
                    parents.append(child)
    return identities


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # each second
    except OSError:
        return []  # the process has ended


def _descendants_without_proc(pid: int) -> dict[int, str]:
    import psutil

    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return {}
    identities = ((child.pid, identify(child.pid)) for child in children)
    return {child: identity for child, identity in identities if identity is not None}


def has_proc() -> bool:
    """Whether processes are files of this system, as on Linux."""
    return sys.platform.startswith("linux")


def end_identified(processes: Mapping[int, str]) -> None:
    """Kill those that are still the ones that they were."""
    for pid, identity in processes.items():
        with contextlib.suppress(OSError):
            if identify(pid) == identity:
                os.kill(pid, signal.SIGKILL)


def boot_id() -> str:
    """The same until the machine is started again; empty where the system has none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def uptime() -> float:
    """Seconds since the machine was started, those included in which it slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


LIMIT = 1 << 18
"""Bytes of each stream that are held while nobody reads."""


class Child(asyncio.subprocess.Process):
    """A process whose group can be signalled, with pipes for what it says and hears."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol) -> None:
        super().__init__(transport, protocol, asyncio.get_running_loop())
        self._pipes = transport
        self._exited = protocol.exited

    async def wait(self) -> int:
        await asyncio.shield(self._exited)
        code = self.returncode
        assert code is not None
        return code

    def signal_group(self, number: int) -> None:
        """Its leader may be gone while children go on: they are meant as well."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def end(self) -> int:
        """Kill the group, wait, and let go of the pipes."""
        self.signal_group(signal.SIGKILL)
        code = await self.wait()
        self.close_pipes()
        return code

    def close_pipes(self) -> None:
        """Let go of the pipes of a process that has exited; a child of it may still hold them."""
        self._pipes.close()


class _Protocol(SubprocessStreamProtocol):
    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(limit=LIMIT, loop=loop)
        self.exited: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        super().process_exited()
        if not self.exited.done():
            self.exited.set_result(None)


async def start(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    feed: bool = True,
    terminal: int | None = None,
) -> Child:
    """Start a process in a session of its own, so that Ctrl+C in our terminal does not end it.

    OSError when it cannot be started. A half-started process could not be ended by any caller, so a
    cancelled start waits for it and ends it. With `terminal`, a descriptor, its output goes there.
    """
    starting = asyncio.ensure_future(_start(command, cwd, env, feed, terminal))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await (await starting).end()
        raise


async def _start(
    command: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    feed: bool,
    terminal: int | None,
) -> Child:
    transport, protocol = await asyncio.get_running_loop().subprocess_exec(
        _Protocol,
        *command,
        stdin=PIPE if feed else asyncio.subprocess.DEVNULL,
        stdout=PIPE if terminal is None else terminal,
        stderr=PIPE if terminal is None else terminal,
        cwd=cwd,
        env=without_secrets(os.environ if env is None else env),
        start_new_session=True,
    )
    return Child(transport, protocol)


async def chunks(stream: asyncio.StreamReader | None) -> AsyncIterator[bytes]:
    """What a child writes to a pipe, as it comes, until the pipe is closed."""
    assert stream is not None
    while chunk := await stream.read(CHUNK):
        yield chunk
