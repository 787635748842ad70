"""The WebSocket as a server must bear it: broken frames, long ones, clients that do not read."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import InvalidStatus

from codeexec.client.socket import SocketHost
from codeexec.client.wire import Address
from codeexec.client.wire import connect as wired
from codeexec.domain import requests as q
from codeexec.domain.errors import Denied, UsageError
from codeexec.domain.wire.codec import SCHEMA
from codeexec.domain.wire.frames import MAX_REQUEST
from codeexec.server import gate
from support.servers import Here, wait_until

DEADLINE = 90.0


@asynccontextmanager
async def raw(here: Here) -> AsyncIterator[ClientConnection]:
    """A connection whose hello has been read."""
    async with unix_connect(here.socket, "ws://local/v1/ws", max_size=None) as connection:
        hello = json.loads(await connection.recv())
        assert hello["server"]["schema"] == SCHEMA
        yield connection


async def ask(connection: ClientConnection, frame: str | bytes) -> dict[str, Any]:
    await connection.send(frame)
    async with asyncio.timeout(DEADLINE):
        return dict(json.loads(await connection.recv()))


@pytest.mark.parametrize(
    ("frame", "number", "code"),
    [
        ("", 0, "protocol"),
        ("{", 0, "protocol"),
        ("[1, 2]", 0, "protocol"),
        ("{}", 0, "protocol"),
        (b"\xff\xfe\x00", 0, "protocol"),
        ('{"id": 7}', 7, "protocol"),
        ('{"id": 7, "request": {"type": "fly"}}', 7, "protocol"),
        ('{"id": 7, "request": {"type": "execute"}}', 7, "protocol"),
        ('{"id": 7, "request": 5}', 7, "protocol"),
        ('{"id": 7, "session": 5, "request": {}}', 7, "protocol"),
        ('{"id": "x"}', 0, "protocol"),
        ('{"id": 7, "request": {"type": "get_usage"}}', 7, "usage"),
        ('{"id": 7, "session": "nobody", "request": {"type": "get_usage"}}', 7, "not_found"),
        ('{"id": 7, "listen": "nobody"}', 7, "not_found"),
        ('{"id": 7, "listen": "nobody", "output": "half"}', 7, "protocol"),
    ],
)
async def test_a_wrong_frame_is_answered_and_the_connection_stays(
    here: Here, frame: str | bytes, number: int, code: str
) -> None:
    async with raw(here) as connection:
        answer = await ask(connection, frame)
        assert answer.get("id", 0) == number
        assert answer["error"]["code"] == code
        assert answer["error"]["message"]
        good = await ask(connection, '{"id": 8, "request": {"type": "get_host_info"}}')
        assert good["id"] == 8
        assert good["ok"]["socket"] == here.socket


async def test_stopping_what_does_not_listen_is_no_error(here: Here) -> None:
    async with raw(here) as connection:
        await connection.send('{"stop": 99}')
        good = await ask(connection, '{"id": 8, "request": {"type": "get_host_info"}}')
        assert good["id"] == 8


async def test_a_frame_that_is_too_long_is_refused_in_words(here: Here) -> None:
    lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    wire = await wired(here.address, lambda text: None, lost.set_result, DEADLINE)
    wire.send(b"x" * (MAX_REQUEST + 1))
    assert "limit" in await asyncio.wait_for(lost, DEADLINE)
    async with here.client() as host:
        with pytest.raises(UsageError, match="too long"):
            await host.call(q.OpenSession(cwd="x" * MAX_REQUEST))
        assert (await host.call(q.GetHostInfo())).pid


async def test_who_only_watches_may_only_look(here: Here, tmp_path: Path) -> None:
    async with here.client() as host, here.client("watcher", watch_only=True) as watcher:
        summary = await host.call(q.OpenSession(cwd=str(tmp_path), start_kernel=False))
        session = watcher.session(summary.session_id)
        refused = (q.Interrupt(), q.ClearQueue(), q.WriteFile("x", b""), q.RenameSession("n"))
        for request in refused:
            with pytest.raises(Denied):
                await session.call(request)
        with pytest.raises(Denied):
            await watcher.call(q.StopSession(summary.session_id))
        assert (await session.call(q.GetUsage())).rss is None
        listed = await watcher.call(q.ListSessions())
        assert [each.session_id for each in listed.sessions] == [summary.session_id]
        async for batch in session.events():
            assert batch[0].seq == 1
            break


async def test_watching_only_cannot_be_taken_back(here: Here, tmp_path: Path) -> None:
    async with raw(here) as connection:
        await connection.send('{"client": {"name": "w", "watch_only": true}}')
        await connection.send('{"client": {"name": "w", "watch_only": false}}')
        opening = {"type": "open_session", "cwd": str(tmp_path), "start_kernel": False}
        answer = await ask(connection, json.dumps({"id": 1, "request": opening}))
        assert answer["error"]["code"] == "denied"


@pytest.mark.slow
async def test_a_client_that_does_not_read_holds_nobody_up(here: Here, tmp_path: Path) -> None:
    async with here.client() as host:
        summary = await host.call(q.OpenSession(cwd=str(tmp_path)))
        session = host.session(summary.session_id)
        deaf = socket.socket(socket.AF_UNIX)
        deaf.connect(here.socket)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(deaf, _handshake())
        await wait_until(lambda: here.service.client_count == 2, "the deaf client to be connected")
        listening = {"id": 1, "listen": summary.session_id, "output": "full"}
        await loop.sock_sendall(deaf, _masked(json.dumps(listening).encode()))
        code = "for i in range(60_000): print('a row that is about a hundred letters' * 3, i)"
        accepted = await session.call(q.Execute(code))
        async with asyncio.timeout(DEADLINE):
            async for batch in session.events(0, "tail"):
                if any("Finished" in type(record.event).__name__ for record in batch):
                    break
            rows = await session.call(q.ReadRows(accepted.execution_id, 59_999, 1))
        assert "59999" in rows.runs[0].text
        # It has heard what fits into the buffers of the system, and is still connected.
        assert here.service.client_count == 2
        pending = [client.transport.get_write_buffer_size() for client in here.service._clients]
        assert max(pending) < 4 * 2**20
        deaf.close()
        await wait_until(lambda: here.service.client_count == 1, "the deaf client to be gone")


@pytest.mark.slow
async def test_a_slow_reader_holds_little_and_loses_nothing(here: Here, tmp_path: Path) -> None:
    async with here.client() as host:
        summary = await host.call(q.OpenSession(cwd=str(tmp_path)))
        session = host.session(summary.session_id)
        reader = session.events(0, "full")
        first = await anext(reader)
        code = "for i in range(120_000): print('a row that is about a hundred letters' * 3, i)"
        await session.call(q.Execute(code, execution_id="flood"))
        async with asyncio.timeout(DEADLINE):
            async for batch in session.events(0, "tail"):
                if any("Finished" in type(record.event).__name__ for record in batch):
                    break
            held = [listener.held_bytes for listener in host._listeners.values()]
            assert all(size < 8 * 2**20 for size in held)
            numbers = [record.seq for record in first]
            async for batch in reader:
                numbers += [record.seq for record in batch]
                if any("Finished" in type(record.event).__name__ for record in batch):
                    break
        assert numbers == list(range(1, len(numbers) + 1))


async def test_a_wrong_token_is_told_and_not_tried_again(here: Here) -> None:
    address = Address("", "127.0.0.1", here.port, "wrong")
    async with SocketHost(address) as host:
        with pytest.raises(Denied, match="token is wrong"):
            await host.call(q.GetHostInfo())
        assert host.link.state == "closed"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{here.port}/v1/ws"):
            pass
    assert refused.value.response.status_code == 401
    async with connect(f"ws://127.0.0.1:{here.port}/v1/ws?token={here.token}") as connection:
        assert "server" in json.loads(await connection.recv())


async def test_a_page_of_another_site_cannot_open_it(here: Here) -> None:
    url = f"ws://127.0.0.1:{here.port}/v1/ws?token={here.token}"
    with pytest.raises(InvalidStatus):
        async with connect(url, origin="http://evil.example"):  # type: ignore[arg-type]
            pass


async def test_another_user_is_turned_away_from_the_private_socket(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "peer_uid", lambda connection: 12345)
    reader, writer = await asyncio.open_unix_connection(here.socket)
    writer.write(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        assert await asyncio.wait_for(reader.read(), DEADLINE) == b""
    except ConnectionError:
        pass  # the same, said by the system
    writer.close()


@pytest.mark.parametrize("said", [b"", b"\r\n", b"GET", b"\x16\x03\x01\x02", b"x" * 100_000])
async def test_what_speaks_no_http_does_no_harm(here: Here, said: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(here.socket)
    writer.write(said)
    writer.write_eof()
    try:
        await asyncio.wait_for(reader.read(), DEADLINE)
    except ConnectionError:
        pass  # turned away
    writer.close()
    async with here.client() as host:
        assert (await host.call(q.GetHostInfo())).pid


@pytest.mark.slow
async def test_a_restart_goes_on_when_who_asked_has_gone(here: Here, tmp_path: Path) -> None:
    async with here.client() as host:
        summary = await host.call(q.OpenSession(cwd=str(tmp_path)))
        session = here.host.session(summary.session_id)
        await wait_until(lambda: session.snapshot.kernel.state == "idle", "the kernel")
        async with raw(here) as connection:
            asking = {"id": 1, "session": summary.session_id, "request": {"type": "restart_kernel"}}
            await connection.send(json.dumps(asking))
            await wait_until(lambda: session.snapshot.kernel.state == "starting", "the restart")
        await wait_until(lambda: session.snapshot.kernel.state == "idle", "the fresh kernel")
        assert session.snapshot.kernel.generation == 2


def _handshake() -> bytes:
    return (
        b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )


def _masked(text: bytes) -> bytes:
    return bytes((0x81, 0x80 | len(text))) + bytes(4) + text
