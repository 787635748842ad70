"""Byte streams over every way to hold the engine: embedded, a private socket, and TCP."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from codeexec.client.api import HostClient, SessionClient
from codeexec.client.embedded import EmbeddedHost
from codeexec.client.socket import SocketHost
from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, NotFound, ProtocolError, UsageError
from codeexec.domain.events import SessionRenamed
from codeexec.domain.wire.frames import (
    STREAM_WINDOW,
    StreamChunk,
    decode_chunk,
    encode_chunk,
    is_chunk,
)
from codeexec.session.byte_streams import HELD, NEWEST, PIECE, ByteStream, ByteStreams
from codeexec.session.host import Host
from support.servers import serve_here, short_folder

DEADLINE = 90.0
DATA = bytes(range(256)) * 16


@dataclass
class Side:
    """A client, and the engine that it speaks to."""

    client: HostClient
    host: Host


@pytest.fixture(params=["embedded", "socket", "network"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(short_folder())
        if request.param == "embedded":
            embedded = await stack.enter_async_context(EmbeddedHost(folder / "state"))
            yield Side(embedded, embedded._host)
            return
        here = await stack.enter_async_context(serve_here(folder))
        address = here.address if request.param == "socket" else here.network
        yield Side(await stack.enter_async_context(SocketHost(address)), here.host)


@pytest.fixture
async def session(side: Side, tmp_path: Path) -> SessionClient:
    opening = q.OpenSession(cwd=str(tmp_path), name="work", start_kernel=False)
    return side.client.session((await side.client.call(opening)).session_id)


@pytest.fixture
def streams(side: Side, session: SessionClient) -> ByteStreams:
    return side.host.session(session.session_id).streams


async def read(chunks: AsyncIterator[StreamChunk], until: int) -> list[StreamChunk]:
    """Chunks up to the one that ends at the offset `until`."""
    seen = []
    async with asyncio.timeout(DEADLINE):
        async for chunk in chunks:
            seen.append(chunk)
            if chunk.offset + len(chunk.data) >= until:
                break
    return seen


def joined(chunks: list[StreamChunk]) -> bytes:
    """The bytes of chunks that follow each other without a gap."""
    for one, other in itertools.pairwise(chunks):
        assert one.offset + len(one.data) == other.offset
        assert other.dropped == 0
    return b"".join(chunk.data for chunk in chunks)


async def test_bytes_come_as_they_were_written_and_the_end_is_told(
    session: SessionClient, streams: ByteStreams
) -> None:
    stream = streams.open("terminal-1")
    stream.write(DATA)
    chunks = session.stream("terminal-1")
    assert joined(await read(chunks, len(DATA))) == DATA
    following = asyncio.create_task(read(session.stream("terminal-1", len(DATA)), 1 << 30))
    stream.write(b"more")
    stream.close()
    assert await following == [StreamChunk(len(DATA), b"more")]
    assert joined(await read(session.stream("terminal-1"), 1 << 30)) == DATA + b"more"


async def test_a_reader_begins_at_any_offset_that_is_held(
    session: SessionClient, streams: ByteStreams
) -> None:
    stream = streams.open("t")
    stream.write(DATA)
    for after in (0, 1, 1000, len(DATA) - 1):
        chunks = await read(session.stream("t", after), len(DATA))
        assert chunks[0].offset == after
        assert joined(chunks) == DATA[after:]


async def test_what_is_no_longer_held_is_counted(
    session: SessionClient, streams: ByteStreams
) -> None:
    stream = streams.open("t", held=2 * PIECE)
    written = DATA * 100
    stream.write(written)
    chunks = await read(session.stream("t", 7), len(written))
    first = chunks[0]
    assert (first.offset, first.dropped) == (stream.start, stream.start - 7)
    assert 2 * PIECE <= len(joined(chunks)) < 3 * PIECE
    assert written.endswith(joined(chunks))


async def test_a_stream_goes_on_at_the_offset_of_a_server_before(
    session: SessionClient, streams: ByteStreams
) -> None:
    stream = streams.open("t", start=1_000_000)
    waiting = asyncio.create_task(read(session.stream("t", 1_000_002), 1_000_004))
    stream.write(b"abcd")
    assert joined(await waiting) == b"cd"
    assert await read(session.stream("t", 10), 1_000_004) == [
        StreamChunk(1_000_000, b"abcd", 999_990)
    ]


async def test_a_reader_that_does_not_read_holds_up_neither_events_nor_memory(
    side: Side, session: SessionClient, streams: ByteStreams
) -> None:
    stream = streams.open("flood")
    stream.write(b"first")
    slow = session.stream("flood")
    assert (await anext(slow)).data == b"first"
    size = 5
    for _ in range(64):  # 16 times what is held
        stream.write(DATA * 64)
        size += len(DATA) * 64
        await asyncio.sleep(0)
    assert stream.end == size
    assert stream.end - stream.start < HELD + PIECE + 1
    # Events and answers of the same connection pass by.
    await asyncio.wait_for(session.call(q.RenameSession("renamed")), DEADLINE)
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events():
            if any(isinstance(record.event, SessionRenamed) for record in batch):
                break
    # What was on its way comes first, then the newest with the size of the gap.
    chunks = await read(slow, size)
    gaps = [chunk for chunk in chunks if chunk.dropped]
    assert len(gaps) == 1
    assert gaps[0].offset >= size - NEWEST - PIECE
    position = 5
    for chunk in chunks:
        assert chunk.offset == position + chunk.dropped
        position = chunk.offset + len(chunk.data)
    assert sum(len(chunk.data) for chunk in chunks) <= STREAM_WINDOW + NEWEST + 2 * PIECE


async def test_a_reader_that_keeps_up_loses_nothing(
    session: SessionClient, streams: ByteStreams
) -> None:
    stream = streams.open("t")
    reading = asyncio.create_task(read(session.stream("t"), len(DATA) * 300))
    for _ in range(300):
        stream.write(DATA)
        await asyncio.sleep(0.0005)
    assert joined(await reading) == DATA * 300


async def test_two_readers_get_the_same(session: SessionClient, streams: ByteStreams) -> None:
    stream = streams.open("t")
    readers = [asyncio.create_task(read(session.stream("t"), len(DATA))) for _ in range(2)]
    stream.write(DATA)
    assert [joined(await reader) for reader in readers] == [DATA, DATA]


async def test_a_stream_that_is_not_there_is_not_found(
    side: Side, session: SessionClient, streams: ByteStreams
) -> None:
    with pytest.raises(NotFound) as caught:
        await anext(session.stream("nothing"))
    assert "nothing" in caught.value.message
    with pytest.raises(NotFound):
        await anext(side.client.session("nobody").stream("t"))
    streams.open("t")
    with pytest.raises(UsageError):
        await anext(session.stream("t", -1))
    with pytest.raises(Conflict):
        streams.open("t")
    reading = asyncio.create_task(read(session.stream("t"), 1))
    await asyncio.sleep(0)
    streams.remove("t")
    try:
        assert await reading == []
    except NotFound:
        pass  # the request came after the removal
    with pytest.raises(NotFound):
        await anext(session.stream("t"))


async def test_a_stream_ends_with_its_session(
    side: Side, session: SessionClient, streams: ByteStreams
) -> None:
    streams.open("t").write(b"x")
    chunks = session.stream("t")
    assert (await anext(chunks)).data == b"x"
    await side.client.call(q.StopSession(session.session_id))
    async with asyncio.timeout(DEADLINE):
        assert [chunk async for chunk in chunks] == []


async def test_reading_is_stopped_by_its_reader(
    side: Side, session: SessionClient, streams: ByteStreams
) -> None:
    """What comes after that is not sent, and the connection is as good as before."""
    stream = streams.open("t")
    stream.write(b"x")
    chunks = session.stream("t")
    await anext(chunks)
    await chunks.aclose()  # type: ignore[attr-defined]
    stream.write(DATA * 200)
    assert joined(await read(session.stream("t", 1), 1 + len(DATA) * 200)) == DATA * 200


async def test_what_was_dropped_while_the_connection_was_away_is_counted(tmp_path: Path) -> None:
    with short_folder() as folder:
        async with serve_here(folder) as here, here.client() as client:
            opening = q.OpenSession(cwd=str(tmp_path), name="work", start_kernel=False)
            session_id = (await client.call(opening)).session_id
            stream = here.host.session(session_id).streams.open("t", held=PIECE)
            stream.write(b"before")
            chunks = client.session(session_id).stream("t")
            assert await anext(chunks) == StreamChunk(0, b"before")
            assert client._wire is not None
            client._wire.abort("cut by the test")
            stream.write(DATA * 100)  # before the loop can make a connection
            missed = await read(chunks, stream.end)
            assert missed[0].offset == stream.start
            assert missed[0].dropped == stream.start - len(b"before") > 0
            assert DATA.endswith(joined(missed)[-len(DATA) :])


async def test_one_iterator_lives_through_many_cuts(tmp_path: Path) -> None:
    with short_folder() as folder:
        async with serve_here(folder) as here, here.client() as client:
            opening = q.OpenSession(cwd=str(tmp_path), name="work", start_kernel=False)
            session_id = (await client.call(opening)).session_id
            stream = here.host.session(session_id).streams.open("t", held=8 << 20)
            seen: list[StreamChunk] = []

            async def follow() -> None:
                seen.extend([chunk async for chunk in client.session(session_id).stream("t")])

            following = asyncio.create_task(follow())
            for number in range(20):
                stream.write(DATA * 40)
                if number % 5 == 2 and client._wire is not None:
                    client._wire.abort("cut by the test")
                await asyncio.sleep(0.005)
            stream.close()
            await asyncio.wait_for(following, DEADLINE)
            assert joined(seen) == DATA * 40 * 20


async def test_a_client_that_only_watches_may_read(tmp_path: Path) -> None:
    with short_folder() as folder:
        async with serve_here(folder) as here, here.client() as client:
            opening = q.OpenSession(cwd=str(tmp_path), name="work", start_kernel=False)
            session_id = (await client.call(opening)).session_id
            here.host.session(session_id).streams.open("t").write(b"seen")
            async with here.client(watch_only=True) as watcher:
                chunks = watcher.session(session_id).stream("t")
                assert (await anext(chunks)).data == b"seen"


def test_a_chunk_is_written_and_read() -> None:
    chunk = StreamChunk(1 << 40, b'{"\0\xff', 12)
    message = encode_chunk(7, chunk)
    assert is_chunk(message)
    assert not is_chunk(b'{"id":1}')
    assert not is_chunk(b"")
    assert decode_chunk(message) == (7, chunk)
    with pytest.raises(ProtocolError):
        decode_chunk(message[:12])


@pytest.mark.slow
async def test_small_writes_take_little_memory() -> None:
    stream = ByteStream()
    for _ in range(200_000):
        stream.write(b"x")
    assert len(stream._pieces) <= HELD // PIECE + 1
    assert (stream.start, stream.end) == (0, 200_000)
    stream.close()
    with pytest.raises(Conflict):
        stream.write(b"x")
