"""Transport over a WebSocket of a Jupyter server, which is opened again when the line is cut."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from codeexec.domain.errors import ProtocolError
from codeexec.kernels.jupyter.line.gaps import MessageCounter
from codeexec.kernels.jupyter.messages.codec import Message, MessageCodec, encode, encode_header
from codeexec.kernels.jupyter.outbox.reader import REQUEST as OUTBOX_REQUEST
from codeexec.kernels.jupyter.remote import failures, frames
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.transport import Channel, Receiver

if TYPE_CHECKING:
    from codeexec.kernels.jupyter.remote.web_socket import QuickConnection

log = logging.getLogger(__name__)

PAUSES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each further attempt; the last one is repeated."""

TOO_LARGE = 1009
"""Code of a WebSocket that is closed for the size of a message."""

INPUT_WAIT = 0.03
"""Seconds without output that a question for input waits: it may overtake what came before."""

LASTING = frozenset({"execute_request", "input_reply", "comm_open", "comm_msg", "comm_close"})
"""Requests that wait for the line; others are asked again by those that want an answer."""


class LineListener(Protocol):
    """Receives the state of the connection, and what the server reports of the kernel's process."""

    def line_cut(self, failure: ServerFailure) -> None:
        """Called after each attempt that failed, and when the line breaks."""

    def line_opened(self) -> None: ...

    def line_wanted(self) -> None:
        """Called when something is sent that waits for the line."""

    def process_ended(self, how: str) -> None:
        """`restarting`: the server has found it dead, and starts another one; `dead`: it does
        not; `look`: a client has asked for its end."""


