"""Builds a program for a session: its compiler is a command of the session's environment."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from codeexec.environments.base import Environment, ExecHandle, ProcessEnd, run
from codeexec.environments.docker.relay.processes import GuestProcess
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.process.steps.build import (
    MOST_REPORT,
    TOO_LONG,
    BuildResult,
    compiler_environ,
)
from codeexec.kernels.process.steps.header_making import start_making
from codeexec.kernels.process.steps.precompiled import HeldReport, PrecompiledHeader, find_header
from codeexec.kernels.process.steps.store import PreparedProgram

LAST_WORDS = 0.05
"""Seconds in which the output of a compiler that has ended must end: its own compilers may have
outlived it."""


class Compiler(Protocol):
    """See `ExecHandle`; how it ended is known with its memory."""

    @property
    def stdout(self) -> AsyncIterator[bytes]: ...

    @property
    def stderr(self) -> AsyncIterator[bytes]: ...

    async def wait(self) -> ProcessEnd: ...

    async def signal(self, number: int) -> None: ...

    async def kill(self) -> None: ...


class GuestCompiler:
    """A command of a container; it is a Compiler."""

    def __init__(self, handle: ExecHandle) -> None:
        self._handle = handle
        self.stdout, self.stderr = handle.stdout, handle.stderr
        self.signal, self.kill = handle.signal, handle.kill

    async def wait(self) -> ProcessEnd:
        code = await self._handle.wait()
        end = self._handle.end if isinstance(self._handle, GuestProcess) else None
        return end or ProcessEnd(code)


class SessionBuild:
    """One build. `write` takes the compiler's report as it comes."""

    def __init__(
        self, environment: Environment, prepared: PreparedProgram, write: Callable[[bytes], None]
    ) -> None:
        self._environment = environment
        self._program, self._store = prepared
        self._write = write
        self._compiler: Compiler | None = None
        self._report = bytearray()

    async def run(self, *, rebuild: bool) -> BuildResult:
        """Build it unless it was built already, or `rebuild`. EnvironmentUnavailable when the
        compiler cannot be started, StorageError when the program cannot be kept."""
        store = self._store
        if store is None:
            return BuildResult(0, "", 0.0)
        began = time.monotonic()
        is_here = isinstance(self._environment, LocalEnvironment)
        finish = await store.begin()
        try:
            report = None if rebuild else await store.find_report()
            if report is not None:
                self._write(report.encode("utf-8", "surrogateescape"))
                return BuildResult(0, report, time.monotonic() - began, is_reused=True)
            header = await asyncio.to_thread(find_header, self._program) if is_here else None
            end = await self._compile_with(header)
            report = bytes(self._report).decode("utf-8", "surrogateescape")
            if end.code == 0:
                if self._program.plan.inputs:
                    await store.note_inputs(await self._list_inputs())
                await store.keep(report)
        finally:
            finish()
        seconds = time.monotonic() - began
        return BuildResult(
            end.code, report, seconds, peak_memory=end.peak_memory, cpu_seconds=end.cpu_seconds
        )

    async def signal(self, number: int) -> None:
        """To the compiler and all that it has started."""
        if self._compiler is not None:
            await self._compiler.signal(number)

    async def _compile_with(self, header: PrecompiledHeader | None) -> ProcessEnd:
        """Compile with the header where it is ready; else count, and begin to make it in time."""
        if header is None:
            return await self._compile(self._write)
        if await asyncio.to_thread(header.is_ready):
            held = HeldReport(self._write)
            end = await self._compile(held.write, header.words)
            if held.is_final(header):
                return end
            self._report.clear()
            return await self._compile(self._write)
        end = await self._compile(self._write)
        if end.code == 0 and await asyncio.to_thread(header.note_build):
            start_making(header, self._environment, self._program.cwd, self._program.environ)
        return end

    async def _list_inputs(self) -> bytes:
        """What the build has read, one path a line; nothing where the tool cannot tell."""
        program = self._program
        environ = compiler_environ(program.environ)
        outcome = await run(self._environment, program.plan.inputs, env=environ)
        return outcome.stdout if outcome.code == 0 else b""

    async def _start(self, first_arguments: Sequence[str]) -> Compiler:
        tool, *own_words = self._program.plan.build
        command, environ = (
            (tool, *first_arguments, *own_words),
            compiler_environ(self._program.environ),
        )
        if isinstance(self._environment, LocalEnvironment):
            return await self._environment.exec_held(command, environ)
        return GuestCompiler(await self._environment.exec(command, stdin=b"", env=environ))

    async def _compile(
        self, write: Callable[[bytes], None], first_arguments: Sequence[str] = ()
    ) -> ProcessEnd:
        compiler = self._compiler = await self._start(first_arguments)
        streams = (compiler.stdout, compiler.stderr)
        readers = [asyncio.ensure_future(self._read(stream, write)) for stream in streams]
        ended = asyncio.ensure_future(compiler.wait())
        is_over = False
        try:
            pending: set[asyncio.Future[None] | asyncio.Future[ProcessEnd]] = {*readers, ended}
            while not ended.done() and len(self._report) <= MOST_REPORT:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                write(TOO_LONG)
                return ProcessEnd(1)
            end = ended.result()
            await asyncio.wait(readers, timeout=LAST_WORDS)
            if not all(reader.done() for reader in readers):
                # A driver that was killed has left its compiler.
                await compiler.signal(signal.SIGKILL)
            await asyncio.gather(*readers)
            is_over = True
            return end
        finally:
            for task in (*readers, ended):
                task.cancel()
            await asyncio.gather(*readers, ended, return_exceptions=True)
            self._compiler = None
            environment = self._environment
            if is_over and isinstance(environment, LocalEnvironment):
                # To look for what it has left takes tens of milliseconds on a busy machine.
                environment.end_later(compiler.kill())
            else:
                await compiler.kill()

    async def _read(self, stream: AsyncIterator[bytes], write: Callable[[bytes], None]) -> None:
        async for chunk in stream:
            write(chunk)
            self._report += chunk
            if len(self._report) > MOST_REPORT:
                return
