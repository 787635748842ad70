"""A kernel that builds and runs programs: one execution is one program, from its file or as code.

It has no process between executions. A program runs on a pseudo-terminal in the environment of
the session; what it waits for on stdin is asked for as `input()` of a Python kernel is.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import os
import signal
import time
from pathlib import Path

from codeexec.domain.errors import CodeexecError, Conflict, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.options import PROGRAMS, PROJECT_KERNEL, ProgramOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.plain_files import read_first_line
from codeexec.environments.base import Environment, TerminalSize
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.backends import Backend, BackendContext
from codeexec.kernels.base import (
    ExecuteCall,
    Finished,
    Handle,
    InputRequested,
    Kernel,
    KernelChoice,
    KernelEvent,
    KernelUsage,
    Ready,
    Sink,
    Started,
    StepDone,
    StreamWritten,
)
from codeexec.kernels.capabilities import Capabilities
from codeexec.kernels.process.program import MOST_ERRORS, exit_error
from codeexec.kernels.process.projects.session_build import ProjectSessionBuild
from codeexec.kernels.process.steps.build import BuildResult, Program, plan_program
from codeexec.kernels.process.steps.cache import keep_code
from codeexec.kernels.process.steps.report import BuiltStep, build_error, step_result
from codeexec.kernels.process.steps.session_build import SessionBuild
from codeexec.kernels.process.steps.terminal_run import PREPARED, TerminalRun
from codeexec.languages.catalog import by_name
from codeexec.languages.model import Language
from codeexec.languages.plan import PlanOptions, has_programs, language_of_program
from codeexec.languages.projects.reports import PROJECT

log = logging.getLogger(__name__)

SCREEN_COLUMNS = 80


def make_backend(context: BackendContext) -> Backend:
    return ProgramsBackend()


class ProgramsBackend(Backend):
    """Makes the kernels `programs:LANGUAGE`."""

    name = PROGRAMS
    loss_reason = "The session server ended, and its programs with it."

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        """NotFound for an unknown language, UsageError for one that has no tools."""
        if f"{PROGRAMS}:{choice.name}" == PROJECT_KERNEL:
            return StepsKernel(PROJECT, choice, sink)
        language = by_name(choice.name or "bash")
        if not has_programs(language):
            raise UsageError(
                f"{language.title} files are not run as programs of this kind.",
                "Run them on a kernel of their language, if there is one.",
            )
        return StepsKernel(language, choice, sink)


class StepsKernel:
    """Builds and runs programs of one language."""

    def __init__(self, language: Language, choice: KernelChoice, sink: Sink) -> None:
        self._language = language
        self._choice = choice
        self._sink = sink
        self._own: LocalEnvironment | None = None
        self._running: ProgramExecution | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def ref(self) -> KernelRef:
        language = self._language
        name = f"{PROGRAMS}:{language.name}"
        return KernelRef(name, f"{language.title} programs", language.name, "", PROGRAMS)

    @property
    def pid(self) -> int | None:
        return self._running.pid if self._running is not None else None

    @property
    def is_alive(self) -> bool:
        return True

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(stdin=self, host_paths=True)

    async def start(self) -> Ready:
        return Ready(None, self._language.name, "", "", subshells=False)

    def handle(self) -> Handle:
        return {}

    def execute(self, call: ExecuteCall) -> None:
        execution = self._running = ProgramExecution(
            self._language, self._environment(), self._choice, call, self._sink
        )
        self._task = asyncio.create_task(execution.run())

    def _environment(self) -> Environment:
        if self._choice.place is not None:
            return self._choice.place()
        if self._own is None:
            self._own = LocalEnvironment(Path(self._choice.cwd))
        return self._own

    def answer_stdin(self, text: str) -> None:
        if self._running is not None:
            self._running.answer(text)

    async def interrupt(self) -> None:
        if self._running is not None:
            await self._running.signal(signal.SIGINT)

    async def signal(self, signum: int) -> bool:
        if self._running is None or self._task is None or self._task.done():
            return False
        await self._running.signal(signum)
        return True

    async def restart(self) -> Ready:
        await self.shutdown()
        return await self.start()

    async def shutdown(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._running = self._task = None
        if self._own is not None:
            await self._own.terminate()
            self._own = None

    def usage(self) -> KernelUsage:
        return KernelUsage(None, None)


class ProgramExecution:
    """One program, from its plan to its end."""

    def __init__(
        self,
        language: Language,
        environment: Environment,
        choice: KernelChoice,
        call: ExecuteCall,
        sink: Sink,
    ) -> None:
        self._language = language
        self._environment = environment
        self._choice = choice
        self._call = call
        self._options = call.options.program or ProgramOptions()
        self._sink = sink
        self._build: SessionBuild | ProjectSessionBuild | None = None
        self._run: TerminalRun | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._tail = ""
        self._is_ended = False

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
            words = f"{error.message} {error.next_step}".rstrip()
            finished = self._finished(ErrorInfo(error.title, words))
        except OSError as error:
            words = f"{error.filename or 'A file'}: {error.strerror or error}"
            finished = self._finished(ErrorInfo("Not run", words))
        self._tell(finished)

    async def _run_code(self) -> Finished:
        """The code as a file of its own, next to which its build finds nothing else."""
        extensions = self._language.extensions
        name = f"Main{extensions[0]}" if extensions else self._language.names[0]
        path = await asyncio.to_thread(keep_code, self._call.code, name)
        return await self._run_file(str(path))

    async def _run_project(self) -> Finished:
        build = self._build = ProjectSessionBuild(
            self._environment, self._choice, self._call, self._tell
        )
        end = await build.run()
        self._build = None
        if end.error is not None or end.program is None:
            return self._finished(end.error)
        if self._is_ended:
            return self._finished(exit_error(-signal.SIGINT))
        return await self._run_program(end.program)

    async def _run_file(self, file: str) -> Finished:
        program = await asyncio.to_thread(self._plan, file)
        if self._options.steps != "run" or program.folder is None:
            build = await self._build_program(program)
            if build.status:
                return self._finished(build_error(program.plan.tool, build.status))
            if self._options.steps == "build":
                return self._finished(None)
        elif not os.access(program.folder.program, os.X_OK):
            raise Conflict(f"{Path(file).name} was not built yet.", "Build it first.")
        if self._is_ended:
            return self._finished(exit_error(-signal.SIGINT))
        return await self._run_program(program)

    def _plan(self, file: str) -> Program:
        if not isinstance(self._environment, LocalEnvironment):
            raise UsageError(
                f"{self._language.title} programs are not run in a container by this version.",
                "Build and run it by a shell: !g++ in a cell, or the terminal.",
            )
        path = Path(self._choice.cwd, file)
        first_line = "" if self._language.build else read_first_line(path)
        language_of_program(path.name, first_line)  # a header is refused
        options = self._options
        root = Path(self._environment.base_paths.workspace)
        named = path.relative_to(root) if path.is_relative_to(root) else path
        choice = PlanOptions(
            options.profile, options.compiler, options.flags, options.arguments, "parsed"
        )
        environ = {**os.environ, **self._choice.env}
        return plan_program(
            self._language, str(named), root, environ, choice, first_line=first_line
        )

    async def _build_program(self, program: Program) -> BuildResult:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")

        def write(data: bytes) -> None:
            if text := decoder.decode(data):
                self._tell(StreamWritten(self._call.execution, "stderr", text))

        self._build = SessionBuild(self._environment, program, write)
        build = await self._build.run(rebuild=self._options.rebuild)
        self._build = None
        if program.folder is not None:
            step = await asyncio.to_thread(lambda: BuiltStep(program, build).result)
            self._tell(StepDone(self._call.execution, step))
        return build

    async def _run_program(self, program: Program) -> Finished:
        options = self._call.options
        began = time.monotonic()
        terminal = await self._environment.open_terminal(
            (*PREPARED, *program.plan.run),
            size=TerminalSize(options.columns or SCREEN_COLUMNS, self._options.rows),
            env={k: v for k, v in self._choice.env.items() if k not in ("COLUMNS", "LINES")},
        )
        if self._is_ended:  # interrupted while the terminal was being made
            await terminal.kill()
            return self._finished(exit_error(-signal.SIGINT))
        self._run = TerminalRun(terminal, self._write, self._ask)
        end = await self._run.run()
        seconds = time.monotonic() - began
        step = await asyncio.to_thread(step_result, program, "run", end, seconds, self._tail)
        self._tell(StepDone(self._call.execution, step))
        return self._finished(exit_error(end.code))

    def _finished(self, error: ErrorInfo | None) -> Finished:
        return Finished(self._call.execution, "error" if error else "ok", error)

    def _write(self, text: str) -> None:
        self._tail = (self._tail + text)[-MOST_ERRORS:]
        self._tell(StreamWritten(self._call.execution, "stdout", text))

    def _ask(self, is_password: bool) -> None:
        if self._call.options.allow_stdin:
            self._tell(InputRequested(self._call.execution, "", is_password, echoed=True))

    def _tell(self, event: KernelEvent) -> None:
        self._sink([event])

    def answer(self, text: str) -> None:
        if self._run is not None:
            task = asyncio.create_task(self._type(self._run, text))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def _type(self, run: TerminalRun, text: str) -> None:
        try:
            await run.answer(text)
        except BrokenPipeError:
            log.debug("a program ended before its answer came")

    async def signal(self, number: int) -> None:
        """To the compiler, or to what is in the foreground of the program's terminal."""
        self._is_ended = True
        if self._build is not None:
            await self._build.signal(number)
        elif self._run is not None:
            await self._run.terminal.signal(number)
