"""A TCP proxy whose connections a test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class CutLine:
    """Passes bytes on to a port of this machine. `is_down`: connections are refused by closing;
    `is_deaf`: what clients send is dropped."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.is_down = self.is_deaf = False
        self.cuts = self.dropped = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.transport.abort()
            return
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        pair = {writer, other_writer}
        self._writers |= pair
        try:
            there = _pass(reader, other_writer, self._drop)
            await asyncio.gather(there, _pass(other_reader, writer, _keep))
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    def _drop(self, chunk: bytes) -> bool:
        self.dropped += len(chunk) if self.is_deaf else 0
        return self.is_deaf

    def cut(self) -> None:
        """Abort all connections, as a machine that vanishes."""
        self.cuts += 1
        for writer in list(self._writers):
            writer.transport.abort()

    async def ended(self) -> None:
        """All connections are closed on both sides."""
        if self._serving:
            await asyncio.wait(self._serving)


@asynccontextmanager
async def cut_line(target: int) -> AsyncIterator[CutLine]:
    line = CutLine(target)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    async with server:
        yield line
        line.is_down = True
        line.cut()
        await line.ended()


def _keep(chunk: bytes) -> bool:
    return False


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_dropped: Callable[[bytes], bool]
) -> None:
    try:
        while chunk := await reader.read(1 << 16):
            if is_dropped(chunk):
                continue
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()
