"""Runs one tool in a session's environment, and passes on what it writes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from codeexec.environments.base import Environment, ExecHandle, ProcessEnd
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.relay.processes import GuestProcess
from codeexec.kernels.process.steps.build import MOST_REPORT, TOO_LONG

MERGED = ("/bin/sh", "-c", 'exec "$@" 2>&1', "sh")
"""Starts a command with one descriptor for stdout and stderr: two have no common order, and make
tells on one of them in which folder the errors on the other are."""

LAST_WORDS = 0.05
"""Seconds in which the output of a tool that has ended must end: what it has started may have
outlived it."""


class ToolProcess(Protocol):
    """See `ExecHandle`; how it ended is known with its memory."""

    @property
    def stdout(self) -> AsyncIterator[bytes]: ...

    @property
    def stderr(self) -> AsyncIterator[bytes]: ...

    async def wait(self) -> ProcessEnd: ...

    async def signal(self, number: int) -> None: ...

    async def kill(self) -> None: ...


class ExecutedTool:
    """A command of an environment; it is a ToolProcess. Its memory is known in a container."""

    def __init__(self, handle: ExecHandle) -> None:
        self._handle = handle
        self.stdout, self.stderr = handle.stdout, handle.stderr
        self.signal, self.kill = handle.signal, handle.kill

    async def wait(self) -> ProcessEnd:
        code = await self._handle.wait()
        end = self._handle.end if isinstance(self._handle, GuestProcess) else None
        return end or ProcessEnd(code)


class CommandRun:
    """One run of a tool. `write` takes what it writes as it comes; `report` keeps it."""

    def __init__(self, environment: Environment, write: Callable[[bytes], None]) -> None:
        self._environment = environment
        self._write = write
        self._process: ToolProcess | None = None
        self.report = bytearray()

    async def run(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """Start a command and follow it. The exit status, negative for a signal.
        EnvironmentUnavailable when it cannot be started."""
        handle = await self._environment.exec((*MERGED, *command), stdin=b"", env=environ)
        return (await self.follow(ExecutedTool(handle))).code

    async def follow(self, process: ToolProcess) -> ProcessEnd:
        """Read what it writes, to its end. One that writes more than `MOST_REPORT` is ended."""
        self._process = process
        readers = [asyncio.ensure_future(self._read(s)) for s in (process.stdout, process.stderr)]
        ended = asyncio.ensure_future(process.wait())
        is_over = False
        try:
            pending: set[asyncio.Future[None] | asyncio.Future[ProcessEnd]] = {*readers, ended}
            while not ended.done() and len(self.report) <= MOST_REPORT:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                self._write(TOO_LONG)
                return ProcessEnd(1)
            end = ended.result()
            await asyncio.wait(readers, timeout=LAST_WORDS)
            if not all(reader.done() for reader in readers):
                # A driver or a build system that was killed has left its compilers.
                await process.signal(signal.SIGKILL)
            await asyncio.gather(*readers)
            is_over = True
            return end
        finally:
            for task in (*readers, ended):
                task.cancel()
            await asyncio.gather(*readers, ended, return_exceptions=True)
            self._process = None
            environment = self._environment
            if is_over and isinstance(environment, LocalEnvironment):
                # To look for what it has left takes tens of milliseconds on a busy machine.
                environment.end_later(process.kill())
            else:
                await process.kill()

    async def signal(self, number: int) -> None:
        """To the tool and all that it has started."""
        if self._process is not None:
            await self._process.signal(number)

    async def _read(self, stream: AsyncIterator[bytes]) -> None:
        async for chunk in stream:
            self._write(chunk)
            self.report += chunk
            if len(self.report) > MOST_REPORT:
                return
