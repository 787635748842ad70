"""Streams of bytes that are no events: the output of a terminal, the progress of a transfer.

A stream is not journaled. It holds its last bytes, by offset from its first one. Readers are
cursors: a slow reader delays neither the writer nor other readers; it loses bytes that are no
longer held.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from codeexec.domain.errors import Conflict, NotFound
from codeexec.domain.wire.checks import check_integer
from codeexec.domain.wire.frames import STREAM_WINDOW, StreamChunk

HELD = 1 << 20
"""Bytes that a stream holds where nothing else is said."""
NEWEST = 1 << 16
"""Bytes that a reader gets first after it has fallen behind: it is near the end again."""
PIECE = 1 << 15
"""Bytes of a chunk at most: on a connection it waits before or after events, never for long."""


class ByteStream:
    """Written by one producer; any number of readers."""

    window = STREAM_WINDOW

    def __init__(self, held: int = HELD, start: int = 0) -> None:
        """`held`: bytes that are kept; `start`: the offset of the first byte, for a stream that
        goes on after a restart of the server."""
        self._limit = held
        self._pieces: deque[bytearray] = deque()
        self._start = self._end = start
        self._is_closed = False
        self._changed = asyncio.Event()

    @property
    def start(self) -> int:
        """The offset of the oldest byte that is held."""
        return self._start

    @property
    def end(self) -> int:
        """The offset behind the last byte."""
        return self._end

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def write(self, data: bytes) -> None:
        """Append; never waits. Conflict when the stream is closed."""
        if self._is_closed:
            raise Conflict("This stream has ended.")
        for at in range(0, len(data), PIECE):
            self._append(data[at : at + PIECE])
        self._wake()

    def close(self) -> None:
        """No more bytes will come; readers get what is held, and end."""
        self._is_closed = True
        self._wake()

    async def read(
        self, after: int = 0, room: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncIterator[StreamChunk]:
        """From offset `after` on, or from the oldest byte that is held. A reader that falls
        behind goes on near the end, with the number of bytes that it lost in the next chunk.
        `room` is awaited before each chunk is taken: what comes after may then be newer."""
        check_integer(after, "after")
        at, is_first = after, True
        while True:
            while self._end <= at:
                if self._is_closed:
                    return
                await self._changed.wait()
            if room is not None:
                await room()
            dropped = 0
            if at < self._start:
                fresh = self._start if is_first else max(self._start, self._end - NEWEST)
                dropped, at = fresh - at, fresh
            is_first = False
            data = self._piece(at)
            yield StreamChunk(at, data, dropped)
            at += len(data)

    def _append(self, data: bytes) -> None:
        if self._pieces and len(self._pieces[-1]) + len(data) <= PIECE:
            self._pieces[-1] += data
        else:
            self._pieces.append(bytearray(data))
        self._end += len(data)
        while len(self._pieces) > 1 and self._end - self._start - len(self._pieces[0]) >= (
            self._limit
        ):
            self._start += len(self._pieces.popleft())

    def _piece(self, at: int) -> bytes:
        """The bytes from `at`, which is held, to the end of their piece."""
        begin = self._start
        for piece in self._pieces:
            if at < begin + len(piece):
                return bytes(memoryview(piece)[at - begin :])
            begin += len(piece)
        return b""

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class ReadableStream(Protocol):
    """What a reader needs of a stream: see `ByteStream`. At most `window` bytes are on their way
    to a client that has not read them."""

    @property
    def window(self) -> int: ...

    def read(
        self, after: int = 0, room: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncIterator[StreamChunk]: ...

    def close(self) -> None: ...


class ByteStreams:
    """The streams of one session, by id. An id is used for one stream only."""

    def __init__(self) -> None:
        self._streams: dict[str, ReadableStream] = {}

    def open(self, stream_id: str, held: int = HELD, start: int = 0) -> ByteStream:
        """See `ByteStream`. Conflict when there is one with this id."""
        stream = ByteStream(held, start)
        self.add(stream_id, stream)
        return stream

    def add(self, stream_id: str, stream: ReadableStream) -> None:
        """A stream of another kind. Conflict when there is one with this id."""
        if stream_id in self._streams:
            raise Conflict(f"There is a stream {stream_id!r} already.")
        self._streams[stream_id] = stream

    def find(self, stream_id: str) -> ReadableStream:
        """NotFound when there is none, or it was removed."""
        try:
            return self._streams[stream_id]
        except KeyError:
            raise NotFound(
                f"There is no stream {stream_id[:100]!r} in this session.",
                "It has ended, or belongs to another session.",
            ) from None

    def remove(self, stream_id: str) -> None:
        """Close it, and let go of what it holds once its readers have ended."""
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            stream.close()

    def close(self) -> None:
        """Close all of them."""
        for stream in self._streams.values():
            stream.close()
