"""The byte streams that a client reads over its connection, resumed when it is made anew."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from msgspec import Struct, field

from codeexec.domain.errors import CodeexecError
from codeexec.domain.terminals import STREAM_PREFIX
from codeexec.domain.wire.frames import STREAM_WINDOW, ClientFrame, StreamChunk, decode_chunk


class StreamReader(Struct):
    """A byte stream for one reader. `held` are received and not read yet, a window of them at most;
    `next` is the offset of the next byte to be received; up to `told` the server knows that the
    bytes were read."""

    session_id: str
    stream_id: str
    next: int
    number: int = 0
    told: int = 0
    held: deque[StreamChunk] = field(default_factory=deque)
    is_ended: bool = False
    error: CodeexecError | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class StreamReaders:
    """All byte streams of one connection."""

    def __init__(self, send: Callable[[ClientFrame], None], number: Callable[[], int]) -> None:
        """`send` does nothing while there is no connection; `number` gives a fresh one."""
        self._send = send
        self._make_number = number
        self._readers: dict[int, StreamReader] = {}

    async def read(self, session_id: str, stream_id: str, after: int) -> AsyncIterator[StreamChunk]:
        """See `SessionClient.stream`."""
        reader = StreamReader(session_id, stream_id, after)
        self._begin(reader)
        try:
            while True:
                while reader.held:
                    chunk = reader.held.popleft()
                    yield chunk
                    self._tell_taken(reader, chunk.offset + len(chunk.data))
                if reader.error is not None:
                    raise reader.error
                if reader.is_ended:
                    return
                reader.wake.clear()
                await reader.wake.wait()
        finally:
            if self._readers.pop(reader.number, None) is not None:
                self._send(ClientFrame(stop=reader.number))

    def take(self, message: bytes) -> None:
        """A chunk has come. ProtocolError when it cannot be read."""
        number, chunk = decode_chunk(message)
        if (reader := self._readers.get(number)) is not None:
            reader.next = chunk.offset + len(chunk.data)
            reader.held.append(chunk)
            reader.wake.set()

    def finish(self, number: int, error: CodeexecError | None = None) -> bool:
        """The server says that there is no more; False when the number is not of a stream."""
        reader = self._readers.pop(number, None)
        if reader is None:
            return False
        reader.is_ended, reader.error = True, error
        reader.wake.set()
        return True

    def resume(self) -> None:
        """Ask a new connection for what has not been received."""
        readers, self._readers = list(self._readers.values()), {}
        for reader in readers:
            self._begin(reader)

    def close(self) -> None:
        """There will be no connection any more."""
        for number in list(self._readers):
            self.finish(number)

    def _begin(self, reader: StreamReader) -> None:
        reader.number, reader.told = self._make_number(), reader.next
        self._readers[reader.number] = reader
        self._send(
            ClientFrame(
                id=reader.number,
                session=reader.session_id,
                stream=reader.stream_id,
                after=reader.next,
            )
        )

    def _tell_taken(self, reader: StreamReader, offset: int) -> None:
        # The screen of a terminal: the next update is made when this one was taken.
        least = 1 if reader.stream_id.startswith(STREAM_PREFIX) else STREAM_WINDOW // 4
        if offset - reader.told >= least and reader.number in self._readers:
            reader.told = offset
            self._send(ClientFrame(id=reader.number, taken=offset))
