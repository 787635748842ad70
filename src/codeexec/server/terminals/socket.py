"""The terminal socket: a session's shell for a page with xterm.js, by messages of JSON."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import re
from collections.abc import Awaitable, Callable

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict, NotFound
from codeexec.domain.ids import CLIENT, new_id
from codeexec.domain.terminals import AnyInput, KeyPress, Pasted, ScreenUpdate, TerminalRow, Typed
from codeexec.domain.wire.frames import STOPPED
from codeexec.server.peer import FrameChannel
from codeexec.server.terminals.messages import (
    CommandMessage,
    InputMessage,
    InterruptMessage,
    ResizeMessage,
    ServerMessage,
    decode_message,
    encode_message,
)
from codeexec.server.terminals.replay import CLEAR, redraw, replay
from codeexec.session.session import Session
from codeexec.session.terminals.viewers.raw_output import (
    OutputLost,
    ProgramEnded,
    PromptShown,
    RawReader,
)

TERMINAL_ID = "terminal"
"""The terminal of a session that its socket shows."""
MOST_ROWS = 5000
"""Rows above the screen that a client gets when it connects."""
_PAGE = 1000
_NOT_FOUND, _REFUSED = 4404, 4400
"""Why a connection is closed, in the range that applications have."""
_MARK = re.compile(rb"\x1b\]7733;[^\x07\x1b]*(?:\x07|\x1b\\)")
_PART_OF_MARK = re.compile(rb"\x1b(?:\](?:7(?:7(?:3(?:3(?:;[^\x07\x1b]{0,4000}\x1b?)?)?)?)?)?)?\Z")
_REPLY = re.compile(r"\x1b\[(?:[?>=][\d;]*c|0n|\?[\d;]*\$y|\??(?!1;[2-8]R)\d+;\d+R)")
"""What a terminal answers to a program's questions, which the server's emulator has answered. Shift
and F3 is `ESC [ 1 ; 2 R`, and no answer."""


class MarkFilter:
    """Takes the marks of our shell integration out of output, also those cut by its pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def filter(self, data: bytes) -> bytes:
        data = _MARK.sub(b"", self._rest + data)
        part = _PART_OF_MARK.search(data)
        self._rest = part[0] if part else b""
        return data[: len(data) - len(self._rest)]


class TerminalConnection:
    """One page that shows the terminal. The terminal keeps running when the page goes away."""

    def __init__(
        self,
        open_session: Callable[[], Awaitable[Session]],
        channel: FrameChannel,
        close: Callable[[int, str], Awaitable[None]],
        max_buffer: int,
        client: q.ClientInfo,
    ) -> None:
        """`client` is the page as sessions see it. `max_buffer`: bytes of output that wait for a
        page that does not read; `close` ends the connection with a code and a reason."""
        self._open_session = open_session
        self._channel = channel
        self._close = close
        self._max_buffer = max_buffer
        self._client = client
        self._source = new_id(CLIENT)

    async def run(self) -> None:
        """Until the page goes away, or the terminal is closed."""
        try:
            try:
                session = await self._open_session()
                with session.join(self._client):
                    await self._serve(session)
            except CodeexecError as error:
                await self._tell(error)
                code = _NOT_FOUND if isinstance(error, NotFound) else _REFUSED
                await self._close(code, "See the message before this.")
        except ConnectionError:
            return

    async def _serve(self, session: Session) -> None:
        is_new = TERMINAL_ID not in session.snapshot.terminals
        await session.call(q.OpenTerminal(TERMINAL_ID), self._client)
        if not is_new:
            await self._restart(session)
        reading = asyncio.ensure_future(self._read(session))
        sending = asyncio.ensure_future(self._send_output(session, is_new=is_new))
        try:
            await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                await sending
                await self._close(1001 if session.snapshot.closed else 1000, STOPPED)
            else:
                await reading
        finally:
            for task in (reading, sending):
                task.cancel()
            await asyncio.gather(reading, sending, return_exceptions=True)

    async def _restart(self, session: Session) -> None:
        """Start the shell again where it has ended."""
        if session.snapshot.terminals[TERMINAL_ID].state != "running":
            with contextlib.suppress(Conflict):  # another page was faster
                await session.call(q.RestartTerminal(TERMINAL_ID), self._client)

    # -- from the page --------------------------------------------------------------------

    async def _read(self, session: Session) -> None:
        async for text in self._channel:
            try:
                await self._take(session, text)
            except CodeexecError as error:
                await self._tell(error)

    async def _take(self, session: Session, text: str) -> None:
        match decode_message(text):
            case CommandMessage(command=command):
                command = command.removesuffix("\n")
                line = Pasted(command) if "\n" in command else Typed(command)
                await self._type(session, line, Typed("\r"))
            case InputMessage(data=data, content=content):
                keys = data or content
                if keys and not _REPLY.fullmatch(keys):
                    await self._type(session, Typed(keys))
            case InterruptMessage():
                await self._type(session, KeyPress("c", ctrl=True))
            case ResizeMessage(rows=rows, cols=columns):
                size = q.ResizeTerminal(TERMINAL_ID, columns, rows, self._source)
                await session.call(size, self._client)

    async def _type(self, session: Session, *items: AnyInput) -> None:
        if TERMINAL_ID in session.snapshot.terminals:
            await self._restart(session)
        await session.call(q.TypeInTerminal(TERMINAL_ID, items), self._client)

    # -- to the page ----------------------------------------------------------------------

    async def _send_output(self, session: Session, *, is_new: bool) -> None:
        terminal = await session.terminals.find(TERMINAL_ID)
        is_first = True
        while True:
            async with terminal.reading(self._max_buffer) as (screen, reader):
                if not is_first:
                    await self._send(ServerMessage("output", redraw(screen)))
                elif not is_new:
                    rows = await self._scrollback(session, screen)
                    await self._send(ServerMessage("output", CLEAR + replay(rows, screen)))
                else:
                    await self._send(ServerMessage("output", replay((), screen)))
                is_first = False
                if not await self._follow(reader):
                    return

    async def _scrollback(self, session: Session, screen: ScreenUpdate) -> list[TerminalRow]:
        rows: list[TerminalRow] = []
        at = max(screen.first, screen.history - MOST_ROWS)
        while at < screen.history:
            count = min(_PAGE, screen.history - at)
            page = await session.call(q.ReadTerminalRows(TERMINAL_ID, at, count), self._client)
            if not page.rows:
                break
            rows += page.rows[: screen.history - page.start]
            at = page.start + len(page.rows)
        return rows

    async def _follow(self, reader: RawReader) -> bool:
        """Send what comes. True once the screen has to be sent anew, False at the end."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        marks = MarkFilter()
        async for item in reader.items():
            match item:
                case bytes():
                    text = decoder.decode(marks.filter(item))
                    if text:
                        await self._send(ServerMessage("output", text))
                case PromptShown():
                    await self._send(ServerMessage("prompt"))
                case ProgramEnded(code=code):
                    await self._send(ServerMessage("exit", code=code))
                case OutputLost():
                    return True
        return False

    async def _tell(self, error: CodeexecError) -> None:
        await self._send(ServerMessage("error", message=str(error)))

    async def _send(self, message: ServerMessage) -> None:
        await self._channel.send(encode_message(message))
