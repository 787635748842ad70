"""One terminal of a Jupyter server, over WebSockets that are opened again when the line is cut."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import InputWait, ProcessEnd, TerminalSize
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.kernels.jupyter.remote.terminals.marks import MarkReader
from codeexec.kernels.jupyter.remote.terminals.replay import ReceivedText
from codeexec.kernels.jupyter.remote.terminals.scripts import END_SESSION, GO, SIGNAL
from codeexec.kernels.jupyter.remote.transport import PAUSES

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

MOST_WAITING = 16
"""Pieces of output that wait for their reader; then nothing more is taken from the line."""
LARGEST_INPUT = 4096
"""Characters that are sent at once."""
LOST = b"\x18\x1b[m\r\n[output was not kept by the server while the line was cut]\r\n"
"""Shown where the server has kept less than what came while the line was cut."""
SENT_AGAIN = b"\x18\x1b[m\r\n[the last part of the output, sent again by the server]\r\n"
FORGET_WAIT = 10.0
"""Seconds to tell the server that a terminal is not needed any more."""


class ServedTerminal:
    """A TerminalHandle; its command is started by the script START. `key` finds it again: another
    session server takes it up with `resumed`."""

    def __init__(self, server: JupyterServer, name: str, nonce: str, size: TerminalSize) -> None:
        self._server, self.name, self._nonce, self._size = server, name, nonce, size
        self.repeated_until = 0
        """Output before this offset was said before: its programs wait for no replies to it."""
        self.pid = self._session = 0
        self._marks = MarkReader(nonce)
        self._received = ReceivedText()
        self._delivered = 0
        """Bytes of the output, without marks, that were given on."""
        self._is_taken_up = False
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._socket: ClientConnection | None = None
        self._opened = asyncio.Event()
        self._started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._end: ProcessEnd | None = None
        self._failure: EnvironmentUnavailable | None = None
        self._has_ended = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._is_left = False
        """Whether it was let go, or its end was asked for."""
        self.on_end: Callable[[], object] = lambda: None

    # -- beginning -----------------------------------------------------------------------

    async def begin(self) -> str:
        """Join it, and let the command start. Returns the word of the mark that says how that went:
        `run`, `folder` or `missing`. ServerFailure where the line breaks before."""
        self._running = asyncio.create_task(self._run(), name=f"terminal {self.name}")
        return await asyncio.shield(self._started)

    @classmethod
    def resumed(cls, server: JupyterServer, key: str, offset: int) -> ServedTerminal | None:
        """The terminal with this key, whose first `offset` bytes of output are not given on again;
        None for another kind of key."""
        kind, *fields = key.split(":")
        if kind != _KIND or len(fields) != 4 or not "".join(fields[2:]).isdigit():
            return None
        name, nonce, pid, session = fields
        self = cls(server, name, nonce, TerminalSize())
        self.pid, self._session = int(pid), int(session)
        self._take_up(offset)
        return self

    def _take_up(self, offset: int) -> None:
        self._delivered, self._is_taken_up = offset, True
        self._started.set_result("run")
        self._running = asyncio.create_task(self._run(), name=f"terminal {self.name}")

    @property
    def key(self) -> str:
        return f"{_KIND}:{self.name}:{self._nonce}:{self.pid}:{self._session}"

    # -- TerminalHandle ------------------------------------------------------------------

    @property
    def output(self) -> AsyncIterator[bytes]:
        return self._output()

    async def _output(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk
        self._chunks.put_nowait(None)  # whoever reads again finds the end

    async def write(self, data: bytes) -> None:
        """While the line is cut, it waits. The server takes text: what is no UTF-8 is replaced."""
        text = self._decoder.decode(data)
        for start in range(0, len(text), LARGEST_INPUT):
            await self._send_lasting("stdin", text[start : start + LARGEST_INPUT])

    async def _send_lasting(self, *message: object) -> None:
        while True:
            if self._has_ended.is_set():
                raise BrokenPipeError("the terminal is closed")
            if await self._send(*message):
                return
            opened = asyncio.ensure_future(self._opened.wait())
            ended = asyncio.ensure_future(self._has_ended.wait())
            try:
                await asyncio.wait({opened, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                opened.cancel()
                ended.cancel()

    async def _send(self, *message: object) -> bool:
        from websockets.exceptions import ConnectionClosed

        socket = self._socket
        if socket is None:
            return False
        try:
            await socket.send(msgspec.json.encode(message).decode())
        except ConnectionClosed:
            if self._socket is socket:
                self._socket = None
                self._opened.clear()
            return False
        return True

    async def resize(self, size: TerminalSize) -> None:
        self._size = size
        await self._send("set_size", size.rows, size.columns)

    async def signal(self, number: int) -> None:
        """By another terminal of the server, which ends at once."""
        if self.poll() is None and self._session:
            await self._run_beside(SIGNAL, str(number), str(self._session))

    async def input_wait(self) -> InputWait:
        return InputWait("works")

    def poll(self) -> ProcessEnd | None:
        return self._end

    async def wait(self) -> ProcessEnd:
        await self._has_ended.wait()
        if self._end is not None:
            return self._end
        assert self._failure is not None
        raise self._failure

    async def kill(self) -> None:
        self._finish(ProcessEnd(-9))
        if not self._is_left:
            self._is_left = True
            await asyncio.shield(self._forget())
        await self._close()

    async def leave(self) -> None:
        """Let go of the terminal, which goes on."""
        self._is_left = True
        await self._close()
        self._finish(None)

    # -- the line ------------------------------------------------------------------------

    async def _run(self) -> None:
        attempt = 0
        try:
            while not self._is_left:
                try:
                    socket = await self._open()
                except ServerFailure as error:
                    if error.kind == "gone" or not self._started.done():
                        raise
                else:
                    attempt = 0
                    is_gone = await self._serve(socket)
                    if not self._started.done():
                        raise ServerFailure("line", f"The line to {self._server.name} broke.")
                    if is_gone:
                        break
                await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
                attempt += 1
        except ServerFailure as error:
            if not self._started.done():
                self._started.set_exception(error)
        finally:
            self._finish(None)

    async def _open(self) -> ClientConnection:
        from codeexec.kernels.jupyter.remote.web_socket import open_web_socket

        await self._open_line()
        path = f"terminals/websocket/{quote(self.name)}"
        return await open_web_socket(self._server.access, path, "such terminal")

    async def _open_line(self) -> None:
        """Before each WebSocket to the terminal."""
        if self._is_taken_up:
            await self._server.version()  # it may be behind a hub

    async def _serve(self, socket: ClientConnection) -> bool:
        """Until the line is cut, or (True) the terminal is gone."""
        from websockets.exceptions import ConnectionClosed

        self._socket = socket
        is_again = self._started.done()
        try:
            await self._send("set_size", self._size.rows, self._size.columns)
            async for frame in socket:
                kind, text = _message(frame)
                if kind == "setup":
                    self._take_setup()
                elif kind == "disconnect":
                    return True
                elif kind == "stdout":
                    await self._take_again(text) if is_again else await self._take(text)
                    is_again = False
        except ConnectionClosed:
            pass
        finally:
            self._socket = None
            self._opened.clear()
            with contextlib.suppress(OSError):
                await socket.close()
        return False

    def _take_setup(self) -> None:
        """The server has joined this line to the terminal."""
        self._opened.set()

    async def _take(self, text: str) -> None:
        self._received.add(text)
        shown, marks = self._marks.take(text)
        await self._give(shown.encode("utf-8", "replace"))
        for mark in marks:
            await self._take_mark(*mark)

    async def _take_again(self, text: str) -> None:
        """What the server has kept comes as one text, before all that is new."""
        fresh = MarkReader(self._nonce)
        lost, self._is_taken_up = SENT_AGAIN if self._is_taken_up else LOST, False
        if text.startswith(fresh.first_words):  # that is all there ever was
            shown, marks = fresh.take(text)
            data = shown.encode("utf-8", "replace")[self._delivered :]
            self._marks, self._received = fresh, ReceivedText()
            self._received.add(text)
            await self._give(data)
            for mark in marks:
                await self._take_mark(*mark)
            return
        unseen = self._received.unseen(text)
        if unseen is None:
            self._marks = fresh
            await self._give(lost)
            unseen = text
            self.repeated_until = self._delivered + len(text.encode("utf-8", "replace"))
        await self._take(unseen)

    async def _give(self, data: bytes) -> None:
        if data and self._end is None:
            self._delivered += len(data)
            await self._chunks.put(data)

    async def _take_mark(self, word: str, *fields: str) -> None:
        match word, fields:
            case "ready", ():
                if not self._started.done():
                    await self._send("stdin", GO)
            case (("folder" | "missing"), ()):
                self._decide(word)
            case "run", (pid, session):
                self.pid, self._session = _number(pid), _number(session)
                self._decide(word)
            case "end", (status,):
                code = _number(status)
                await self._send("stdin", GO)
                self._finish(ProcessEnd(128 - code if 128 < code < 160 else code))

    def _decide(self, word: str) -> None:
        if not self._started.done():
            self._started.set_result(word)

    # -- the end -------------------------------------------------------------------------

    def _finish(self, end: ProcessEnd | None) -> None:
        if self._has_ended.is_set():
            return
        self._end = end
        if end is None:
            self._failure = self._gone()
        self._has_ended.set()
        self._begin_end_of_output()
        self.on_end()

    def _gone(self) -> EnvironmentUnavailable:
        return EnvironmentUnavailable(
            f"The terminal is gone from {self._server.name}: it was closed there, or the "
            "server was stopped.",
            "Open another terminal.",
        )

    def _begin_end_of_output(self) -> None:
        try:
            self._chunks.put_nowait(None)
        except asyncio.QueueFull:
            task = asyncio.ensure_future(self._chunks.put(None))
            _ends.add(task)
            task.add_done_callback(_ends.discard)

    async def _close(self) -> None:
        running, self._running = self._running, None
        if running is not None and running is not asyncio.current_task():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _forget(self) -> None:
        """End all processes of the terminal, and have the server forget it."""
        try:
            async with asyncio.timeout(FORGET_WAIT):
                if self._session:
                    await self._run_beside(END_SESSION, str(self._session))
                await self._server.ask("DELETE", f"api/terminals/{quote(self.name)}")
        except (ServerFailure, TimeoutError) as error:
            log.warning("terminal %s of %s stays: %s", self.name, self._server.name, error)

    async def _run_beside(self, script: str, *arguments: str) -> None:
        command = ["/bin/sh", "-c", script, "sh", *arguments]
        await self._server.ask("POST", "api/terminals", {"shell_command": command})


_KIND = "served"
_ends: set[asyncio.Future[None]] = set()
"""Ends of outputs that wait for their reader; the event loop itself holds tasks only weakly."""


def _message(frame: str | bytes) -> tuple[str, str]:
    """The kind of a message, and its text where it has one."""
    try:
        fields = msgspec.json.decode(frame, type=list)
    except msgspec.MsgspecError:
        return "", ""
    kind, text = (*fields, "", "")[:2]
    return str(kind), text if isinstance(text, str) else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
