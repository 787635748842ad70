"""Runs one tool in a session's environment, and passes on what it writes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from codeexec.environments.base import Environment, ExecHandle
from codeexec.kernels.process.steps.build import MOST_REPORT, TOO_LONG

MERGED = ("/bin/sh", "-c", 'exec "$@" 2>&1', "sh")
"""Starts a command with one descriptor for stdout and stderr: two have no common order, and make
tells on one of them in which folder the errors on the other are."""


class CommandRun:
    """One run of a tool. `write` takes what it writes as it comes; `report` keeps it."""

    def __init__(self, environment: Environment, write: Callable[[bytes], None]) -> None:
        self._environment = environment
        self._write = write
        self._process: ExecHandle | None = None
        self.report = bytearray()

    async def run(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """The exit status, negative for a signal. A tool that writes more than `MOST_REPORT` is
        ended. EnvironmentUnavailable when it cannot be started."""
        process = self._process = await self._environment.exec(
            (*MERGED, *command), stdin=b"", env=environ
        )
        reading = asyncio.gather(*map(self._read, (process.stdout, process.stderr)))
        ended = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done() and len(self.report) > MOST_REPORT:
                self._write(TOO_LONG)
                return 1
            status = await ended
            # A build system that was killed has left its compilers.
            await process.signal(signal.SIGKILL)
            await reading
            return status
        finally:
            reading.cancel()
            ended.cancel()
            await asyncio.gather(reading, ended, return_exceptions=True)
            await process.kill()
            self._process = None

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
