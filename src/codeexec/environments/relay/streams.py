"""Byte streams to and from sockets and pipes in a container, with flow control."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable

from codeexec.domain.errors import ProtocolError
from codeexec.environments.relay.frames import WINDOW, FrameSender, Kind

SHARE = WINDOW // 4
"""Bytes that are granted again at once: a grant for each small message would double the frames."""
CHUNK = 1 << 16
"""Bytes that one frame carries at most."""


class RelayStream:
    """Bytes to and from one socket or pipe in the container."""

    def __init__(self, sender: FrameSender, number: int) -> None:
        self._sender = sender
        self.number = number
        self._received: deque[bytes] = deque()
        self._unread = 0
        self._owed = 0  # read, and not granted again yet
        self._credit = WINDOW
        self._window = WINDOW
        self._ended = False
        self._refused = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.on_full: Callable[[], object] = lambda: None
        """Called when the relay reads no further as nothing more was granted."""

    async def read(self) -> bytes:
        """The next bytes; b"" when there are no more."""
        while not self._received:
            if self._ended:
                return b""
            self._news.clear()
            await self._news.wait()
        chunk = self._received.popleft()
        self._unread -= len(chunk)
        self._owed += len(chunk)
        if self._owed >= SHARE:
            self._sender.send(Kind.GRANT, self.number, struct.pack(">I", self._owed))
            self._owed = 0
        return chunk

    def give_room(self, size: int) -> None:
        """Let the other end send as many bytes that are not read yet; more than WINDOW."""
        self._sender.send(Kind.GRANT, self.number, struct.pack(">I", size - self._window))
        self._window = size

    async def write(self, data: bytes) -> None:
        """Send; waits while the container does not take more. BrokenPipeError when it is shut."""
        view = memoryview(data)
        while view:
            while self._credit <= 0 and not self._refused:
                self._room.clear()
                await self._room.wait()
            if self._refused:
                raise BrokenPipeError("the other end is shut")
            part = view[: min(CHUNK, self._credit)]
            self._credit -= len(part)
            self._sender.send(Kind.DATA, self.number, bytes(part))
            await self._sender.drain()
            view = view[len(part) :]

    def end(self) -> None:
        """Say that no more bytes follow."""
        self._sender.send(Kind.EOF, self.number)

    def close(self) -> None:
        """Let go of both directions; what is under way is dropped."""
        self._sender.forget(self.number)
        self._sender.send(Kind.CLOSE, self.number)
        self.shut()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.read():
            yield chunk

    # Frames for this stream.

    def took(self, payload: bytes) -> None:
        self._unread += len(payload)
        if self._unread + self._owed > self._window or self._ended:
            raise ProtocolError("The relay sent more than it was granted.")
        self._received.append(payload)
        self._news.set()

    def granted(self, count: int) -> None:
        self._credit += count
        if self._credit > WINDOW:
            raise ProtocolError("The relay granted what was never sent.")
        self._room.set()

    def ended(self) -> None:
        self._ended = True
        self._news.set()

    def shut(self) -> None:
        self._refused = True
        self._room.set()
        self.ended()
