"""Processes of this machine for asyncio: ended when their start is cancelled, over when they exit.

asyncio's own `Process.wait` waits for the pipes as well, for ever when nobody reads what is in
them, or when a grandchild holds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        self._pipes.close()
        return code


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
    """Start a process in a session of its own, so that a Ctrl+C meant for us is not its end.

    OSError when it cannot be started. Half-started is the one state in which nobody could end a
    process, so a cancelled start waits for it and ends it. With `terminal`, a descriptor, what it
    says goes there.
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
        env=env,
        start_new_session=True,
    )
    return Child(transport, protocol)
