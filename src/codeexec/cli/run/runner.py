"""One headless run: executes the pieces of a program in a session of its own."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
import shutil
import time
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.cli import exit_codes as exits
from codeexec.cli.outcome import Outcome, judge, judge_built, judge_program
from codeexec.cli.run.containers import single_container
from codeexec.cli.run.control import RunControl
from codeexec.cli.run.events import RunEvents
from codeexec.cli.run.logins import answer_login
from codeexec.cli.run.opening import open_here, open_there
from codeexec.cli.run.program_options import program_options
from codeexec.cli.run.source import LoadedProgram, Piece, language_of_kernel, pieces_above, prelude
from codeexec.cli.run.tasks import RunTasks
from codeexec.cli.run_options import RunOptions
from codeexec.cli.streams.console import RunConsole
from codeexec.cli.streams.printer import OutputPrinter
from codeexec.cli.streams.signals import SignalPipe
from codeexec.domain import errors
from codeexec.domain.content.mime import text_of
from codeexec.domain.events import (
    CellRef,
    ExecutionFinished,
    StdinRequested,
)
from codeexec.domain.events.logins import LoginQuestionAsked
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import PROGRAMS, ExecuteOptions
from codeexec.domain.outputs import MimePart
from codeexec.domain.places.backends import CONTAINERS
from codeexec.domain.requests import (
    AnswerStdin,
    Execute,
    Interrupt,
    OpenSession,
    ReadBlob,
)
from codeexec.kernels.factory import Kernels
from codeexec.kernels.process.kernel import BACKEND as PROGRAM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeexec.cli.run.cell_outputs import CellOutputs
    from codeexec.cli.streams.artifacts import ArtifactFolder
    from codeexec.cli.streams.parts import ReadPart
    from codeexec.client.api import SessionClient
    from codeexec.documents.notebook.outputs import Json
    from codeexec.kernels.backends import RemoteTarget
    from codeexec.kernels.early import EarlyKernel
    from codeexec.kernels.process.kernel import ProgramBackend

END_OF_INPUT = "\x04"
"""Answer that ends the standard input of `%program`: see `guest/program_magic.py`."""

PRELUDE = "prelude"
"""Origin of the execution that prepares the kernel for the program."""
_PRELUDE_OPTIONS = ExecuteOptions(silent=True, store_history=False, stop_on_error=False)


def _remote_targets() -> Sequence[RemoteTarget]:
    from codeexec.server.start import remote_targets  # loads the settings

    return remote_targets()


class HeadlessRun:
    """One run of a program; `run` is called once."""

    def __init__(
        self,
        options: RunOptions,
        program: LoadedProgram,
        early: EarlyKernel | None = None,
        process: ProgramBackend | None = None,
    ) -> None:
        """`early` is a kernel that boots already; `process` is the program's process, if the
        program does not run on a kernel."""
        self._process = process
        # Before any thread is made: each would have to block the signals as well.
        signals = SignalPipe() if process is not None else None
        backends = {PROGRAM: process} if process is not None else None
        # The streams of a terminal are no text of a notebook: for a program its rows are saved.
        self._cell_outputs: CellOutputs | None = None
        if options.save is not None and program.has_cells:
            from codeexec.cli.run.cell_outputs import CellOutputs

            self._cell_outputs = CellOutputs()
        self._kernels = Kernels(
            early,
            backends,
            containers=single_container,
            trust=options.trust,
            observe=self._cell_outputs.take if self._cell_outputs else None,
            remotes=_remote_targets,
        )
        self.has_programs_status = False
        """Whether the exit code is that of a program which a kernel has built and run."""
        self._options = options
        self._program = program
        self._console = RunConsole(
            options.color,
            options.images,
            quiet=options.as_json,
            stdin_is_program=program.path is None and not program.target,
        )
        self._control = RunControl(
            self._console, process, signals, self._can_interrupt, self._start_interrupt
        )
        self._events = RunEvents(self._console, as_json=options.as_json, answer=self._start_answer)
        self._artifacts: ArtifactFolder | None = None
        if options.artifacts is not None:
            from codeexec.cli.streams.artifacts import ArtifactFolder

            self._artifacts = ArtifactFolder(options.artifacts)
        self._execution_ids: dict[int, str] = {}  # by index of the piece
        self._session: SessionClient | None = None
        self._stdin_ended = False
        self._tasks = RunTasks(self._console, self._control, self._events)

    # -- the run ------------------------------------------------------------------------

    async def run(self) -> int:
        """Start the kernel, run all pieces, end the kernel; returns the exit code."""
        options = self._options
        self._control.listen()
        for remark in options.remarks:
            self._console.say(remark)
        async with self._open_session() as session:
            self._session = session
            reader = asyncio.create_task(self._events.read(session))
            work = asyncio.create_task(self._run_pieces(session))
            try:
                code = await self._tasks.first(work, reader, int)
                if options.save is not None:
                    await self._save(session, options.save)
                return code
            finally:
                await self._tasks.wind_up(work, reader)

    def _open_session(self) -> AbstractAsyncContextManager[SessionClient]:
        options, program = self._options, self._program
        folder = program.folder if program.target else options.cwd or program.folder
        request = OpenSession(
            cwd=str(folder.absolute()),
            name=program.name,
            kernel=options.kernel or program.kernel,
            file=str(program.path.absolute()) if program.path else "",
            env=dict(options.env),
            backend=PROGRAM if self._process else options.backend,
            image=options.image,
            policy=options.policy,
            transport=options.transport,
            start_kernel=not program.language,
        )
        if options.server is not None:
            return open_there(request, options.server, self._console)
        return open_here(request, self._kernels)

    async def _save(self, session: SessionClient, path: Path) -> None:
        from codeexec.cli.run.notebook import Executed, save_notebook

        def read(part: MimePart) -> asyncio.Future[str]:
            return asyncio.ensure_future(self._part(session, part))

        executed = {
            index: Executed(execution_id, self._events.counts.get(execution_id))
            for index, execution_id in self._execution_ids.items()
            if execution_id in self._events.started
        }
        await save_notebook(
            self._program,
            executed,
            self._cell_outputs,
            session,
            read,
            lambda: self._widget_states(session, read),
            path,
            self._events.kernel,
            self._events.ready,
        )

    async def _widget_states(self, session: SessionClient, read: ReadPart) -> Json:
        """The states of the kernel's widgets, by model; empty if it cannot tell them."""
        from codeexec.cli.run import widget_states

        if not self._has_python_kernel or self._control.quit.done() or self._events.death:
            return {}
        execution_id = new_id(EXECUTION)
        end = self._events.watch(execution_id)
        request = Execute(
            widget_states.CODE,
            execution_id,
            origin=widget_states.ORIGIN,
            options=widget_states.OPTIONS,
        )
        states = None
        with suppress(errors.CodeexecError, TimeoutError):
            async with asyncio.timeout(widget_states.MOST_SECONDS):
                await session.call(request)
                await end
                states = await widget_states.read_states(session, execution_id, read)
        if states is None:
            self._console.say(widget_states.NOT_SAVED)
        return states or {}

    # -- executions ------------------------------------------------------------------------

    async def _run_pieces(self, session: SessionClient) -> int:
        program, options = self._program, self._options
        if self._has_python_kernel and not self._has_magic:
            code = prelude(program, options.arguments)
            await session.call(Execute(code, origin=PRELUDE, options=_PRELUDE_OPTIONS))
        if options.save is not None and not program.pieces:
            await self._await_kernel(session)
        worst = exits.OK
        for number, piece in enumerate(program.pieces, 1):
            end = await self._run_piece(session, number, piece)
            outcome = self._judge_cell(end) if piece.language else self._judge(end)
            self.has_programs_status = outcome.is_programs
            if piece.may_fail and end.status == "error":
                outcome = Outcome(exits.OK)
            self._report(outcome, number, len(program.pieces))
            worst = max(worst, outcome.code)
            if outcome.ends or (outcome.code != exits.OK and not options.keep_going):
                break
        return worst

    async def _await_kernel(self, session: SessionClient) -> None:
        """Let the kernel tell its language, for a notebook in which no cell is run."""
        execution_id = new_id(EXECUTION)
        end = self._events.watch(execution_id)
        await session.call(Execute("", execution_id, origin=PRELUDE, options=_PRELUDE_OPTIONS))
        await end

    @property
    def _has_python_kernel(self) -> bool:
        path, name = self._program.path, self._options.kernel or self._program.kernel
        is_python = path is None or path.suffix.lower() in (".py", ".ipynb")
        is_python &= not self._program.target and language_of_kernel(name).lower() == "python"
        return is_python and self._process is None

    @property
    def _has_magic(self) -> bool:
        """Whether the run is a script in a container, whose kernel has the magic `%program`."""
        program = self._program
        return (
            self._options.backend == CONTAINERS
            and program.path is not None
            and not (program.has_cells or program.language)
        )

    def _judge_cell(self, end: ExecutionFinished) -> Outcome:
        """The outcome of a cell in another language than the program's: its exit status ends
        nothing."""
        if self._events.is_on_programs and end.status == "error":
            built = judge_built(end.error)
            status = f"It ended with exit status {built.code}."
            return Outcome(exits.FAILED, remark=built.remark or status)
        outcome = self._judge(end)
        # Without its kernel a language has no cells; with --keep-going those of others are run.
        is_without_kernel = isinstance(outcome.error, errors.KernelUnavailable | errors.KernelDied)
        return dataclasses.replace(outcome, ends=False) if is_without_kernel else outcome

    def _judge(self, end: ExecutionFinished) -> Outcome:
        if self._process is not None and self._process.status is not None:
            return judge_program(end, self._process.status)
        if self._program.language and end.status in ("ok", "error"):
            return judge_built(end.error)
        return judge(
            end,
            death=self._events.death.death if self._events.death else None,
            interrupted=self._control.was_interrupted,
            no_input=self._stdin_ended,
            is_script=not self._program.has_cells,
        )

    async def _run_piece(
        self, session: SessionClient, number: int, piece: Piece
    ) -> ExecutionFinished:
        remaining = limit = self._options.timeout
        started_at = self._events.code_started_at
        if remaining is not None and limit is not None and started_at is not None:
            remaining -= time.monotonic() - started_at
            if remaining <= 0:
                return ExecutionFinished("", "timed_out", f"It ran longer than {limit:g} s.")
        of_cell = self._options.cell_timeout
        if of_cell is not None:
            remaining = of_cell if remaining is None else min(of_cell, remaining)
        execution_id = new_id(EXECUTION)
        self._execution_ids[piece.index] = execution_id
        if self._cell_outputs is not None and not piece.language:
            self._cell_outputs.expect(execution_id)  # of others, of programs too, rows are saved
        if self._artifacts is not None:
            self._artifacts.begin_piece(number)
        printer = OutputPrinter(
            self._console.out_sink,
            self._console.err_sink,
            lambda part: self._part(session, part),
            color=self._console.color,
            artifacts=self._artifacts,
            pictures=self._console.pictures,
        )
        end = self._events.begin(execution_id, printer)
        where = CellRef(str(self._program.path or "-"), piece.title, piece.first_line, piece.title)
        await session.call(
            Execute(
                self._code_of(piece),
                execution_id,
                origin="run",
                cell=where,
                options=self._execute_options(remaining, piece),
            )
        )
        footer = self._tasks.start(self._show_progress(number, piece))
        try:
            finished = await end
        finally:
            footer.cancel()
            await asyncio.wait({footer})
            self._events.end(execution_id)
        self._console.end_clusters()
        await self._console.flush()
        return finished

    def _code_of(self, piece: Piece) -> str:
        if not self._has_magic:
            return piece.code
        file = (
            self._options.file
            if self._options.cwd is None
            else str(Path(self._options.file).absolute())
        )
        return "%program " + shlex.join([file, *self._options.arguments])

    def _execute_options(self, timeout: float | None, piece: Piece) -> ExecuteOptions:
        options = ExecuteOptions(
            stop_on_error=False,
            timeout=timeout,
            language=piece.language,
            above=pieces_above(self._program.pieces, piece),
        )
        language = self._program.language
        if not language:
            return options
        size = shutil.get_terminal_size()
        echo = self._console.keyboard.is_terminal
        program = program_options(self._options, self._program, rows=size.lines, echo=echo)
        return replace(options, columns=size.columns, kernel=self._kernel_name, program=program)

    @property
    def _kernel_name(self) -> str:
        """The kernel that runs the code; empty for the session's default one."""
        if self._program.language:
            return f"{PROGRAMS}:{self._program.language}"
        return self._events.running_on

    async def _show_progress(self, number: int, piece: Piece) -> None:
        if self._program.has_cells and self._options.progress:
            title = f" {piece.title}" if piece.title else ""
            await self._console.show_progress(f"▸ {number}/{len(self._program.pieces)}{title}")

    def _report(self, outcome: Outcome, number: int, count: int) -> None:
        """Print the outcome of a piece on stderr, as far as the output does not show it."""
        if outcome.error is not None:
            self._console.show_error(outcome.error)
        if outcome.remark:
            self._console.say(outcome.remark)
        if not self._program.has_cells or outcome.code == exits.OK:
            return
        skipped = count - number if outcome.ends or not self._options.keep_going else 0
        skipped_text = (
            f"; {skipped} after it {'was' if skipped == 1 else 'were'} not run" if skipped else ""
        )
        self._console.say(f"Cell {number} of {count} did not end well{skipped_text}.")

    # -- content, input, interrupts ---------------------------------------------------------

    async def _part(self, session: SessionClient, part: MimePart) -> str:
        if part.text is not None:
            return part.text
        blob = await session.call(ReadBlob(part.blob or ""))
        return text_of(part.mime, blob.data)

    def _start_answer(self, event: StdinRequested | LoginQuestionAsked) -> asyncio.Task[None]:
        if isinstance(event, LoginQuestionAsked):
            assert self._session is not None, "events come from the session"
            return self._tasks.start(answer_login(event.question, self._session, self._console))
        return self._tasks.start(self._answer(event))

    async def _answer(self, event: StdinRequested) -> None:
        assert self._session is not None, "events come from the session"
        try:
            text = await self._console.ask(event.prompt, hidden=event.password, echoed=event.echoed)
        except errors.UsageError as error:
            self._console.show_error(error)
            text = None
        with suppress(errors.Conflict):  # the execution has ended meanwhile
            if text is None and (self._has_magic or self._program.language):
                await self._session.call(AnswerStdin(event.request_id, END_OF_INPUT, "run"))
            elif text is None:
                self._stdin_ended = True
                await self._session.call(Interrupt(kernel=self._kernel_name))
            else:
                await self._session.call(AnswerStdin(event.request_id, text, "run"))

    def _can_interrupt(self) -> bool:
        return self._session is not None and self._events.code_started_at is not None

    def _start_interrupt(self) -> None:
        if self._session is not None:
            self._tasks.start(self._interrupt(self._session))

    async def _interrupt(self, session: SessionClient) -> None:
        await self._console.flush()
        try:
            await session.call(Interrupt(kernel=self._kernel_name))
        except errors.Conflict:  # between two cells: the next one is not begun
            self._control.leave(exits.INTERRUPTED)
