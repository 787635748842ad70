"""One terminal of a session: its program, its screen, its log, and the clients that show it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from codeexec.domain.errors import Conflict, EnvironmentUnavailable, StorageError
from codeexec.domain.events import AnyEvent
from codeexec.domain.events.terminals import (
    TerminalCommandEnded,
    TerminalCommandStarted,
    TerminalExited,
    TerminalFolderChanged,
    TerminalRang,
    TerminalResized,
    TerminalTitled,
)
from codeexec.domain.programs import shell_status
from codeexec.domain.requests import ClientInfo, ResizeTerminal, TypeInTerminal
from codeexec.domain.terminals import ScreenUpdate, TerminalView
from codeexec.environments.base import ProcessEnd, TerminalSize
from codeexec.environments.holder.client import Chunk
from codeexec.session.terminals.commands import CommandFollower
from codeexec.session.terminals.emulator import Effects, Emulator, ProgramPicture
from codeexec.session.terminals.log import (
    OUTPUT,
    RESIZE,
    TerminalLog,
    pack_size,
    remember_typed,
)
from codeexec.session.terminals.screen import Screen, ScreenStream
from codeexec.session.terminals.viewers.raw_output import (
    ProgramEnded,
    PromptShown,
    RawOutput,
    RawReader,
)
from codeexec.session.terminals.viewers.sizes import SharedSize
from codeexec.session.terminals.writer import Typist

log = logging.getLogger(__name__)

TOLD = 0.5
"""Seconds between two events about the title or the bell."""
MOST_PICTURES = 8
"""Pictures of one terminal that wait to be kept."""
LINGER = 1.0
"""Seconds that output is read on after the end of the program where another process writes it."""
RESET = (
    b"\x18\x1b7\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?2004l\x1b[?1004l\x1b[<9u\x1b[!p"
    b"\x1b[m"
)
"""What a program may have left set when it was killed. The cursor is saved first: to leave the
alternate screen moves it to the saved place, also where the main screen is shown."""


class ProgramTerminal(Protocol):
    """The part of a TerminalHandle that is used here, with the offsets of its output."""

    @property
    def pid(self) -> int: ...

    def output(self, offset: int) -> AsyncIterator[Chunk]: ...

    def acknowledge(self, offset: int) -> None: ...

    async def write(self, data: bytes) -> None: ...

    async def resize(self, size: TerminalSize) -> None: ...

    async def wait(self) -> ProcessEnd: ...

    async def kill(self) -> None: ...

    async def release(self) -> None:
        """Leave it to the next server, where it can be; else it ends."""


class SessionTerminal:
    """Made for a terminal that was opened or restored; `start` lets a program run in it."""

    def __init__(
        self,
        view: Callable[[], TerminalView | None],
        emulator: Emulator,
        kind: str,
        terminal_log: TerminalLog,
        record: Callable[[AnyEvent], object],
        now: Callable[[], float],
        keep_picture: Callable[[ProgramPicture], Awaitable[None]],
    ) -> None:
        """`view` is that of the session's snapshot; `kind` names the emulator; `keep_picture` makes
        an artifact of a picture."""
        first = view()
        assert first is not None
        self.terminal_id = first.terminal_id
        self._view = view
        self._kind = kind
        self.log = terminal_log
        self._record = record
        self._now = now
        self.screen = Screen(emulator)
        self.screen.bells = first.bells
        self.stream = ScreenStream(self.screen, lambda: terminal_log.first_row)
        self.sizes = SharedSize(TerminalSize(first.columns, first.rows))
        self._commands = self._follower("", first)
        self._program: ProgramTerminal | None = None
        self._held: set[ProgramTerminal] = set()
        """That one, and the last one until all that it has started has ended and its terminal is
        closed."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._typist: Typist | None = None
        self._teller: asyncio.TimerHandle | None = None
        self._is_log_broken = False
        self._order = asyncio.Lock()
        self._typing = asyncio.Lock()
        self._typed: dict[str, int] = {}
        self.raw = RawOutput()
        self._keep_picture = keep_picture
        self._pictures: deque[ProgramPicture] = deque(maxlen=MOST_PICTURES)
        """Those that wait to be kept; of more, the oldest are not."""
        self._keeping: asyncio.Task[None] | None = None

    def _follower(self, nonce: str, view: TerminalView) -> CommandFollower:
        name = self.terminal_id
        return CommandFollower(
            nonce,
            self._now,
            lambda command: self._record(TerminalCommandStarted(name, command)),
            lambda command: self._record(TerminalCommandEnded(name, command)),
            view.commands[-1] if view.commands else None,
            view.folder,
        )

    # -- its program ----------------------------------------------------------------------

    def start(self, program: ProgramTerminal, nonce: str, offset: int) -> None:
        """Follow a program, whose output after this offset is not in the log."""
        view = self._view()
        assert view is not None
        self._program = program
        self._held.add(program)
        self._commands = self._follower(nonce, view)
        self._typist = Typist(program.write)
        typing = self._begin(self._typist.run(), "typist")
        self._begin(self._follow(program, offset, typing), "output")

    def _begin(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=f"{self.terminal_id} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._end_task)
        return task

    def _end_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s failed", task.get_name(), exc_info=error)

    async def _follow(
        self, program: ProgramTerminal, offset: int, typing: asyncio.Task[None]
    ) -> None:
        reading = asyncio.ensure_future(self._read(program, offset))
        ending = asyncio.ensure_future(self._wait(program))
        try:
            await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                # A background process may write for ever.
                await asyncio.wait({reading}, timeout=LINGER)
            code, reason = await ending
        finally:
            for task in (reading, ending, typing):
                task.cancel()
            await asyncio.gather(reading, ending, return_exceptions=True)
        await self.end(code, reason)
        await program.kill()
        self._held.discard(program)

    async def _wait(self, program: ProgramTerminal) -> tuple[int | None, str]:
        try:
            end = await program.wait()
        except EnvironmentUnavailable as error:
            return None, error.message
        return shell_status(end.code), ""

    async def _read(self, program: ProgramTerminal, offset: int) -> None:
        async for chunk in program.output(offset):
            if chunk.offset > offset:
                await self.take(_gap(chunk.offset - offset))
            await self.take(chunk.data, is_repeated=chunk.is_repeated)
            offset = chunk.offset + len(chunk.data)
            program.acknowledge(offset)

    async def take(self, data: bytes, *, is_repeated: bool = False) -> None:
        """Output of the program: written down, then shown. Questions in output that is repeated
        get no reply, as the program would take it for what is typed."""
        async with self._order:
            await self._write_log(OUTPUT, data)
            effects = await self.screen.feed(data)
            self.raw.publish(data)
        await self._react(replace(effects, replies=[], copied=[]) if is_repeated else effects)

    async def _write_log(self, kind: int, data: bytes) -> None:
        """Where the disk is full the terminal goes on without its log."""
        try:
            if self.log.is_full or self._is_log_broken:
                saved = await self.screen.save()
                self.log.begin_segment(self._kind, self.screen.history, saved)
                self._is_log_broken = False
            self.log.write(kind, data)
        except StorageError as error:
            if not self._is_log_broken:
                log.error("%s", error)
            self._is_log_broken = True

    async def _react(self, effects: Effects) -> None:
        if self._typist is not None:
            for reply in effects.replies:
                self._typist.reply(reply)
        for mark in effects.marks:
            begin = self._commands.input_of(mark)
            text = ""
            if begin is not None:
                text = await self.screen.text_between(begin.row, begin.column, mark.row)
            self._commands.take(mark, text)
            if self._commands.is_prompt(mark):
                self.raw.publish(PromptShown())
        if effects.pictures:
            self._pictures += effects.pictures
            if self._keeping is None or self._keeping.done():
                self._keeping = self._begin(self._keep_pictures(), "pictures")
        if self._teller is None:
            loop = asyncio.get_running_loop()
            self._teller = loop.call_later(TOLD, self._tell_soon)

    async def _keep_pictures(self) -> None:
        """One after the other: pictures may come faster than they are read."""
        while self._pictures:
            await self._keep_picture(self._pictures.popleft())

    def _tell_soon(self) -> None:
        self._teller = None
        self._begin(self.tell(), "title")

    async def tell(self) -> None:
        """Record the title, the working folder and the bells where they have changed."""
        title, folder = await self.screen.title_and_folder()
        view = self._view()
        if view is None:
            return
        if title != view.title:
            self._record(TerminalTitled(self.terminal_id, title))
        if folder and folder != view.folder:
            self._record(TerminalFolderChanged(self.terminal_id, folder))
        if self.screen.bells != view.bells:
            self._record(TerminalRang(self.terminal_id, self.screen.bells))

    async def end(self, code: int | None, reason: str = "") -> None:
        """Its program has ended."""
        self._program, self._typist = None, None
        self._commands.end(await self.screen.bottom(), code)  # `exit 3` is a command as well
        await self.tell()
        self._record(TerminalExited(self.terminal_id, code, reason))
        self.raw.publish(ProgramEnded(code))

    async def clean_up(self) -> None:
        """Undo what the last program has left set, before another one starts."""
        await self.take(RESET + b"\r\n")

    def note_run(self, folder: str, nonce: str) -> None:
        """A program has been started that the holder knows by this folder."""
        with contextlib.suppress(StorageError):
            self.log.note_run(folder, nonce)

    # -- what clients do ------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def reading(self, limit: int) -> AsyncIterator[tuple[ScreenUpdate, RawReader]]:
        """The whole screen, and all output after it, of which at most `limit` bytes wait."""
        async with self._order:
            screen, _, _ = await self.screen.update_since(0, self.log.first_row)
            reader = self.raw.add(limit)
            if self._commands.is_at_prompt:
                reader.put(PromptShown())  # it was shown before
        try:
            yield screen, reader
        finally:
            self.raw.remove(reader)

    async def stop_program(self) -> None:
        """End the program; its screen stays."""
        if self._program is not None:
            await self._program.kill()

    async def type(self, request: TypeInTerminal) -> None:
        """Conflict when the program has ended; Busy when it does not read."""
        async with self._typing:
            last = max(self._typed.get(request.source, 0), self.log.typed.get(request.source, 0))
            if request.number and request.number <= last:
                return  # it was applied, and only its answer was lost
            data = b"".join([await self.screen.encode(item) for item in request.items])
            self.raw.touch()
            typist = self._typist
            if typist is None:
                raise Conflict(
                    "The program in this terminal has ended.",
                    "Start it again, or close the terminal.",
                )
            typing = typist.type(data, lambda: self._note_typed(request))
            if request.number:
                remember_typed(self._typed, request.source, request.number)
        # Others may type meanwhile: Ctrl+C, for one.
        await typing

    def _note_typed(self, request: TypeInTerminal) -> None:
        if request.number:
            with contextlib.suppress(StorageError):
                self.log.note_typed(request.source, request.number)

    async def resize(self, request: ResizeTerminal, client: ClientInfo | None) -> None:
        if request.columns == 0:
            self.sizes.hide(request.source)
        else:
            size = TerminalSize(request.columns, request.rows)
            self.sizes.show(request.source, size, client, takes_control=request.takes_control)
        await self._apply_size()

    def forget_client(self, client: ClientInfo) -> None:
        """The connection of a client has ended."""
        if self.sizes.hide_client(client):
            self._begin(self._apply_size(), "size")

    async def _apply_size(self) -> None:
        size, view = self.sizes.size, self._view()
        if view is None:
            return
        if size != TerminalSize(view.columns, view.rows):
            async with self._order:
                await self._write_log(RESIZE, pack_size(size.columns, size.rows))
                await self.screen.resize(size)
            if self._program is not None:
                await self._program.resize(size)
        elif self.sizes.owner == view.size_owner:
            return
        self._record(TerminalResized(self.terminal_id, size.columns, size.rows, self.sizes.owner))

    # -- its end --------------------------------------------------------------------------

    async def close(self) -> None:
        """End the program and all that it has started; free the emulator."""
        self._program = None
        await self._stop_tasks()
        await self._kill_held()
        await self._free()

    async def detach(self) -> None:
        """Leave the program to the next server."""
        program, self._program = self._program, None
        await self._stop_tasks()
        if program is not None:
            self._held.discard(program)
            await program.release()
        await self._kill_held()
        await self._free()

    async def _kill_held(self) -> None:
        held, self._held = self._held, set()
        await asyncio.gather(*(program.kill() for program in held))

    async def _stop_tasks(self) -> None:
        if self._teller is not None:
            self._teller.cancel()
            self._teller = None
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _free(self) -> None:
        self.raw.close()
        await self.screen.close()
        self.log.close()


def _gap(size: int) -> bytes:
    """The text shown in place of output that was lost while no server was running."""
    return b"\x18\x1b[m\r\n[%d bytes of output were not kept]\r\n" % size


def folder_for(session: Path, terminal_id: str) -> Path:
    """Where the log of a terminal is; an id may hold any character."""
    return session / "terminals" / terminal_id.encode("utf-8", "replace").hex()[:200]
