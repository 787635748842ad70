"""One headless run: pieces of a program through a session of our own, its output as it comes."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import shlex
import signal
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli.messages import say
from codeexec.cli.run.console import RunConsole
from codeexec.cli.run.options import RunOptions
from codeexec.cli.run.outcome import Outcome, judge, judge_program
from codeexec.cli.run.output import OutputPrinter
from codeexec.cli.run.source import LoadedProgram, Piece, load_program, prelude
from codeexec.cli.run.writer import leave_quietly
from codeexec.cli.script.keys import KeyForwarder
from codeexec.cli.script.signals import SignalPipe, watched
from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import errors
from codeexec.domain.backends import CONTAINERS
from codeexec.domain.codec import encode
from codeexec.domain.events import (
    AnyEvent,
    CellRef,
    DisplayUpdated,
    ExecutionFinished,
    ExecutionStarted,
    ImagePullAdvanced,
    InputCounted,
    KernelDied,
    KernelReady,
    KernelRef,
    KernelStarting,
    NextInputOffered,
    NoticeGiven,
    OutputChanged,
    StdinAnswered,
    StdinRequested,
)
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.mime import text_of
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import MimePart
from codeexec.domain.printable import printable_json
from codeexec.domain.pulls import pull_words
from codeexec.domain.requests import (
    AnswerStdin,
    ClientInfo,
    Execute,
    Interrupt,
    OpenSession,
    ReadBlob,
)
from codeexec.kernels.factory import Kernels
from codeexec.kernels.process.kernel import BACKEND as PROGRAM
from codeexec.session.settings import HostSettings
from codeexec.session.temporary import temporary_state

if TYPE_CHECKING:
    from codeexec.cli.run.artifacts import ArtifactFolder
    from codeexec.client.api import SessionClient
    from codeexec.kernels.docker.containers import ContainerSettings
    from codeexec.kernels.early import EarlyKernel
    from codeexec.kernels.process.kernel import ProgramBackend

QUIT_WINDOW = 2.0
"""Seconds within which a second Ctrl+C ends the run."""

END_OF_INPUT = "\x04"
"""The answer that ends the input of a program in a kernel: see `guest/program_magic.py`."""

PRELUDE = "prelude"
_PRELUDE_OPTIONS = ExecuteOptions(silent=True, store_history=False, stop_on_error=False)
"""The origin of what makes the kernel ready for the program."""


class HeadlessRun:
    """Made, run once by `run`, and let go."""

    def __init__(
        self,
        options: RunOptions,
        program: LoadedProgram,
        early: EarlyKernel | None = None,
        process: ProgramBackend | None = None,
    ) -> None:
        """`process`: the program runs as a process of its own, not on a kernel."""
        self._process = process
        # Before any thread is made: each would have to block the signals as well.
        self._signals = SignalPipe() if process is not None else None
        self._keys: KeyForwarder | None = None
        backends = {PROGRAM: process} if process is not None else None
        self._kernels = Kernels(early, backends, containers=_containers, trust=options.trust)
        self._options = options
        self._program = program
        self._console = RunConsole(
            options.color,
            options.images,
            quiet=options.as_json,
            stdin_is_program=program.path is None,
        )
        self._artifacts: ArtifactFolder | None = None
        if options.artifacts is not None:
            from codeexec.cli.run.artifacts import ArtifactFolder

            self._artifacts = ArtifactFolder(options.artifacts)
        self._views: dict[str, OutputPrinter] = {}
        self._ended_views: dict[str, OutputPrinter] = {}
        self._ends: dict[str, asyncio.Future[ExecutionFinished]] = {}
        self._executed: dict[int, str] = {}
        self._began: set[str] = set()
        self._counts: dict[str, int] = {}
        self._session: SessionClient | None = None
        self._kernel: KernelRef | None = None
        self._ready: KernelReady | None = None
        self._death: KernelDied | None = None
        self._answering: asyncio.Task[None] | None = None
        self._stdin_ended = False
        self._quit: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._interrupted_at = -QUIT_WINDOW
        self._tasks: set[asyncio.Task[None]] = set()
        self._started_code: float | None = None

    # -- the whole -----------------------------------------------------------------------

    async def run(self) -> int:
        """Everything, from the kernel's start to its end; returns the exit code."""
        options, program = self._options, self._program
        self._listen_to_signals()
        for remark in options.remarks:
            self._console.say(remark)
        settings = HostSettings(watch_variables=False, collect_files=False)
        async with temporary_state() as state:
            async with EmbeddedHost(
                state,
                self._kernels,
                settings,
                ClientInfo("run"),
            ) as host:
                opened = await host.call(
                    OpenSession(
                        cwd=str((options.cwd or program.folder).absolute()),
                        name=program.name,
                        kernel=options.kernel or program.kernel,
                        file=str(program.path.absolute()) if program.path else "",
                        env=dict(options.env),
                        backend=PROGRAM if self._process else options.backend,
                        image=options.image,
                        policy=options.policy,
                    )
                )
                session = self._session = host.session(opened.session_id)
                reader = asyncio.create_task(self._read_events(session))
                work = asyncio.create_task(self._run_pieces(session))
                try:
                    code = await self._first(work, reader)
                    if options.save is not None:
                        await self._save(session, options.save)
                    return code
                finally:
                    await self._wind_up(work, reader)

    async def _first(self, work: asyncio.Task[int], reader: asyncio.Task[None]) -> int:
        waits: set[asyncio.Future[int] | asyncio.Future[None]] = {work, reader, self._quit}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if self._quit.done():
            return self._quit.result()
        if work.done():
            return work.result()
        reader.result()  # it never ends by itself but by an error
        return exits.FAILED

    async def _wind_up(self, *tasks: asyncio.Task[int] | asyncio.Task[None]) -> None:
        if self._keys is not None:
            self._keys.stop()
        going = {*tasks, *self._tasks}
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        for view in self._views.values():
            view.end()
        for view in self._ended_views.values():
            view.end_late()
        with suppress(BrokenPipeError, TimeoutError):
            # Whoever was told to end does not wait for a reader that does not read.
            async with asyncio.timeout(1.0 if self._quit.done() else None):
                await self._console.flush()

    async def _save(self, session: SessionClient, path: Path) -> None:
        from codeexec.cli.run.notebook import Executed, save_notebook

        def read(part: MimePart) -> asyncio.Future[str]:
            return asyncio.ensure_future(self._part(session, part))

        executed = {
            index: Executed(execution_id, self._counts.get(execution_id))
            for index, execution_id in self._executed.items()
            if execution_id in self._began
        }
        await save_notebook(self._program, executed, session, read, path, self._kernel, self._ready)

    # -- code in ---------------------------------------------------------------------------

    async def _run_pieces(self, session: SessionClient) -> int:
        program, options = self._program, self._options
        is_python = program.path is None or program.path.suffix.lower() in (".py", ".ipynb")
        is_python &= language_of_kernel(options.kernel or program.kernel).lower() == "python"
        if is_python and self._process is None and not self._has_magic:
            code = prelude(program, options.arguments)
            await session.call(Execute(code, origin=PRELUDE, options=_PRELUDE_OPTIONS))
        worst = exits.OK
        for number, piece in enumerate(program.pieces, 1):
            end = await self._run_piece(session, number, piece)
            outcome = self._judge(end)
            if piece.may_fail and end.status == "error":
                outcome = Outcome(exits.OK)
            self._tell(outcome, number, len(program.pieces))
            worst = max(worst, outcome.code)
            if outcome.ends or (outcome.code != exits.OK and not options.keep_going):
                break
        return worst

    @property
    def _has_magic(self) -> bool:
        """A script in a container: its kernel is one that we launch, which knows `%program`."""
        program = self._program
        return (
            self._options.backend == CONTAINERS
            and program.path is not None
            and not program.has_cells
        )

    def _judge(self, end: ExecutionFinished) -> Outcome:
        if self._process is not None and self._process.status is not None:
            return judge_program(end, self._process.status)
        return judge(
            end,
            death=self._death.death if self._death else None,
            interrupted=self._interrupted_at > 0,
            no_input=self._stdin_ended,
            is_script=not self._program.has_cells,
        )

    async def _run_piece(
        self, session: SessionClient, number: int, piece: Piece
    ) -> ExecutionFinished:
        remaining = limit = self._options.timeout
        if remaining is not None and limit is not None and self._started_code is not None:
            remaining -= time.monotonic() - self._started_code
            if remaining <= 0:
                return ExecutionFinished("", "timed_out", f"It ran longer than {limit:g} s.")
        of_cell = self._options.cell_timeout
        if of_cell is not None:
            remaining = of_cell if remaining is None else min(of_cell, remaining)
        execution_id = new_id(EXECUTION)
        end: asyncio.Future[ExecutionFinished] = asyncio.get_running_loop().create_future()
        self._ends[execution_id] = end
        self._executed[piece.index] = execution_id
        if self._artifacts is not None:
            self._artifacts.begin_piece(number)
        self._views[execution_id] = OutputPrinter(
            self._console.out_sink,
            self._console.err_sink,
            lambda part: self._part(session, part),
            color=self._console.color,
            artifacts=self._artifacts,
            pictures=self._console.pictures,
        )
        where = CellRef(str(self._program.path or "-"), piece.title, piece.first_line, piece.title)
        await session.call(
            Execute(
                self._code_of(piece),
                execution_id,
                origin="run",
                cell=where,
                options=ExecuteOptions(stop_on_error=False, timeout=remaining),
            )
        )
        footer = self._start(self._show_progress(number, piece))
        try:
            finished = await end
        finally:
            footer.cancel()
            await asyncio.wait({footer})
            view = self._views.pop(execution_id)
            view.end()
            self._ended_views[execution_id] = view
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

    async def _show_progress(self, number: int, piece: Piece) -> None:
        if self._program.has_cells and self._options.progress:
            title = f" {piece.title}" if piece.title else ""
            await self._console.show_progress(f"▸ {number}/{len(self._program.pieces)}{title}")

    def _tell(self, outcome: Outcome, number: int, count: int) -> None:
        """On stderr, what the output does not tell."""
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

    # -- facts out -------------------------------------------------------------------------

    async def _read_events(self, session: SessionClient) -> None:
        async for batch in session.events(0, "full"):
            ended: list[ExecutionFinished] = []
            for record in batch:
                if self._options.as_json:
                    self._console.out.write(printable_json(encode(record).decode()) + "\n")
                await self._take(session, record.event)
                if isinstance(record.event, ExecutionFinished):
                    ended.append(record.event)
            await self._console.flush()
            for event in ended:
                waiting = self._ends.pop(event.execution_id, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(event)

    async def _take(self, session: SessionClient, event: AnyEvent) -> None:
        match event:
            case OutputChanged() if not self._options.as_json:
                if view := self._views.get(event.execution_id):
                    await view.take(event)
                elif view := self._ended_views.get(event.execution_id):
                    await view.take_late(event)
            case DisplayUpdated() if not self._options.as_json:
                for view in self._views.values():
                    await view.update(event)
            case ExecutionStarted():
                self._began.add(event.execution_id)
                if event.execution_id in self._ends and self._started_code is None:
                    self._started_code = time.monotonic()
            case InputCounted():
                self._counts[event.execution_id] = event.count
            case KernelStarting():
                self._kernel = event.ref
            case ImagePullAdvanced():
                self._console.show_pull(event.image, pull_words(event))
            case KernelReady():
                self._console.show_pull("", None)
                self._ready = event
            case KernelDied():
                self._console.show_pull("", None)
                self._death = event
            case NextInputOffered() if not self._options.as_json:
                await self._console.flush()
                self._console.say(f"Offered as the next input, which a run has not:\n{event.text}")
            case NoticeGiven():
                await self._console.flush()
                self._console.say(f"{event.title}: {event.message} {event.next_step}".rstrip())
            case StdinAnswered():
                if view := self._views.get(event.execution_id):
                    view.shows_answers = event.origin != "run"
            case StdinRequested():
                await self._console.flush()
                self._answering = self._start(self._answer(session, event))
            case ExecutionFinished() if self._answering is not None:
                self._answering.cancel()
                self._answering = None
            case _:
                pass  # of no concern to somebody who looks at output alone

    async def _part(self, session: SessionClient, part: MimePart) -> str:
        if part.text is not None:
            return part.text
        blob = await session.call(ReadBlob(part.blob or ""))
        return text_of(part.mime, blob.data)

    # -- people ----------------------------------------------------------------------------

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _answer(self, session: SessionClient, event: StdinRequested) -> None:
        try:
            text = await self._console.ask(event.prompt, hidden=event.password)
        except errors.UsageError as error:
            self._console.show_error(error)
            text = None
        with suppress(errors.Conflict):  # the run has ended meanwhile
            if text is None and self._has_magic:
                await session.call(AnswerStdin(event.request_id, END_OF_INPUT, "run"))
            elif text is None:
                self._stdin_ended = True
                await session.call(Interrupt())
            else:
                await session.call(AnswerStdin(event.request_id, text, "run"))

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        if self._signals is not None:
            loop.add_reader(self._signals.fd, self._take_signals, self._signals)
            if self._process is not None:
                self._hand_on_keys(self._process)
            return
        for number in watched():
            if number == signal.SIGINT:
                loop.add_signal_handler(number, self._on_interrupt, False)
            else:
                loop.add_signal_handler(number, self._leave, exits.TERMINATED)

    def _hand_on_keys(self, process: ProgramBackend) -> None:
        if process.spawned.keys is not None:
            self._keys = KeyForwarder(
                0,
                process.spawned.keys,
                lambda: self._on_interrupt(True),
                process.pause,
                process.resume,
            )
            self._console.forward_keys_to(self._keys)
            self._keys.start()
            # In the foreground again.
            asyncio.get_running_loop().add_signal_handler(signal.SIGCONT, self._keys.start)

    def _take_signals(self, signals: SignalPipe) -> None:
        for number, is_from_terminal in signals.read():
            if number == signal.SIGINT:
                self._on_interrupt(is_from_terminal and self._keys is None)
            else:
                self._leave(exits.TERMINATED)

    def _on_interrupt(self, reached_program: bool) -> None:
        now = time.monotonic()
        is_second = now - self._interrupted_at < QUIT_WINDOW
        if is_second or self._session is None or self._started_code is None:
            self._leave(exits.INTERRUPTED)
            return
        self._interrupted_at = now
        if self._process is not None and reached_program:
            self._process.terminal_interrupts += 1
        if self._console.err.is_terminal:
            self._console.say("Interrupting. Ctrl+C again within 2 s ends the run.")
        self._start(self._interrupt(self._session))

    async def _interrupt(self, session: SessionClient) -> None:
        await self._console.flush()
        try:
            await session.call(Interrupt())
        except errors.Conflict:  # between two cells: the next one is not begun
            self._leave(exits.INTERRUPTED)

    def _leave(self, code: int) -> None:
        if not self._quit.done():
            self._quit.set_result(code)


def _containers() -> ContainerSettings:
    from codeexec.server.start import container_settings

    return replace(container_settings(), spare=False)  # it would be for nobody


def language_of_kernel(name: str) -> str:
    """The language that a kernel of this name runs; Python for none and for a path."""
    if not name or "/" in name or name == "python3":
        return "python"
    from codeexec.kernels.jupyter.discover import find_specs
    from codeexec.languages.catalog import languages

    spec = find_specs().get(name.lower())
    if spec is not None and spec.language:
        return spec.language
    # In a container, say: the usual names of kernels tell as well.
    return next(
        (language.name for language in languages().values() if name in language.kernels), "python"
    )


def run_program(options: RunOptions, early: EarlyKernel | None = None) -> int:
    """Run it, on the kernel that boots already if it fits; returns the exit code. Raises
    CodeexecError where it could not even begin."""
    program = load_program(
        options.file,
        cells=options.cells,
        language=language_of_kernel(options.kernel),
        parameters=options.parameters,
    )
    return run_loaded(options, program, early=early)


def run_loaded(
    options: RunOptions,
    program: LoadedProgram,
    process: ProgramBackend | None = None,
    early: EarlyKernel | None = None,
) -> int:
    """Run what has been read; see `run_program`."""
    if options.save is not None and not options.save.absolute().parent.is_dir():
        raise errors.UsageError(
            f"{options.save.parent} is not a folder.", "Give --save a file in one that exists."
        )
    gc.enable()
    gc.freeze()
    # What libraries log is not for whoever runs a script: our errors say it in words.
    logging.getLogger().addHandler(logging.NullHandler())

    async def run() -> int:
        return await HeadlessRun(options, program, early, process).run()

    status, by = exits.KERNEL if program.has_cells else exits.OWN_FAILURE, "codeexec-tui"
    try:
        status = asyncio.run(run())
        if process is not None and process.status == status:
            by = "program"
        elif status in (exits.OK, exits.FAILED):
            by = "code"
    except BrokenPipeError:
        leave_quietly()
        return exits.PIPE_CLOSED
    except KeyboardInterrupt:
        status = exits.INTERRUPTED  # before anything ran
    finally:
        if options.as_json:
            _tell_status(status, by)
    return status


def _tell_status(status: int, by: str) -> None:
    """The last line of `--json`: the exit status, and whose it is: that of the program, of the
    code on a kernel, or our own."""
    line = json.dumps({"type": "run_ended", "status": status, "by": by})
    try:
        say(line, flush=True)
    except OSError:  # nobody reads, or the disk is full: the status says enough
        leave_quietly()
