"""The ZeroMQ sockets of one kernel on bare pyzmq, read on the event loop in bounded turns.

A flood is drained as fast as it comes, but no turn of the loop takes longer than a few
milliseconds: what is left waits for the next turn, behind whatever else wants to be done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

import zmq

from codeexec.domain.errors import ProtocolError
from codeexec.kernels.jupyter.messages.codec import Message, MessageCodec
from codeexec.kernels.jupyter.transport import Channel, OpenTransport, Receiver

log = logging.getLogger(__name__)

# Numbers: the library's enumerations are slow to combine.
_AT_ONCE = int(zmq.DONTWAIT)
_MORE = int(zmq.DONTWAIT | zmq.SNDMORE)
_READABLE = int(zmq.POLLIN)

ORDER: tuple[Channel, ...] = ("iopub", "shell", "control", "stdin")

TURN = 0.004
"""Seconds of one turn of reading, after which others have theirs."""

LARGE = 8 << 20
"""Bytes of a message from which a thread checks its signature and decodes it: a thread takes 10 ms
longer for 5 MB, as both need the interpreter."""

RECONNECT = 10  # ms: a kernel that boots binds its sockets any moment


class ZmqTransport:
    """A Transport: connected sockets, one of each kind, under one identity."""

    answers_beside_code = False

    def __init__(
        self, endpoint: Mapping[str, object], identity: str, session: str, receiver: Receiver
    ) -> None:
        """`endpoint` is the content of a connection file. ProtocolError for a signature scheme
        that is not known."""
        key, scheme = endpoint.get("key", ""), endpoint.get("signature_scheme")
        text = key.decode() if isinstance(key, bytes) else str(key)
        self._codec = MessageCodec(text, str(scheme or "hmac-sha256"), session)
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self._sockets: dict[Channel, zmq.Socket[bytes]] = {}
        self._turning: asyncio.Handle | None = None
        self._changed: set[Channel] = set()
        """Channels of which the next turn reads; a look at an empty one costs 15 µs."""
        self._closed = False
        self._received = 0
        self._decoding: asyncio.Future[Message] | None = None
        """Of a large message; nothing else is read from this kernel meanwhile."""
        try:
            for channel in ORDER:
                self._sockets[channel] = self._connect(channel, endpoint, identity)
        except BaseException:
            self.close()
            raise
        for channel, socket in self._sockets.items():
            self._loop.add_reader(socket.FD, self._wake, channel)
        self._wake(*ORDER)

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
        if self._closed:
            return
        frames = self._codec.pack(
            kind, content, msg_id=msg_id, subshell=subshell, parent=parent, metadata=metadata
        )
        socket = self._sockets[channel]
        for frame in frames[:-1]:
            socket.send(frame, _MORE)
        socket.send(frames[-1], _AT_ONCE)
        # The descriptor tells of changes alone, and sending may have used one up.
        self._wake(channel)

    @property
    def outbox_codec(self) -> MessageCodec:
        return self._codec

    def close(self) -> None:
        self._closed = True
        if self._turning is not None:
            self._turning.cancel()
        for socket in self._sockets.values():
            if not socket.closed:
                self._loop.remove_reader(socket.FD)
                socket.close(linger=0)
        self._sockets.clear()

    async def drain(self, quiet: float, longest: float) -> None:
        # The last messages of a kernel that has died may still be in ZeroMQ's I/O thread.
        end = time.monotonic() + longest
        while not self._closed and time.monotonic() < end:
            count = self._received
            self._wake(*ORDER)
            await asyncio.sleep(quiet)
            is_waiting = self._turning is not None or self._decoding is not None
            if self._received == count and not is_waiting:
                return

    def _connect(
        self, channel: Channel, connection: Mapping[str, object], identity: str
    ) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(
            zmq.SUB if channel == "iopub" else zmq.DEALER
        )
        socket.linger = 0
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT)
        if channel == "iopub":
            # A kernel drops what its reader has no room for; memory is the lesser evil.
            socket.setsockopt(zmq.RCVHWM, 0)
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        else:
            socket.setsockopt(zmq.IDENTITY, identity.encode())
            socket.setsockopt(zmq.SNDHWM, 0)
        if secret := _bytes(connection.get("curve_secretkey")):
            public = _bytes(connection.get("curve_publickey"))
            socket.setsockopt(zmq.CURVE_SERVERKEY, public)
            socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
            socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
        socket.connect(address(connection, channel))
        return socket

    def _wake(self, *channels: Channel) -> None:
        """Read these soon, though nothing may have come; without one, hand on what was read."""
        self._changed.update(channels)
        if self._turning is None and not self._closed:
            self._turning = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = None
        end = time.perf_counter() + TURN
        more = False
        # What the user is asked stands behind all that was printed before.
        changed = set(ORDER) if "stdin" in self._changed else self._changed
        self._changed = set()
        try:
            for channel in ORDER:
                if channel not in changed:
                    continue
                if self._decoding is not None:
                    # All are read after it. Until then the descriptor must not stay readable.
                    self._sockets[channel].get(zmq.EVENTS)
                elif (channel == "stdin" and more) or self._read(channel, end):
                    self._changed.add(channel)
                    more = True
        finally:
            if not self._closed and (self._receiver.turned() or more):
                self._wake()

    def _read(self, channel: Channel, end: float) -> bool:
        """Read until there is nothing, or until `end`; whether something may be left."""
        while not self._closed:
            socket = self._sockets[channel]
            if not int(socket.get(zmq.EVENTS)) & _READABLE:
                return False
            try:
                frames = socket.recv_multipart(_AT_ONCE)
            except zmq.Again:
                return False
            self._received += 1
            if sum(map(len, frames)) > LARGE:
                self._decode_large(channel, frames)
                return False
            try:
                message = self._codec.unpack(frames)
            except ProtocolError as error:
                log.warning("%s: %s", channel, error)
                continue
            self._receiver.received(channel, message)
            if time.perf_counter() > end:
                return True
        return False

    def _decode_large(self, channel: Channel, frames: list[bytes]) -> None:
        """Decode a message in a thread, and read on after it."""

        def received(decoding: asyncio.Future[Message]) -> None:
            self._decoding = None
            if decoding.cancelled() or self._closed:
                return
            try:
                self._receiver.received(channel, decoding.result())
            except ProtocolError as error:
                log.warning("%s: %s", channel, error)
            finally:
                self._wake(*ORDER)

        self._decoding = self._loop.run_in_executor(None, self._codec.unpack, frames)
        self._decoding.add_done_callback(received)


open_zmq: OpenTransport = ZmqTransport


def address(connection: Mapping[str, object], channel: str) -> str:
    """Where the socket of a channel is, as ZeroMQ says it."""
    transport, ip = connection.get("transport", "tcp"), connection["ip"]
    separator = ":" if transport == "tcp" else "-"
    return f"{transport}://{ip}{separator}{connection[f'{channel}_port']}"


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else b""
