"""A line that drops: what is asked again, what is not, and what a client is told meanwhile."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from codeexec.client.api import Link
from codeexec.client.socket import SocketHost
from codeexec.client.waiting import Patience
from codeexec.client.wire import Address
from codeexec.domain import requests as q
from codeexec.domain.errors import ProtocolError, ServerUnavailable
from codeexec.domain.wire.codec import SCHEMA

QUICK = Patience(first=0.01, most=0.05, call=90.0, connect=90.0, ping=90.0)
"""In the pauses between attempts alone: nothing is given up on a busy machine."""
DEADLINE = 90.0


@dataclass
class Script:
    """A server that does as it is told: hangs up on the frames in `drop`, the first time."""

    schema: int = SCHEMA
    drop: set[str] = field(default_factory=set)
    frames: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def handle(self, connection: ServerConnection) -> None:
        self.connections += 1
        hello = {"server": {"version": "x", "schema": self.schema, "pid": 1}}
        await connection.send(json.dumps(hello))
        async for message in connection:
            frame = json.loads(message)
            self.frames.append(frame)
            if "listen" in frame:
                await self.tell(connection, frame)
            elif "request" in frame:
                kind = frame["request"]["type"]
                if kind in self.drop:
                    self.drop.remove(kind)
                    connection.transport.abort()
                    return
                await connection.send(json.dumps({"id": frame["id"], "ok": {"seq": 5}}))

    async def tell(self, connection: ServerConnection, frame: dict[str, Any]) -> None:
        """Three events more at each connection, the one before them once again, and hang up."""
        after = frame.get("after", 0)
        for seq in range(max(after, 1), min(after, 10**6) + 4):
            event = {"seq": seq, "at": 0, "event": {"type": "session_renamed", "name": "n"}}
            await connection.send(json.dumps({"listen": frame["id"], "events": [event]}))
        connection.transport.close()

    def asked(self, kind: str) -> int:
        return sum(frame.get("request", {}).get("type") == kind for frame in self.frames)


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[SocketHost]:
    async with serve(script.handle, "127.0.0.1", 0) as server:
        script.port = next(iter(server.sockets)).getsockname()[1]
        async with SocketHost(Address("", "127.0.0.1", script.port), patience=QUICK) as host:
            yield host


async def test_what_is_safe_is_asked_again_when_the_line_drops() -> None:
    script = Script(drop={"get_usage", "execute"})
    async with scripted(script) as host, asyncio.timeout(DEADLINE):
        await host.session("s").call(q.GetUsage())
        assert script.asked("get_usage") == 2
        with pytest.raises(ProtocolError):  # the script's answer is no Accepted
            await host.session("s").call(q.Execute("1"))
        requests = [frame.get("request", {}) for frame in script.frames]
        ids = {each["execution_id"] for each in requests if "code" in each}
        assert script.asked("execute") == 2
        assert len(ids) == 1


async def test_a_terminal_is_opened_once_and_typed_in_once() -> None:
    script = Script(drop={"open_terminal", "type_in_terminal"})
    async with scripted(script) as host, asyncio.timeout(DEADLINE):
        session = host.session("s")
        with pytest.raises(ProtocolError):  # the script's answer is no TerminalAnswer
            await session.call(q.OpenTerminal())
        with pytest.raises(ServerUnavailable, match="before the answer"):
            await session.call(q.TypeInTerminal("t", ()))
        script.drop.add("type_in_terminal")
        await session.call(q.TypeInTerminal("t", (), "client-1", 1))
    requests = [frame["request"] for frame in script.frames if "request" in frame]
    opened = [each for each in requests if each["type"] == "open_terminal"]
    assert len(opened) == 2
    assert opened[0] == opened[1]
    assert opened[0]["terminal_id"].startswith("term-")
    typed = [each.get("number", 0) for each in requests if each["type"] == "type_in_terminal"]
    assert typed == [0, 1, 1]


async def test_what_would_be_done_twice_is_not_asked_again() -> None:
    script = Script(drop={"interrupt"})
    async with scripted(script) as host, asyncio.timeout(DEADLINE):
        with pytest.raises(ServerUnavailable, match="before the answer"):
            await host.session("s").call(q.Interrupt())
        await host.session("s").call(q.Interrupt())
        assert script.asked("interrupt") == 2


async def test_a_listener_goes_on_after_what_it_has() -> None:
    script = Script()
    async with scripted(script) as host, asyncio.timeout(DEADLINE):
        heard: list[int] = []
        async for batch in host.session("s").events():
            heard += [record.seq for record in batch]
            if len(heard) >= 12:
                break
        assert heard == list(range(1, len(heard) + 1))
        assert script.connections >= 4


async def test_a_server_that_hangs_up_at_once_is_not_stormed() -> None:
    script = Script()
    async with scripted(script) as host, asyncio.timeout(DEADLINE):
        attempts = 0
        listening = asyncio.ensure_future(anext(aiter(host.session("s").events(10**9))))
        async for link in host.links():
            attempts = max(attempts, link.attempt)
            if attempts >= 5:
                break
        listening.cancel()
        assert script.connections <= attempts + 2


async def test_the_countdown_is_told_and_can_be_cut_short() -> None:
    taken = socket.socket()  # bound, so that nobody else listens there
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    slow = Patience(first=60.0, most=60.0, call=0.05)
    async with SocketHost(Address("", "127.0.0.1", port), patience=slow) as host:
        links: list[Link] = []
        async with asyncio.timeout(DEADLINE):
            async for link in host.links():
                links.append(link)
                if link.state == "reconnecting":
                    break
            assert links[0].state == "connecting"
            retry_at = links[-1].retry_at
            assert retry_at is not None
            assert 20 < retry_at - asyncio.get_running_loop().time() <= 60
            assert "Connect" in links[-1].problem or "connect" in links[-1].problem
            with pytest.raises(ServerUnavailable) as caught:
                await host.call(q.GetHostInfo())
            assert caught.value.next_step
            script = Script()
            async with serve(script.handle, sock=taken):
                host.retry_now()
                async for link in host.links():
                    if link.state == "connected":
                        break
                await host.call(q.StopSession("s"))
                assert host.link.state == "connected"


@pytest.mark.parametrize(
    ("schema", "words"),
    [(99, "newer"), (1, r"older version \(schema 1, ours is 2\)\.")],
)
async def test_a_server_of_another_schema_is_refused_in_words(schema: int, words: str) -> None:
    script = Script(schema=schema)
    async with scripted(script) as host, asyncio.timeout(DEADLINE):
        async for link in host.links():
            last = link
        assert last.state == "closed"
        with pytest.raises(ProtocolError, match=words):
            await host.call(q.GetHostInfo())


def test_waits_double_to_a_limit_and_are_never_the_same_for_all() -> None:
    patience = Patience(first=1.0, most=8.0)
    for attempt, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (400, 8.0)):
        waits = [patience.wait(attempt) for _ in range(200)]
        assert all(longest / 2 <= wait <= longest for wait in waits)
        assert len(set(waits)) > 100
