"""Sends one byte stream of a session to a client, no faster than the client's reader takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from codeexec.domain.wire.frames import encode_chunk
from codeexec.session.byte_streams import ReadableStream


class StreamSender:
    """At most the window of the stream is on its way: a client that does not read gets nothing
    more, and its connection stays free for events and answers."""

    def __init__(
        self, number: int, stream: ReadableStream, send: Callable[[bytes], Awaitable[None]]
    ):
        """`number` is the client's for this stream; `send` writes one binary message."""
        self._number = number
        self._stream = stream
        self._send = send
        self._sent = 0
        self._taken = 0
        self._room = asyncio.Event()

    def take(self, offset: int) -> None:
        """The client has read up to here."""
        self._taken = max(self._taken, min(offset, self._sent))
        self._room.set()

    async def run(self, after: int) -> None:
        """Until the stream ends."""
        self._sent = self._taken = after
        async for chunk in self._stream.read(after, self._wait_for_room):
            self._taken += chunk.dropped  # nobody needs to take what was never sent
            self._sent = chunk.offset + len(chunk.data)
            await self._send(encode_chunk(self._number, chunk))

    async def _wait_for_room(self) -> None:
        while self._sent - self._taken >= self._stream.window:
            self._room.clear()
            await self._room.wait()
