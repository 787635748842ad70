"""One program of a kernel of programs, from its plan to its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from codeexec.domain.errors import CodeexecError, Conflict, EnvironmentUnavailable
from codeexec.domain.options import ProgramOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.environments.base import Environment, ProcessEnd, TerminalSize
from codeexec.environments.holder.client import LeftBehind
from codeexec.environments.holder.terminal import LocalTerminal
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.short_folders import remove_flat
from codeexec.kernels.base import (
    ExecuteCall,
    Finished,
    InputRequested,
    KernelChoice,
    KernelEvent,
    Reached,
    ScreenUsed,
    Sink,
    Started,
    StepDone,
    StreamWritten,
)
from codeexec.kernels.process.cells import CellFiles, CellLayout, ReportWriter, cell_words
from codeexec.kernels.process.crashes.session import CrashWatch, Watch
from codeexec.kernels.process.program import MOST_ERRORS, exit_error
from codeexec.kernels.process.projects.places import project_place
from codeexec.kernels.process.projects.session_build import ProjectSessionBuild
from codeexec.kernels.process.steps.build import NO_PROGRAM, BuildResult, BuiltProgram
from codeexec.kernels.process.steps.cache import keep_code
from codeexec.kernels.process.steps.launch import SCREEN_COLUMNS, FindGuests, launch
from codeexec.kernels.process.steps.report import BuiltStep, build_error, step_result
from codeexec.kernels.process.steps.session_build import SessionBuild
from codeexec.kernels.process.steps.start import terminal_start
from codeexec.kernels.process.steps.store import PreparedProgram, plan_here
from codeexec.kernels.process.steps.survival import RunningProgram, Survival
from codeexec.kernels.process.steps.terminal_run import TerminalRun, lost_words
from codeexec.languages.model import Language
from codeexec.languages.plan import Plan, PlanOptions
from codeexec.languages.projects.reports import PROJECT

log = logging.getLogger(__name__)

KILL_DEADLINE = 2.0
"""Seconds in which a killed program in a container must be gone, or the container goes: the
program may have stopped the relay that passes signals on."""


class ProgramExecution:
    """One program, from its plan to its end."""

    def __init__(
        self,
        language: Language,
        environment: Environment,
        choice: KernelChoice,
        call: ExecuteCall,
        sink: Sink,
        guests: FindGuests,
        survival: Survival | None = None,
    ) -> None:
        self._language = language
        self._environment = environment
        self._choice = choice
        self._call = call
        self._options = call.options.program or ProgramOptions()
        self._size = TerminalSize(call.options.columns or SCREEN_COLUMNS, self._options.rows)
        self._sink = sink
        self._guests = guests
        self._survival = survival
        self._build: SessionBuild | ProjectSessionBuild | None = None
        self._run: TerminalRun | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_step: list[KernelEvent] = []
        self._end_offset: int | None = None
        self._left_folder = ""
        self._watch: Watch | None = None
        self._is_closed = False
        self._tail = ""
        self._is_ended = False
        self._cell: CellFiles | None = None

    @property
    def pid(self) -> int | None:
        return self._run.terminal.pid if self._run is not None else None

    async def run(self) -> None:
        """Tell everything, and `Finished` last; errors are told as those of the execution."""
        self._tell(Started(self._call.execution, None))
        try:
            if self._options.project is not None or self._language is PROJECT:
                finished = await self._run_project()
            elif self._options.file:
                finished = await self._run_file(self._options.file)
            else:
                finished = await self._run_code()
        except CodeexecError as error:
            log.info("a program was not run: %s", error)
            message = f"{error.message} {error.next_step}".rstrip()
            finished = self._finished(ErrorInfo(error.title, message))
        except OSError as error:
            message = f"{error.filename or 'A file'}: {error.strerror or error}"
            finished = self._finished(ErrorInfo("Not run", message))
        self._tell_end(finished)

    async def resume(
        self, running: RunningProgram, terminal: LocalTerminal | LeftBehind, offset: int
    ) -> None:
        """Go on with a program that another server has started, whose output is in the journal up
        to `offset`."""
        plan = Plan((), running.command, running.tool)
        program = BuiltProgram(self._language, plan, Path(running.cwd), {}, None)
        self._watch = await CrashWatch.resume(self._language, os.environ, running.crash)
        if isinstance(terminal, LeftBehind):
            await self._take_left(running, terminal, offset, program)
            return
        run = self._run = TerminalRun(
            terminal,
            self._write,
            self._ask,
            terminal.reader(offset),
            lambda: self._tell_screen(program),
        )
        run.offset = offset
        try:
            finished = await self._follow(run, program, running.began)
        except CodeexecError as error:
            finished = self._finished(ErrorInfo(error.title, error.message))
        self._tell_end(finished)

    async def _take_left(
        self, running: RunningProgram, left_behind: LeftBehind, offset: int, program: BuiltProgram
    ) -> None:
        start, data = left_behind.output.offset, left_behind.output.data
        lost = max(start - offset, 0)
        text = data[max(offset - start, 0) :].decode("utf-8", "replace")
        if text or lost:
            self._tell(StreamWritten(self._call.execution, "stdout", lost_words(lost) + text))
        seconds = max(left_behind.ended_at - running.began, 0.0)
        self._tail = text
        await self._end_step(program, left_behind.end, seconds)
        self._left_folder, self._end_offset = running.terminal, start + len(data)
        self._tell_end(self._finished(exit_error(left_behind.end.code)))

    @property
    def _is_local(self) -> bool:
        return isinstance(self._environment, LocalEnvironment)

    async def _run_code(self) -> Finished:
        """The code as a file of its own, next to which its build finds nothing else."""
        extensions = self._language.extensions
        name = f"Main{extensions[0]}" if extensions else self._language.names[0]
        text = self._call.code
        if self._call.preamble:
            text = f"{self._call.preamble}#line 1\n{text}"
        if self._language.cells:
            layout = await asyncio.to_thread(
                CellLayout.of, self._call, self._choice.cwd, extensions[0]
            )
            if layout is not None:
                path = await self._keep(layout.layout.text, layout.name)
                self._cell, text = await asyncio.to_thread(layout.files, path)
        return await self._run_file(await self._keep(text, name))

    async def _keep(self, text: str, name: str) -> str:
        """The path of a file of its own with this text."""
        if self._is_local:
            return str(await asyncio.to_thread(keep_code, text, name))
        return await self._guests(self._environment).keep_code(text, name)

    async def _run_project(self) -> Finished:
        place = project_place(self._environment, self._choice, self._guests)
        build = self._build = ProjectSessionBuild(place, self._environment, self._call, self._tell)
        end = await build.run()
        self._build = None
        if end.error is not None or end.program is None:
            return self._finished(end.error)
        if self._is_ended:
            return self._finished(exit_error(-signal.SIGINT))
        return await self._run_program(end.program)

    async def _run_file(self, file: str) -> Finished:
        plan = await self._plan(file)
        program, store = plan
        if self._options.steps != "run" or store is None:
            build = await self._build_program(plan)
            if build.status:
                return self._finished(build_error(program.plan.tool, build.status, build.report))
            if self._options.steps == "build":
                return self._finished(None)
            if store is not None and not await store.is_built():
                raise Conflict(*NO_PROGRAM)
        elif not await store.is_built():
            raise Conflict(f"{Path(file).name} was not built yet.", "Build it first.")
        if self._is_ended:
            return self._finished(exit_error(-signal.SIGINT))
        return await self._run_program(program)

    async def _plan(self, file: str) -> PreparedProgram:
        options = self._options
        own = cell_words(self._language.cells, self._cell) if self._cell is not None else ()
        choice = PlanOptions(
            options.profile,
            options.compiler,
            (*own, *options.flags),
            options.arguments,
            "parsed",
            options.standard,
        )
        if self._is_local:
            root = Path(self._environment.base_paths.workspace)
            mark = self._survival.folder if self._survival is not None else ""
            prepared = await asyncio.to_thread(
                plan_here, self._language, file, root, self._choice, choice, mark
            )
        else:
            guests = self._guests(self._environment)
            prepared = await guests.plan(self._language, file, self._choice.cwd, choice)
        return prepared._replace(program=prepared.program._replace(cell=self._cell))

    async def _build_program(self, plan: PreparedProgram) -> BuildResult:
        program = plan.program
        report = ReportWriter(self._cell, self._write_error)
        self._build = SessionBuild(self._environment, plan, report.write)
        build = await self._build.run(rebuild=self._options.rebuild)
        self._build = None
        if plan.store is not None:
            step = await asyncio.to_thread(lambda: BuiltStep(program, build).result)
            report.end(step)
            self._tell(StepDone(self._call.execution, step))
        return build

    async def _run_program(self, program: BuiltProgram) -> Finished:
        began, size = time.time(), self._size
        launched = await launch(
            program,
            self._environment,
            self._choice.env,
            self._call,
            size,
            self._guests,
            self._survival,
            began,
        )
        self._watch = launched.watch
        terminal, reader = launched.terminal, launched.reader
        if self._is_ended:  # interrupted while the terminal was being made
            await terminal.kill()
            return self._finished(exit_error(-signal.SIGINT))
        run = self._run = TerminalRun(
            terminal, self._write, self._ask, reader, lambda: self._tell_screen(program)
        )
        if self._size != size:  # resized while the terminal was being made
            await terminal.resize(self._size)
        return await self._follow(run, program, began)

    async def _follow(self, run: TerminalRun, program: BuiltProgram, began: float) -> Finished:
        try:
            end = await run.follow()
            seconds = max(time.time() - began, 0.0)
            await self._end_step(program, end, seconds)
        finally:
            if run.reader is None:
                await run.terminal.kill()
                await self._close_watch()
        if run.reader is not None:
            self._end_offset = run.offset
        return self._finished(exit_error(end.code))

    async def _end_step(self, program: BuiltProgram, end: ProcessEnd, seconds: float) -> None:
        """Make the step of a program that has ended, and the backtrace of one that has crashed."""
        crash = await self._watch.report(end.code) if self._watch is not None else None
        step = await asyncio.to_thread(
            step_result, program, "run", end, seconds, self._tail, crash=crash
        )
        self._last_step = [StepDone(self._call.execution, step)]
        if crash is not None:
            text = program.cell.named(crash.text) if program.cell is not None else crash.text
            self._last_step.insert(0, StreamWritten(self._call.execution, "stderr", text))

    def _write_error(self, text: str) -> None:
        self._tell(StreamWritten(self._call.execution, "stderr", text))

    def _finished(self, error: ErrorInfo | None) -> Finished:
        status: Literal["ok", "error"] = "error" if error else "ok"
        return Finished(self._call.execution, status, error, is_known=True)

    def _tell_end(self, finished: Finished) -> None:
        """All in one batch, so that it is in the journal whole or not at all."""
        place: list[KernelEvent] = []
        if self._survival is not None and self._end_offset is not None:
            place = [self._survival.place(self._end_offset + 1)]
        self._sink([*self._last_step, finished, *place])

    def _write(self, text: str, offset: int) -> None:
        self._tail = (self._tail + text)[-MOST_ERRORS:]
        run = self._run
        if run is None or run.reader is None or self._survival is None:
            if text:
                self._tell(StreamWritten(self._call.execution, "stdout", text))
            return
        lost, run.lost = run.lost, 0
        written = StreamWritten(self._call.execution, "stdout", lost_words(lost) + text)
        self._sink([written, self._survival.place(offset)])

    def _tell_screen(self, program: BuiltProgram) -> None:
        start = terminal_start(program, self._options)
        if not self._is_local and program.language.build:
            start = replace(start, argv=())  # terminals have a container of their own
        self._tell(ScreenUsed(self._call.execution, start))

    def acknowledge(self, place: Reached) -> None:
        """What comes before this place is in the journal."""
        survival, run = self._survival, self._run
        if survival is None or place.part != survival.number:
            return
        if run is not None and run.reader is not None:
            run.reader.acknowledge(min(place.number, run.offset))
        if self._end_offset is not None and place.number > self._end_offset:
            self._start(self.close())

    async def close(self) -> None:
        """End what the program has left, once its end is in the journal. Can be repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._run is not None and self._run.reader is not None:
            await self._run.terminal.kill()
        if self._left_folder:
            await asyncio.to_thread(remove_flat, self._left_folder)
        await self._close_watch()

    async def _close_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.close()

    def release(self) -> None:
        """Leave the program to the next server."""
        self._is_closed = True
        run = self._run
        if run is None or run.reader is None or not isinstance(run.terminal, LocalTerminal):
            return
        if isinstance(self._environment, LocalEnvironment):
            self._environment.release(run.terminal)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ask(self, is_password: bool, wait: str) -> None:
        if self._call.options.allow_stdin:
            is_password &= self._options.echo
            execution = self._call.execution
            message = f"{execution}:{wait}" if wait else ""
            self._tell(InputRequested(execution, "", is_password, message, echoed=True))

    def _tell(self, event: KernelEvent) -> None:
        self._sink([event])

    def answer(self, text: str) -> None:
        if self._run is not None:
            self._start(self._type(self._run, text))

    async def _type(self, run: TerminalRun, text: str) -> None:
        try:
            await run.answer(text)
        except BrokenPipeError:
            log.debug("a program ended before its answer came")

    async def resize(self, size: TerminalSize) -> None:
        """A program that is still being built starts with this size."""
        self._size = size
        if self._run is not None:
            await self._run.terminal.resize(size)

    async def signal(self, number: int) -> None:
        """To the compiler, or to what is in the foreground of the program's terminal."""
        self._is_ended = True
        if self._build is not None:
            await self._build.signal(number)
        elif self._run is not None:
            await self._run.terminal.signal(number)
            if number == signal.SIGKILL and not self._is_local:
                await self._end_stopped(self._run)

    async def _end_stopped(self, run: TerminalRun) -> None:
        try:
            async with asyncio.timeout(KILL_DEADLINE):
                await run.terminal.wait()
        except EnvironmentUnavailable:
            pass  # the container has ended
        except TimeoutError:
            await self._environment.terminate()
