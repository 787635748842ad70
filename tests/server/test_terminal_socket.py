"""The terminal socket, by a WebSocket client that speaks as a page with xterm.js does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from codeexec.environments.base import TerminalSize
from codeexec.server.terminals.replay import replay
from codeexec.server.terminals.socket import TERMINAL_ID, MarkFilter
from codeexec.session.terminals.ghostty import GHOSTTY
from codeexec.session.terminals.screen import Screen
from codeexec.session.terminals.viewers.raw_output import OutputLost, ProgramEnded, RawReader
from support.servers import Here, poll

DEADLINE = 90.0


class Page:
    """What a page has got so far."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.output = ""
        self.messages: list[dict[str, Any]] = []

    async def send(self, **message: object) -> None:
        await self._socket.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE):
            message = dict(json.loads(await self._socket.recv()))
        self.messages.append(message)
        if message["type"] == "output":
            self.output += message["content"]
        return message

    async def until(self, kind: str) -> dict[str, Any]:
        while (message := await self.receive())["type"] != kind:
            pass
        return message

    async def sees(self, text: str) -> None:
        while text not in self.output:
            await self.receive()


@contextlib.asynccontextmanager
async def page(here: Here, path: str = "/v1/sessions/session-1/terminal") -> AsyncIterator[Page]:
    address = f"ws://127.0.0.1:{here.port}{path}?token={here.token}"
    async with connect(address, max_size=2**24) as socket:
        yield Page(socket)


@pytest.fixture(autouse=True)
def bash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/bash")


@pytest.mark.slow
async def test_a_page_runs_commands_and_finds_its_screen_again(here: Here) -> None:
    async with page(here) as first:
        await first.until("prompt")
        await first.send(type="resize", rows=10, cols=70)
        await first.send(
            type="command", command="seq 40; stty size; printf '\\303\\251-%s\\n' $((6*7))"
        )
        await first.sees("é-42")
        await first.until("prompt")
        assert "10 70\r\n" in first.output
        assert "7733" not in first.output
        await first.send(type="input", data="echo typed-$((1+1))")
        await first.send(type="input", data="\x1b[?1;2c")  # xterm.js answers questions as well
        await first.send(type="input", data="\r")
        await first.sees("typed-2")
        await first.send(type="command", command="sleep 300")
        await first.sees("sleep 300\r\n")
        await first.send(type="interrupt")
        await first.until("prompt")
        await first.send(type="command", command="exit 3")
        assert await first.until("exit") == {"type": "exit", "code": 3}
    async with page(here, "/api/v1/sessions/session-1/terminal") as second:
        await second.sees("typed-2")
        assert second.output.startswith("\x1bc")
        assert "\r\n1\r\n2\r\n3\r\n" in second.output
        await second.until("prompt")  # the shell was started again
        await second.send(type="command", command="echo again-$((2+3))")
        await second.sees("again-5")
        await second.until("prompt")
        async with page(here) as beside:
            await beside.until("prompt")  # it was shown before this page came
    session = await here.host.find_session("session-1")

    async def state_after(limit: float) -> str:
        await session.terminals.end_idle(limit)
        return session.snapshot.terminals[TERMINAL_ID].state

    assert await state_after(3600.0) == "running"
    await poll(lambda: state_after(0.0), lambda state: state == "exited", "the idle shell to end")
    async with page(here) as third:
        await third.sees("again-5")


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '{"type":"command"}', '{"type":"rm"}', "[" * 90_000, "\0\x1b[2J"),
        '{"type":"resize","rows":0,"cols":-1}',
        '{"type":"resize","rows":"x","cols":1}',
    ],
)
async def test_a_wrong_message_is_answered_and_the_terminal_stays(here: Here, text: str) -> None:
    async with page(here) as shown:
        await shown._socket.send(text)
        error = await shown.until("error")
        assert error["message"] and "\x1b" not in error["message"]
        await shown.send(type="command", command="echo still-$((1+1))")
        await shown.sees("still-2")


async def test_a_page_without_the_token_or_of_another_server_is_refused(here: Here) -> None:
    address = f"ws://127.0.0.1:{here.port}/v1/sessions/session-1/terminal"
    evil = Origin("http://evil.example")
    for url, origin in ((address, None), (f"{address}?token={here.token}", evil)):
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, origin=origin)
        assert refused.value.response.status_code == 401
    assert here.host.sessions == ()


async def test_an_id_of_no_session_opens_none(here: Here) -> None:
    async with page(here, "/v1/sessions/session-0123456789ab/terminal") as shown:
        assert "session-0123456789ab" in (await shown.until("error"))["message"]
        with pytest.raises(ConnectionClosed) as closed:
            await shown.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404
    assert here.host.sessions == ()


@pytest.mark.parametrize("path", ["/ws", "/v1/nothing", "/v1/sessions/a/b/terminal", "/%0d%0aX"])
async def test_a_socket_to_an_unknown_path_is_answered_without_a_warning(
    here: Here, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{here.port}{path}?token={here.token}")
    assert refused.value.response.status_code == 404
    assert "WebSocket" in refused.value.response.headers["X-Problem"]
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert here.token not in caplog.text
    await poll(lambda: _admitted(here), lambda count: count == 0, "the connection to end")


async def _admitted(here: Here) -> int:
    return here.public.admitted


async def test_a_second_request_that_upgrades_is_answered_without_a_warning(
    here: Here, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"Host: localhost\r\nAuthorization: Bearer {here.token}\r\n"
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    writer.write(f"GET /v1/health HTTP/1.1\r\n{head}\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b'{"status":"ok"}'), DEADLINE)
    writer.write(f"GET /v1/nothing HTTP/1.1\r\n{head}{upgrade}\r\n".encode())
    assert b" 404 " in await asyncio.wait_for(reader.readline(), DEADLINE)
    writer.close()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_marks_are_taken_out_wherever_the_output_is_cut() -> None:
    whole = b"a\x1b[1mb\x1b]7733;nonce;P;/tmp\x07c\x1b]0;title\x07\x1b]7733;n;B\x1b\\d"
    for cut in range(len(whole)):
        marks = MarkFilter()
        assert marks.filter(whole[:cut]) + marks.filter(whole[cut:]) == (
            b"a\x1b[1mbc\x1b]0;title\x07d"
        ), cut


def test_a_replayed_screen_is_the_same_screen() -> None:
    size = TerminalSize(20, 5)
    shown = GHOSTTY.make(size)
    shown.feed("\r\n".join(f"line {n}" for n in range(12)).encode())
    shown.feed(
        b"\r\n" + b"wrapped " * 5 + b"\x1b[31mred\x1b[0m\x1b[2;3H\x1b[?1h\x1b[?2004h\x1b[?25l"
    )

    async def check() -> None:
        screen = Screen(shown)
        update, _, _ = await screen.update_since(0, 0)
        other = GHOSTTY.make(size)
        other.feed(replay(shown.scrolled(shown.history), update).encode())
        assert other.history == shown.history
        mirrored = Screen(other)
        again, _, _ = await mirrored.update_since(0, 0)
        assert (again.changed, again.cursor, again.modes) == (
            update.changed,
            update.cursor,
            update.modes,
        )
        await screen.close()
        await mirrored.close()

    asyncio.run(check())


async def test_a_reader_that_falls_behind_takes_the_screen_anew() -> None:
    reader = RawReader(10)
    for item in (b"1234", b"5678", b"90ab", b"cd", ProgramEnded(0)):
        reader.put(item)
    reader.close()
    assert [item async for item in reader.items()] == [OutputLost(), b"cd", ProgramEnded(0)]
