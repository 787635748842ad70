"""Terminals of a Jupyter server: what its lost lines, other clients and settings do to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codeexec.domain.errors import EnvironmentUnavailable, NotFound
from codeexec.environments.base import TerminalHandle, TerminalSize
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.files.environment import ServedPlace
from codeexec.kernels.jupyter.remote.terminals.marks import MarkReader
from codeexec.kernels.jupyter.remote.terminals.replay import KEPT, ReceivedText
from codeexec.kernels.jupyter.remote.terminals.terminal import LOST, ServedTerminal
from support.containers import until
from support.cut_line import CutLine, cut_line
from support.jupyter_servers import SERVER_SECONDS, TestServer, jupyter_server, served_place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SERVER_SECONDS)]

DEADLINE = 60.0


@asynccontextmanager
async def over_a_line(server: TestServer, here: Path) -> AsyncIterator[tuple[ServedPlace, CutLine]]:
    async with cut_line(server.port) as line:
        through = TestServer(
            f"http://127.0.0.1:{line.port}/", server.pid, server.folder, server.log, server.token
        )
        async with served_place(through, here) as place:
            yield place, line


def terminals_of(server: TestServer) -> list[str]:
    models = server.get("api/terminals")
    assert isinstance(models, list)
    return [model["name"] for model in models]


async def none_left(server: TestServer) -> None:
    async def are_gone() -> bool:
        return terminals_of(server) == []

    await until(are_gone, 20.0)


class Reading:
    """Reads the output of a terminal; `text` is what has come."""

    def __init__(self, terminal: TerminalHandle) -> None:
        self.text = b""
        self.ended = asyncio.ensure_future(self._read(terminal))

    async def _read(self, terminal: TerminalHandle) -> None:
        async for chunk in terminal.output:
            self.text += chunk

    async def sees(self, expected: bytes) -> None:
        async def has_come() -> bool:
            return expected in self.text

        await until(has_come, DEADLINE)


def numbered(count: int) -> bytes:
    return b"".join(b"%d\r\n" % number for number in range(count))


async def is_cut(terminal: ServedTerminal) -> bool:
    return not terminal._opened.is_set()


async def test_a_cut_line_doubles_and_loses_no_output(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    script = (
        "lines() { i=$1; while [ $i -lt $2 ]; do echo $i; i=$((i+1)); done; }; "
        f"lines 0 300; until [ -e {tmp_path}/go ]; do sleep 0.05; done; lines 300 600; "
        "read word; echo $word; exit 7"
    )
    async with over_a_line(jupyter_server, tmp_path) as (place, line):
        terminal = await place.open_terminal(["sh", "-c", script])
        reading = Reading(terminal)
        await reading.sees(b"299\r\n")
        line.cut()
        (tmp_path / "go").touch()
        await reading.sees(b"599\r\n")
        line.is_down = True
        line.cut()
        await until(lambda: is_cut(terminal))
        typing = asyncio.ensure_future(terminal.write(b"typed\n"))  # waits for the line
        await asyncio.sleep(0.1)
        assert not typing.done()
        line.is_down = False
        await typing
        assert (await asyncio.wait_for(terminal.wait(), DEADLINE)).code == 7
        await reading.ended
        assert reading.text == numbered(600) + b"typed\r\ntyped\r\n"
        await terminal.kill()
        await none_left(jupyter_server)


async def test_an_end_while_the_line_is_cut_is_known(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    script = f"echo begin; until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo end; exit 5"
    async with over_a_line(jupyter_server, tmp_path) as (place, line):
        terminal = await place.open_terminal(["sh", "-c", script])
        reading = Reading(terminal)
        await reading.sees(b"begin\r\n")
        line.is_down = True
        line.cut()
        await until(lambda: is_cut(terminal))
        (tmp_path / "go").touch()
        await until(lambda: _is_idle(jupyter_server))
        assert terminal.poll() is None
        line.is_down = False
        assert (await asyncio.wait_for(terminal.wait(), DEADLINE)).code == 5
        await reading.ended
        assert reading.text == b"begin\r\nend\r\n"


async def test_output_that_the_server_does_not_keep_is_told(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    """It keeps 1,000 pieces. What has come is found in those, or a row says that there is a gap."""
    script = (
        "import os, time\n"
        "def pieces(start, stop):\n"
        "    for number in range(start, stop):\n"
        "        print(number, flush=True); time.sleep(0.0005)\n"
        "def wait(name):\n"
        f"    while not os.path.exists('{tmp_path}/' + name): time.sleep(0.05)\n"
        "pieces(0, 1500); wait('one'); pieces(1500, 1800); wait('two'); pieces(1800, 3500)\n"
    )
    async with over_a_line(jupyter_server, tmp_path) as (place, line):
        terminal = await place.open_terminal(["python3", "-c", script])
        reading = Reading(terminal)
        await reading.sees(b"1499\r\n")
        for name in ("one", "two"):
            line.is_down = True
            line.cut()
            await until(lambda: is_cut(terminal))
            (tmp_path / name).touch()
            await until(lambda: _is_idle(jupyter_server))
            line.is_down = False
            if name == "one":
                await reading.sees(b"1799\r\n")
                assert reading.text == numbered(1800)
        await asyncio.wait_for(terminal.wait(), DEADLINE)
        await reading.ended
        before, gap, after = reading.text.partition(LOST)
        assert before == numbered(1800)
        assert gap
        assert after.endswith(b"3498\r\n3499\r\n")


async def _is_idle(server: TestServer) -> bool:
    """Whether no terminal has written for a while."""
    before = server.get("api/terminals")
    await asyncio.sleep(0.5)
    return before == server.get("api/terminals")


async def test_a_terminal_is_left_and_taken_up_where_it_was(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    async with served_place(jupyter_server, tmp_path) as place:
        terminal = await place.open_terminal(["sh", "-c", "echo before; read word; echo $word"])
        reading = Reading(terminal)
        await reading.sees(b"before\r\n")
        key, pid = terminal.key, terminal.pid
        await terminal.leave()
        await reading.ended
        assert reading.text == b"before\r\n"
    assert len(terminals_of(jupyter_server)) == 1
    async with served_place(jupyter_server, tmp_path) as place:
        again = place.take_up_terminal(key, len(b"before\r\n"))
        assert again is not None
        assert again.pid == pid
        reading = Reading(again)
        await again.write(b"after\n")
        assert (await asyncio.wait_for(again.wait(), DEADLINE)).code == 0
        await reading.ended
        assert reading.text == b"after\r\nafter\r\n"
        assert place.take_up_terminal("/tmp/folder/of/a/holder", 0) is None
    await none_left(jupyter_server)


async def test_a_terminal_that_somebody_else_closes_says_so(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    async with served_place(jupyter_server, tmp_path) as place:
        terminal = await place.open_terminal(["sleep", "1000"])
        [name] = terminals_of(jupyter_server)
        jupyter_server.ask("DELETE", f"api/terminals/{name}")
        with pytest.raises(EnvironmentUnavailable, match="closed there"):
            await asyncio.wait_for(terminal.wait(), DEADLINE)


async def test_it_runs_in_the_folder_of_the_server_and_nothing_stays_of_a_start_given_up(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    (jupyter_server.folder / "deep er").mkdir(exist_ok=True)
    async with served_place(jupyter_server, tmp_path) as place:
        for cwd in ("deep er", "/deep er", ""):
            reading = Reading(await place.open_terminal(["pwd"], cwd=cwd))
            await reading.ended
            folder = jupyter_server.folder / cwd.strip("/")
            assert reading.text == f"{folder}\r\n".encode()
        with pytest.raises(EnvironmentUnavailable, match="no folder nothing"):
            await place.open_terminal(["pwd"], cwd="nothing")
        for pause in (0.0, 0.02, 0.05):
            opening = asyncio.ensure_future(place.open_terminal(["sleep", "1000"]))
            await asyncio.sleep(pause)
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        if not opening.cancelled():
            await opening.result().kill()
        await none_left(jupyter_server)


async def test_servers_without_terminals_and_gateways_say_so(
    kernel_gateway: TestServer, enterprise_gateway: TestServer, tmp_path: Path
) -> None:
    option = "--ServerApp.terminals_enabled=False"
    with jupyter_server(tmp_path / "server", option) as server:
        async with served_place(server, tmp_path) as place:
            with pytest.raises(ServerFailure, match="switched off") as refused:
                await place.open_terminal(["true"])
            assert "terminals_enabled=True" in refused.value.next_step
    for gateway in (kernel_gateway, enterprise_gateway):
        async with served_place(gateway, tmp_path) as place:
            with pytest.raises(ServerFailure, match="is a gateway") as refused:
                await place.open_terminal(["true"])
            assert "!command" in refused.value.next_step


async def test_a_joined_terminal_goes_on_over_a_cut_line_and_stays(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    made = jupyter_server.ask("POST", "api/terminals")
    assert isinstance(made, dict)
    name, size = str(made["name"]), TerminalSize(80, 24)
    async with over_a_line(jupyter_server, tmp_path) as (place, line):
        with pytest.raises(NotFound, match="no terminal"):
            await place.join_terminal("../kernels", size)
        terminal = await place.join_terminal(name, size)
        reading = Reading(terminal)
        await terminal.write(b"stty -echo; PS1=; echo begin.$((6*7))\n")
        await reading.sees(b"begin.42\r\n")
        line.is_down = True
        line.cut()
        await until(lambda: is_cut(terminal))
        typing = asyncio.ensure_future(terminal.write(b"echo typed.$((6*7))\n"))
        line.is_down = False
        await typing
        await reading.sees(b"typed.42\r\n")
        assert reading.text.count(b"begin.42") == 1
        assert LOST not in reading.text
        await terminal.kill()
        await reading.ended
        assert name in terminals_of(jupyter_server)
        again = await place.join_terminal(name, size)
        reading = Reading(again)
        await reading.sees(b"typed.42\r\n")
        assert again.repeated_until == len(reading.text)
        line.is_down = True
        line.cut()
        await until(lambda: is_cut(again))
        jupyter_server.ask("DELETE", f"api/terminals/{name}")
        line.is_down = False
        with pytest.raises(EnvironmentUnavailable, match="has ended on"):
            await asyncio.wait_for(again.wait(), DEADLINE)
    await none_left(jupyter_server)  # nor did the WebSocket make one of that name


def test_marks_are_found_in_whatever_pieces_they_come() -> None:
    whole = "a\x1b[1mb\x1b]7788;n;run;12;34\x07c\x1b]7788;other;end;1\x07d\x1b]7788;n;end;3\x07"
    for size in range(1, len(whole) + 1):
        reader, shown, marks = MarkReader("n"), "", []
        for start in range(0, len(whole), size):
            text, found = reader.take(whole[start : start + size])
            shown += text
            marks += found
        assert shown == "a\x1b[1mbc\x1b]7788;other;end;1\x07d"
        assert marks == [["run", "12", "34"], ["end", "3"]]
    reader = MarkReader("n")
    text = "".join(reader.take(piece)[0] for piece in ("\x1b]7788;n;", "x" * 200, "y"))
    assert text == "\x1b]7788;n;" + "x" * 200 + "y"  # no mark of ours is that long


@pytest.mark.parametrize(
    ("received", "again", "unseen"),
    [
        ("one two three four five six", "four five six seven", None),  # too short to be sure
        ("one two three four five six", "three four five six seven", " seven"),
        ("x" * 300 + "end of it", "x" * 200 + "end of it, and more", ", and more"),
        ("y\n" * 500, "y\n" * 400, ""),
        ("ready> ls\nfile\nready> " * 9, "ready> ls\nfile\nready> " * 5 + "pwd\n", "pwd\n"),
        ("abc" * 100, "def" * 100, None),
        ("", "text", None),
        (("0123456789" * KEPT)[: KEPT + 77], ("0123456789" * KEPT)[5 : KEPT + 77] + "!", "!"),
    ],
)
def test_what_is_sent_again_is_found_in_what_has_come(
    received: str, again: str, unseen: str | None
) -> None:
    text = ReceivedText()
    for start in range(0, len(received), 1000):
        text.add(received[start : start + 1000])
    assert text.unseen(again) == unseen
