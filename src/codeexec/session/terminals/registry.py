"""The terminals of a session: answers the requests about them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from weakref import WeakValueDictionary

from msgspec.structs import replace

from codeexec.domain import requests as q
from codeexec.domain.errors import Busy, CodeexecError, Conflict, NotFound, UsageError
from codeexec.domain.events import NoticeGiven
from codeexec.domain.events.terminals import TerminalClosed, TerminalExited, TerminalOpened
from codeexec.domain.ids import TERMINAL, new_id
from codeexec.domain.programs import shell_status
from codeexec.domain.terminals import TerminalView, stream_of
from codeexec.domain.wire.checks import check_id
from codeexec.environments.base import TerminalSize
from codeexec.environments.budget import Budget, beside_loop
from codeexec.environments.holder.client import LeftBehind
from codeexec.environments.short_folders import remove_flat
from codeexec.session.byte_streams import ByteStreams
from codeexec.session.settings import HostSettings
from codeexec.session.storage.event_log import EventLog
from codeexec.session.terminals import reading
from codeexec.session.terminals.emulator import (
    Emulator,
    EmulatorKind,
    ProgramPicture,
    emulator_kind,
)
from codeexec.session.terminals.history import restore, rows_left
from codeexec.session.terminals.idle import end_idle
from codeexec.session.terminals.log import TerminalLog
from codeexec.session.terminals.pictures.emulator import PictureKind
from codeexec.session.terminals.place import TerminalPlace
from codeexec.session.terminals.programs import Program, find_program, joinable_place, program_of
from codeexec.session.terminals.shells import Start, in_folder, start_of
from codeexec.session.terminals.terminal import SessionTerminal, folder_for

log = logging.getLogger(__name__)

READ_SECONDS = 20.0


class SessionTerminals:
    """Terminals by id. Those that were open before a restart of the server are taken up when
    `adopt` is called; requests wait for that."""

    def __init__(
        self,
        folder: Path,
        recorder: EventLog,
        streams: ByteStreams,
        place: TerminalPlace,
        settings: HostSettings,
        keep_picture: Callable[[ProgramPicture], Awaitable[None]],
        *,
        outlives: bool,
    ) -> None:
        """`outlives`: programs go on when this server is killed, for the next one."""
        self._folder = folder
        self._recorder = recorder
        self._streams = streams
        self._place = place
        self._limit = settings.terminal_scrollback
        self._most = settings.terminals
        self._keep_picture = keep_picture
        self._outlives = outlives
        self._terminals: dict[str, SessionTerminal] = {}
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """A lock is here for as long as a request holds it or waits for it."""
        self._kind: EmulatorKind | None = None
        self._adopted: asyncio.Task[None] | None = None
        self._is_finished = False

    # -- requests -------------------------------------------------------------------------

    async def answer(self, request: q.TerminalRequest, client: q.ClientInfo | None) -> q.Reply:
        await self.adopted()
        match request:
            case q.OpenTerminal():
                return await self._open(request)
            case q.RestartTerminal():
                return await self._restart(request.terminal_id)
            case q.CloseTerminal():
                await self._close(request.terminal_id)
            case q.TypeInTerminal():
                await self.find(request.terminal_id).type(request)
            case q.ResizeTerminal():
                await self.find(request.terminal_id).resize(request, client)
            case q.ListJoinableTerminals():
                return await self._joinable()
            case q.ListTerminals():
                return q.TerminalList(tuple(self._recorder.snapshot.terminals.values()))
            case q.ReadTerminal():
                return await self._read_screen(request.terminal_id)
            case q.ReadTerminalRows() | q.SearchTerminal() | q.ReadTerminalText():
                return await self._read(request)
        return q.Done(self._recorder.snapshot.seq)

    def find(self, terminal_id: str) -> SessionTerminal:
        try:
            return self._terminals[terminal_id]
        except KeyError:
            raise self._not_found(terminal_id) from None

    @staticmethod
    def _not_found(terminal_id: str) -> NotFound:
        return NotFound(
            f"There is no terminal {terminal_id[:100]!r} in this session.",
            "It was closed, or belongs to another session.",
        )

    def _view(self, terminal_id: str) -> TerminalView | None:
        return self._recorder.snapshot.terminals.get(terminal_id)

    def _known_view(self, terminal_id: str) -> TerminalView:
        view = self._view(terminal_id)
        if view is None:
            raise self._not_found(terminal_id)
        return view

    def _answer(self, terminal_id: str) -> q.TerminalAnswer:
        return q.TerminalAnswer(self._known_view(terminal_id), self._recorder.snapshot.seq)

    # -- opening and ending ---------------------------------------------------------------

    async def _open(self, request: q.OpenTerminal) -> q.TerminalAnswer:
        terminal_id = request.terminal_id or new_id(TERMINAL)
        check_id(terminal_id, "id of a terminal")
        if "\0" in "".join(request.argv) or (request.argv and not request.argv[0]):
            raise UsageError("This is no command.", "Name a program, then its arguments.")
        if request.join and (request.argv or request.shell):
            raise UsageError("A terminal that is joined runs a program already.", "Name none.")
        size = TerminalSize(request.columns, request.rows)
        async with self._opening.setdefault(terminal_id, asyncio.Lock()):
            view = self._view(terminal_id)
            if view is not None:
                if (view.argv, view.joined) != (request.argv, request.join):
                    raise Conflict(
                        f"The terminal {terminal_id} runs another command.",
                        "Choose another id, or leave it out.",
                    )
                return self._answer(terminal_id)
            if len(self._recorder.snapshot.terminals) >= self._most:
                raise Busy(
                    f"This session has {self._most} terminals.",
                    "Close one, or allow more by the setting sessions.terminals.",
                )
            if request.join in (joined := self._joined()):
                raise Conflict(
                    f"This session has joined the terminal {request.join[:100]}.",
                    f"It is its terminal {joined[request.join]}.",
                )
            await self._make(terminal_id, request, size)
            return self._answer(terminal_id)

    async def _make(self, terminal_id: str, request: q.OpenTerminal, size: TerminalSize) -> None:
        kind = await self._load()
        emulator = kind.make(size)
        try:
            start, program = await self._start(request, size)
        except BaseException:
            emulator.close()
            raise
        terminal_log = TerminalLog(folder_for(self._folder, terminal_id), self._limit)
        try:
            self._check_open()
            terminal_log.begin_segment(kind.name, 0, emulator.save())
            view = TerminalView(
                terminal_id,
                start.shown,
                argv=request.argv,
                name=request.name,
                place=self._place.backend,
                pid=program.pid or None,
                columns=size.columns,
                rows=size.rows,
                opened_at=self._recorder.clock.now(),
                has_integration=bool(start.nonce),
                joined=request.join,
            )
            key = _request_key(terminal_id)
            self._recorder.keep(key, self._recorder.secrets.without_env(key, _kept(request)))
            self._recorder.record_now(TerminalOpened(view))
        except CodeexecError:
            await program.kill()
            emulator.close()
            terminal_log.remove()
            raise
        terminal = self._add(terminal_id, emulator, kind, terminal_log)
        self._run(terminal, start, program)

    def _add(
        self, terminal_id: str, emulator: Emulator, kind: EmulatorKind, terminal_log: TerminalLog
    ) -> SessionTerminal:
        terminal = SessionTerminal(
            lambda: self._view(terminal_id),
            emulator,
            kind.name,
            terminal_log,
            self._recorder.record,
            self._recorder.clock.now,
            self._keep_picture,
        )
        self._terminals[terminal_id] = terminal
        self._streams.add(stream_of(terminal_id), terminal.stream)
        return terminal

    def _run(self, terminal: SessionTerminal, start: Start, program: Program) -> None:
        if self._outlives:
            program.keep()
        terminal.note_run(program.folder, start.nonce)
        terminal.start(program, start.nonce, 0)

    async def _start(self, request: q.OpenTerminal, size: TerminalSize) -> tuple[Start, Program]:
        await self._place.prepare()
        environment = self._place.environment
        if request.join:
            joined = await joinable_place(environment).join_terminal(request.join, size)
            return Start((), {}, (request.join,)), program_of(environment, joined)
        is_local = self._place.is_local
        variables, path = self._place.variables()
        start = start_of(
            request.argv,
            request.shell,
            {**variables, **request.env},
            is_local=is_local,
            path=path,
        )
        command, folder = start.command, request.folder
        if is_local and folder.startswith("/"):
            # The folder of a file that was opened from elsewhere.
            command, folder = in_folder(command, folder), ""
        handle = await environment.open_terminal(command, size=size, cwd=folder, env=start.env)
        return start, program_of(environment, handle)

    def _joined(self) -> dict[str, str]:
        """Ids of the terminals of the session by the names of those that they have joined."""
        views = self._recorder.snapshot.terminals.values()
        return {
            view.joined: view.terminal_id
            for view in views
            if view.joined and view.state == "running"
        }

    async def _joinable(self) -> q.JoinableTerminals:
        await self._place.prepare()
        terminals = await joinable_place(self._place.environment).joinable_terminals()
        joined = self._joined()
        return q.JoinableTerminals(
            tuple(replace(listed, terminal_id=joined.get(listed.name, "")) for listed in terminals)
        )

    async def _restart(self, terminal_id: str) -> q.TerminalAnswer:
        terminal = self.find(terminal_id)
        async with self._opening.setdefault(terminal_id, asyncio.Lock()):
            view = self._known_view(terminal_id)
            if view.state == "running":
                raise Conflict("The program in this terminal still runs.", "End it first.")
            key = _request_key(terminal_id)
            stored = self._recorder.journal.get_private(key)
            request = _request(terminal_id, view, self._recorder.secrets.with_env(key, stored))
            start, program = await self._start(request, TerminalSize(view.columns, view.rows))
            try:
                self._check_open()
            except Conflict:
                await program.kill()
                raise
            await terminal.clean_up()
            self._recorder.record(
                TerminalOpened(_opened_again(view, program.pid or None, self._recorder.clock.now()))
            )
            self._run(terminal, start, program)
            return self._answer(terminal_id)

    async def _close(self, terminal_id: str) -> None:
        async with self._opening.setdefault(terminal_id, asyncio.Lock()):
            terminal = self._terminals.pop(terminal_id, None)
            if terminal is not None:
                await terminal.close()
                await asyncio.to_thread(terminal.log.remove)
            self._streams.remove(stream_of(terminal_id))
            if self._view(terminal_id) is not None:
                self._recorder.keep(_request_key(terminal_id), None)
                self._recorder.record(TerminalClosed(terminal_id))

    def _check_open(self) -> None:
        """Conflict where the session was closed while a program was being started for it."""
        if self._is_finished:
            raise Conflict("The session was closed.", "Open another session.")

    async def _load(self) -> EmulatorKind:
        """Loaded when the first terminal is opened: it takes longer than a start of the server."""
        if self._kind is None:
            self._kind = PictureKind(await asyncio.to_thread(emulator_kind))
            if self._kind.notice:
                self._recorder.record(NoticeGiven("warning", "Slow terminals", self._kind.notice))
        return self._kind

    async def _read_screen(self, terminal_id: str) -> q.TerminalState:
        terminal, answer = self.find(terminal_id), self._answer(terminal_id)
        update, _, _ = await terminal.screen.update_since(0, terminal.log.first_row)
        return q.TerminalState(answer.terminal, update)

    # -- reading --------------------------------------------------------------------------

    async def _read(
        self, request: q.ReadTerminalRows | q.SearchTerminal | q.ReadTerminalText
    ) -> q.Reply:
        terminal_id = request.terminal_id
        self._known_view(terminal_id)
        kind = await self._load()
        folder = folder_for(self._folder, terminal_id)
        terminal = self._terminals.get(terminal_id)
        if terminal is not None:
            history, cleared, screen_rows = await terminal.screen.rows_now()
        else:
            history, cleared, screen_rows = await asyncio.to_thread(rows_left, folder, kind)
        budget = Budget(READ_SECONDS, "Reading the terminal")

        screen = reading.ScreenRows(history, cleared, screen_rows)
        return await beside_loop(
            budget, lambda: reading.answer(request, folder, kind, screen, budget.check)
        )

    # -- after a restart of the server, and at the end ----------------------------------------

    def adopt(self) -> None:
        """Take up the terminals of the snapshot, in the background."""
        if self._recorder.snapshot.terminals:
            work = self._adopt_all(list(self._recorder.snapshot.terminals.values()))
            self._adopted = asyncio.get_running_loop().create_task(work, name="adopt terminals")

    async def adopted(self) -> None:
        """Wait until all have been taken up."""
        if self._adopted is not None:
            await asyncio.shield(self._adopted)

    async def _adopt_all(self, views: list[TerminalView]) -> None:
        try:
            kind = await self._load()
        except CodeexecError as error:
            log.error("terminals cannot be taken up: %s", error)
            return
        for view in views:
            try:
                await self._adopt(view, kind)
            except CodeexecError as error:
                log.error("terminal %s cannot be taken up: %s", view.terminal_id, error)
                self._recorder.record(
                    TerminalExited(view.terminal_id, None, "It could not be taken up.")
                )

    async def _adopt(self, view: TerminalView, kind: EmulatorKind) -> None:
        terminal_log = TerminalLog(folder_for(self._folder, view.terminal_id), self._limit)
        emulator = await asyncio.to_thread(restore, terminal_log.folder, kind, terminal_log)
        if emulator is None:
            emulator = kind.make(TerminalSize(view.columns, view.rows))
        terminal_log.begin_segment(kind.name, emulator.history, emulator.save())
        terminal = self._add(view.terminal_id, emulator, kind, terminal_log)
        if view.state != "running":
            return
        await terminal.tell()  # what was not yet recorded
        run = terminal_log.run
        offset = terminal_log.offset - run.base
        program = await find_program(self._place.environment, run.folder, offset)
        if isinstance(program, LeftBehind):
            output = program.output
            await terminal.take(output.data[max(offset - output.offset, 0) :])
            await terminal.end(shell_status(program.end.code))
            await asyncio.to_thread(remove_flat, run.folder)
        elif program is None:
            await terminal.end(None, "It ended with the server before this one.")
        else:
            if self._outlives:
                program.keep()
            terminal.start(program, run.nonce, offset)

    async def end_idle(self, limit: float) -> None:
        """See the module `idle`."""
        await end_idle(list(self._terminals.values()), self._view, limit)

    def forget_client(self, client: q.ClientInfo) -> None:
        """The connection of a client has ended: it shows no terminal any more."""
        for terminal in self._terminals.values():
            terminal.forget_client(client)

    async def finish(self, *, keep: bool) -> None:
        """The session is closed, or (`keep`) left to the next server."""
        self._is_finished = True
        if self._adopted is not None:
            await asyncio.gather(self._adopted, return_exceptions=True)
        terminals, self._terminals = self._terminals, {}
        for terminal_id, terminal in terminals.items():
            view = self._view(terminal_id)
            if keep:
                await terminal.detach()
                continue
            await terminal.close()
            if view is not None and view.state == "running":
                self._recorder.record(
                    TerminalExited(terminal_id, None, "It ended with its session.")
                )


def _request_key(terminal_id: str) -> str:
    return f"terminal:{terminal_id}"


def _opened_again(view: TerminalView, pid: int | None, now: float) -> TerminalView:
    return replace(view, pid=pid, state="running", exit_code=None, opened_at=now, ended_at=None)


def _kept(request: q.OpenTerminal) -> dict[str, object]:
    return {"shell": request.shell, "folder": request.folder, "env": request.env}


def _request(terminal_id: str, view: TerminalView, stored: object) -> q.OpenTerminal:
    options = stored if isinstance(stored, dict) else {}
    env = options.get("env")
    return q.OpenTerminal(
        terminal_id,
        view.argv,
        str(options.get("shell") or ""),
        str(options.get("folder") or ""),
        env if isinstance(env, dict) else {},
        view.name,
        view.columns,
        view.rows,
        view.joined,
    )
