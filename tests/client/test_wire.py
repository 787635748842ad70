"""The client's end of a WebSocket against `websockets`, and against what is no server at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from codeexec.client.wire import Address, WebSocketConnection, connect, parse_address
from codeexec.domain.errors import ServerUnavailable, UsageError

SIZES = [0, 1, 125, 126, 65535, 65536, 3_000_000]


class Inbox:
    """What a wire has told."""

    def __init__(self) -> None:
        self.texts: asyncio.Queue[bytes] = asyncio.Queue()
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()


@asynccontextmanager
async def wired(
    handler: Callable[[ServerConnection], Awaitable[None]],
) -> AsyncIterator[tuple[WebSocketConnection, Inbox]]:
    async with serve(handler, "127.0.0.1", 0, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        inbox = Inbox()
        wire = await connect(
            Address("", "127.0.0.1", port), inbox.texts.put_nowait, inbox.lost.set_result, 5
        )
        try:
            yield wire, inbox
        finally:
            wire.close()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.mark.parametrize("size", SIZES)
async def test_messages_of_every_length_go_there_and_back(size: int) -> None:
    async with wired(echo) as (wire, inbox):
        message = ("aé𝄞" * size).encode()[:size].decode("utf-8", "ignore").encode()
        wire.send(message)
        assert await asyncio.wait_for(inbox.texts.get(), 30) == message


async def test_fragments_are_put_together_and_pings_between_them_answered() -> None:
    async def handler(connection: ServerConnection) -> None:
        async def pieces() -> AsyncIterator[str]:
            for piece in ("one ", "two ", "three"):
                yield piece
                await (await connection.ping())

        await connection.send(pieces())
        await connection.wait_closed()

    async with wired(handler) as (_, inbox):
        assert await asyncio.wait_for(inbox.texts.get(), 30) == b"one two three"


async def test_the_servers_reason_for_closing_is_told() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(1001, "stopped")

    async with wired(handler) as (_, inbox):
        assert await asyncio.wait_for(inbox.lost, 30) == "stopped"


async def answering(data: bytes) -> tuple[asyncio.Server, int]:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        writer.close()

    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"x" * 100_000,
        b"",
    ],
)
async def test_what_is_no_session_server_is_said_to_be_none(data: bytes) -> None:
    server, port = await answering(data)
    async with server:
        with pytest.raises(ServerUnavailable):
            await connect(Address("", "127.0.0.1", port), lambda _: None, lambda _: None, 5)


async def test_nobody_there_and_no_answer_are_told_in_words() -> None:
    with pytest.raises(ServerUnavailable, match="No such file"):
        await connect(Address(socket="/tmp/no/such.sock"), lambda _: None, lambda _: None, 5)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ServerUnavailable, match="does not answer"):
            await connect(Address("", "127.0.0.1", port), lambda _: None, lambda _: None, 0.1)


async def test_a_handshake_that_is_given_up_leaves_no_error_behind() -> None:
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    closed = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()
        closed.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ServerUnavailable):
            await connect(Address("", "127.0.0.1", port), lambda _: None, lambda _: None, 0.1)
        await asyncio.wait_for(closed.wait(), 90)
    assert not faults


async def test_a_frame_that_is_none_ends_the_connection() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.write(b"\xf3\xff nonsense")
        await connection.wait_closed()

    async with wired(handler) as (_, inbox):
        assert "cannot be read" in await asyncio.wait_for(inbox.lost, 90)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/run/x.sock", Address(socket="/run/x.sock")),
        ("unix:/run/x.sock", Address(socket="/run/x.sock")),
        ("ws://host:81", Address("", "host", 81)),
        ("https://host", Address("", "host", 443, tls=True)),
        ("http://[::1]:8000/?token=abc", Address("", "::1", 8000, "abc")),
    ],
)
def test_addresses_are_read(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@given(st.text(max_size=40))
@example("unix:")
@example("ssh://host/folder")
def test_an_address_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = parse_address(text)
    except UsageError as error:
        assert error.next_step
    else:
        assert found.socket or found.host or found.ssh
