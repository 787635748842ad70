"""Builds a program for a session: its compiler is a command of the session's environment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from codeexec.environments.base import Environment, ProcessEnd, run
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.process.steps.build import BuildResult, compiler_environ
from codeexec.kernels.process.steps.command_run import CommandRun, ExecutedTool, ToolProcess
from codeexec.kernels.process.steps.header_making import start_making
from codeexec.kernels.process.steps.precompiled import HeldReport, PrecompiledHeader, find_header
from codeexec.kernels.process.steps.store import PreparedProgram


class SessionBuild:
    """One build. `write` takes the compiler's report as it comes."""

    def __init__(
        self, environment: Environment, prepared: PreparedProgram, write: Callable[[bytes], None]
    ) -> None:
        self._environment = environment
        self._program, self._store = prepared
        self._write = write
        self._compiler = CommandRun(environment, write)

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
            report = bytes(self._compiler.report).decode("utf-8", "surrogateescape")
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

    async def _compile(
        self, write: Callable[[bytes], None], first_arguments: Sequence[str] = ()
    ) -> ProcessEnd:
        tool, *own_words = self._program.plan.build
        command = (tool, *first_arguments, *own_words)
        environ = compiler_environ(self._program.environ)
        process: ToolProcess
        if isinstance(self._environment, LocalEnvironment):
            process = await self._environment.exec_held(command, environ)
        else:
            handle = await self._environment.exec(command, stdin=b"", env=environ)
            process = ExecutedTool(handle)
        self._compiler = CommandRun(self._environment, write)
        return await self._compiler.follow(process)