class WebSocketTransport:
    """A Transport: one line after the other, all with one session id."""

    answers_beside_code = False

    def __init__(
        self,
        access: Callable[[], Access],
        kernel_id: str,
        session: str,
        receiver: Receiver,
        line: LineListener,
        *,
        is_fresh: bool,
    ) -> None:
        """`access` is asked for each line. `is_fresh`: the process is a new one. The server may
        still have messages of the last one for this session, which are left out."""
        self._is_fresh = is_fresh
        self._access, self._kernel_id, self._session = access, kernel_id, session
        self._receiver, self._line = receiver, line
        self._loop = asyncio.get_running_loop()
        self._codec = MessageCodec("")  # messages were checked by the server, which has the key
        self._socket: QuickConnection | None = None
        self._has_been_open = self._has_failed = self._is_closed = self._is_numbered = False
        self._is_opening = False
        self._unsent: list[tuple[Channel, str, list[bytes]]] = []
        self._counter = MessageCounter()
        self._first_ids: set[str] = set()
        """Of requests, until one is answered: what comes before may be of an earlier process."""
        self._is_current = False
        self._received = 0
        self._turning: asyncio.Handle | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._input: Message | None = None
        self._input_timer: asyncio.TimerHandle | None = None
        self._outgoing: asyncio.Queue[bytes | str] = asyncio.Queue()
        self._running = asyncio.create_task(self._run(), name="kernel-web-socket")

    @property
    def outbox_codec(self) -> MessageCodec:
        return self._codec

    # -- out -----------------------------------------------------------------------------

    def send(
        self,
        channel: Channel,
        kind: str,
        content: dict[str, object],
        *,
        msg_id: str,
        subshell: str = "",
        parent: bytes = b"{}",
        metadata: dict[str, object] | None = None,
    ) -> None:
        if self._is_closed:
            return
        if kind == OUTBOX_REQUEST and not self._has_binary_frames:
            content = {**content, "inline": True}  # buffers do not pass every server there
        if not self._is_current:
            self._first_ids.add(msg_id)
        header = encode_header(kind, msg_id, self._session, subshell)
        parts = [header, parent, encode(metadata or {}), encode(content)]
        if self._socket is not None:
            frame = self._frame(channel, parts)
            # The writer's turn comes after all that the same event has woken: up to a millisecond.
            if not (self._outgoing.empty() and self._socket.send_at_once(frame)):
                self._outgoing.put_nowait(frame)
        elif not self._has_been_open or kind in LASTING:
            self._unsent.append((channel, kind, parts))
            if kind in LASTING:
                self._line.line_wanted()

    @property
    def _has_binary_frames(self) -> bool:
        return self._socket is not None and self._socket.subprotocol == frames.V1

    def _frame(self, channel: Channel, parts: list[bytes]) -> bytes | str:
        if self._has_binary_frames:
            return frames.encode_v1(channel, parts)
        return frames.encode_json(channel, parts)

    async def _write(self, socket: QuickConnection) -> None:
        """Send what could not be sent at once."""
        while True:
            await socket.send(await self._outgoing.get())

    # -- the line ------------------------------------------------------------------------

    async def _run(self) -> None:
        attempt = 0
        while not self._is_closed:
            try:
                socket = await self._open()
                attempt = 0
                await self._serve(socket)
                failure = ServerFailure("line", f"The line to {self._access().address.name} broke.")
            except ServerFailure as error:
                failure = error
            if self._is_closed:
                return
            self._has_failed = True
            self._line.line_cut(failure)
            pause = PAUSES[min(attempt, len(PAUSES) - 1)]
            attempt += 1
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))

    async def _open(self) -> QuickConnection:
        from codeexec.kernels.jupyter.remote.web_socket import open_channels

        self._is_opening = True
        try:
            return await open_channels(self._access(), self._kernel_id, self._session)
        finally:
            self._is_opening = False

    async def _serve(self, socket: QuickConnection) -> None:
        """Until the line is cut."""
        from websockets.exceptions import ConnectionClosed

        if self._is_closed:
            await socket.close()
            return
        self._socket = socket
        # What was asked of the kernel before may have been given up by now.
        is_again = self._has_been_open or self._has_failed
        self._has_been_open = True
        while not self._outgoing.empty():
            self._outgoing.get_nowait()  # of the old line; what lasts is decided by the receiver
        for channel, _, parts in self._unsent:
            self._outgoing.put_nowait(self._frame(channel, parts))
        self._unsent.clear()
        self._line.line_opened()
        if is_again:
            self._counter.suspect()
            self._receiver.line.restored()
        writing = asyncio.create_task(self._write(socket), name="kernel-web-socket-writer")
        try:
            async for frame in socket:
                self._take(frame)
                await self._room.wait()
        except ConnectionClosed as error:
            if error.sent is not None and error.sent.code == TOO_LARGE:
                raise failures.too_large(self._access().address.name) from error
        finally:
            self._socket = None
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    # -- in ------------------------------------------------------------------------------

    def _take(self, frame: bytes | str) -> None:
        self._received += 1
        try:
            if self._has_binary_frames and isinstance(frame, bytes):
                channel, message = frames.decode_v1(frame)
            else:
                channel, message = frames.decode_json(frame)
        except ProtocolError as error:
            log.warning("kernel of %s: %s", self._access().address.name, error)
            return
        if channel == "iopub" and self._is_of_server(message):
            return
        if not self._is_current:
            self._is_current = message.parent.msg_id in self._first_ids
            if self._is_fresh and not self._is_current:
                return
        self._count(channel, message)
        self._is_numbered = self._is_numbered or message.number > 0
        if channel == "stdin":
            self._hold_input(message)
        else:
            if self._input_timer is not None and channel == "iopub" and self._input is not None:
                self._hold_input(self._input)
            self._receiver.received(channel, message)
        if self._turning is None:
            self._turning = self._loop.call_soon(self._turn)

    def _is_of_server(self, message: Message) -> bool:
        """Act on what the server itself reports; returns whether it is for this class alone."""
        if message.type == "shutdown_reply":
            self._line.process_ended("look")
        if message.session != self._session:
            return False
        if message.type == "status" and not message.parent.msg_id:
            state = message.content.get("execution_state")
            if state in ("restarting", "dead"):
                self._line.process_ended(str(state))
                return True
        if is_limit_notice(message):
            self._counter.suspect(until_idle=True)
            self._receiver.line.output_limited()
            return self._is_numbered  # then all of it comes, only later
        return False

    def _count(self, channel: Channel, message: Message) -> None:
        if not self._is_current:
            return
        if channel != "iopub":
            self._counter.note_reply(message.id)
        elif message.session != self._session:
            if self._counter.is_other_process(message.id, message.session):
                self._line.process_ended("restarting")
                return
            is_idle = message.content.get("execution_state") == "idle"
            missing = self._counter.missing_before(message.id, message.session, is_idle=is_idle)
            if missing is not None:
                self._receiver.line.messages_missing(missing)

    def _hold_input(self, message: Message) -> None:
        if self._input_timer is not None:
            self._input_timer.cancel()
        self._input = message
        self._input_timer = self._loop.call_later(INPUT_WAIT, self._release_input)

    def _release_input(self) -> None:
        message, self._input, self._input_timer = self._input, None, None
        if message is not None and not self._is_closed:
            self._receiver.received("stdin", message)
            self._receiver.turned()

    def _turn(self) -> None:
        self._turning = None
        if self._is_closed:
            return
        if self._receiver.turned():
            self._room.clear()
            self._turning = self._loop.call_soon(self._turn)
        else:
            self._room.set()

    # -- the end -------------------------------------------------------------------------

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        for handle in (self._turning, self._input_timer):
            if handle is not None:
                handle.cancel()
        self._room.set()
        if self._socket is not None:
            _keep(self._loop.create_task(self._close_line(self._socket)))
        elif not self._is_opening:
            self._running.cancel()
        else:
            _keep(self._running)  # a handshake is not aborted: see OPEN_WAIT

    async def _close_line(self, socket: QuickConnection) -> None:
        await socket.close()
        await asyncio.gather(self._running, return_exceptions=True)

    async def drain(self, quiet: float, longest: float) -> None:
        end = self._loop.time() + longest
        while not self._is_closed and self._loop.time() < end:
            count = self._received
            await asyncio.sleep(quiet)
            if self._received == count and self._turning is None:
                return


def is_limit_notice(message: Message) -> bool:
    """Whether the server says, in the name of the client, that it throws output away."""
    text = message.content.get("text")
    is_notice = message.type == "stream" and message.content.get("name") == "stderr"
    return is_notice and isinstance(text, str) and "IOPub" in text and "rate exceeded" in text


_closing: set[asyncio.Task[None]] = set()
"""Lines that are being closed; the event loop itself holds tasks only weakly."""


def _keep(task: asyncio.Task[None]) -> None:
    _closing.add(task)
    task.add_done_callback(_closing.discard)
