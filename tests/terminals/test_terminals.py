"""Terminals of a session with real shells: what is typed, seen, kept, and how they end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import psutil
import pytest

from codeexec.client.api import SessionClient
from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import requests as q
from codeexec.domain.errors import (
    Busy,
    CodeexecError,
    Conflict,
    Denied,
    EnvironmentUnavailable,
    NotFound,
    UsageError,
)
from codeexec.domain.requests import ClientInfo
from codeexec.domain.terminals import Typed
from codeexec.environments.base import TerminalSize
from codeexec.session.settings import HostSettings
from codeexec.session.terminals.ghostty import GhosttyEmulator
from codeexec.session.terminals.programs import HeldProgram, Program
from codeexec.session.terminals.registry import SessionTerminals
from codeexec.session.terminals.screen import FRAME
from codeexec.session.terminals.shells import Start
from codeexec.session.terminals.writer import MOST_WAITING
from support.descriptors import descriptors
from support.servers import wait_until
from support.terminals import open_terminal

SETTINGS = HostSettings(terminals=3)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[EmbeddedHost]:
    async with EmbeddedHost(tmp_path / "state", settings=SETTINGS) as host:
        yield host


@pytest.fixture
async def session(host: EmbeddedHost, tmp_path: Path) -> SessionClient:
    (tmp_path / "work").mkdir()
    request = q.OpenSession(cwd=str(tmp_path / "work"), start_kernel=False)
    return host.session((await host.call(request)).session_id)


async def test_a_program_is_typed_to_and_ends(session: SessionClient) -> None:
    terminal = await open_terminal(session, "cat")
    async with terminal.watch():
        await terminal.type("hello\r")
        await terminal.until(lambda: terminal.screen.text.count("hello") == 2, "an echo")
        await terminal.type("\x04")
        await terminal.until(lambda: terminal.view and terminal.view.state == "exited")
        assert terminal.view is not None
        assert terminal.view.exit_code == 0
        with pytest.raises(Conflict, match="has ended"):
            await terminal.type("x")


async def test_the_fallback_emulator_says_that_it_is_slow_and_runs_a_shell(
    session: SessionClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEEXEC_EMULATOR", "bittty")
    terminal = await open_terminal(session, shell="/bin/bash")
    async with terminal.watch():
        await terminal.run("echo one two", 1)
        await terminal.run("seq 1 60; false", 2)
        await terminal.sees("60")
        assert terminal.view is not None
        assert [command.exit_code for command in terminal.view.commands] == [0, 1]
        command = terminal.view.commands[0]
        assert await terminal.text(command.output_row, command.end_row or 0) == "one two\n"
        assert [notice.title for notice in terminal.snapshot.notices] == ["Slow terminals"]


async def test_a_terminal_that_is_being_opened_when_its_session_closes_leaves_nothing(
    host: EmbeddedHost, session: SessionClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, may_go_on = SessionTerminals._start, asyncio.Event()
    programs: list[psutil.Process] = []

    async def start_slowly(
        terminals: SessionTerminals, request: q.OpenTerminal, size: TerminalSize
    ) -> tuple[Start, Program]:
        started = await start(terminals, request, size)
        programs.append(psutil.Process(started[1].pid))
        await may_go_on.wait()
        return started

    monkeypatch.setattr(SessionTerminals, "_start", start_slowly)
    opening = asyncio.create_task(open_terminal(session, "sleep", "3137"))
    await wait_until(lambda: programs, "the program")
    assert programs[0].is_running()
    await host.call(q.StopSession(session.session_id))
    may_go_on.set()
    with pytest.raises(CodeexecError):
        await opening
    await wait_until(lambda: not programs[0].is_running(), "the end of the program")


async def test_the_exit_status_of_a_signal_is_that_of_a_shell(session: SessionClient) -> None:
    terminal = await open_terminal(session, "sh", "-c", "kill -9 $$")
    async with terminal.watch():
        await terminal.until(lambda: terminal.view and terminal.view.exit_code == 137)


async def test_an_input_that_is_sent_again_is_applied_once(session: SessionClient) -> None:
    terminal = await open_terminal(session, "cat")
    async with terminal.watch():
        await terminal.type("once")
        terminal._number = 0
        await terminal.type("once")
        await terminal.type(" more\r")
        await terminal.sees("once more")
        assert "onceonce" not in terminal.screen.text


async def test_an_input_that_was_refused_is_not_taken_for_one_that_was_applied(
    session: SessionClient,
) -> None:
    command = "stty raw -echo; printf ready; exec sleep 1000"  # else what is too much is dropped
    terminal = await open_terminal(session, "sh", "-c", command)
    async with terminal.watch():
        await terminal.sees("ready")
    name = terminal.terminal_id
    text = (Typed("x" * (MOST_WAITING // 2 + 1)),)
    await session.call(q.TypeInTerminal(name, text, "one", 1))
    for _ in range(2):
        with pytest.raises(Busy, match="does not read"):
            await session.call(q.TypeInTerminal(name, text, "one", 2))


async def test_it_runs_with_its_environment_in_its_folder(
    session: SessionClient, tmp_path: Path
) -> None:
    (tmp_path / "work" / "sub").mkdir()
    command = ("sh", "-c", "pwd; echo $NAME $TERM $COLORTERM; stty size; cat")
    terminal = await open_terminal(
        session, *command, folder="sub", env={"NAME": "value"}, columns=100, rows=30
    )
    async with terminal.watch():
        await terminal.sees("30 100")
        assert f"{tmp_path}/work/sub\nvalue xterm-256color truecolor" in terminal.screen.text
    elsewhere = await open_terminal(session, "sh", "-c", "pwd; cat", folder=str(tmp_path))
    async with elsewhere.watch():
        await elsewhere.sees(f"{tmp_path}\n")


async def test_the_smallest_client_has_the_size_until_one_takes_control(
    session: SessionClient,
) -> None:
    terminal = await open_terminal(
        session, "sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do read x; done"
    )

    async def show(source: str, columns: int, *, takes_control: bool = False) -> tuple[int, str]:
        request = q.ResizeTerminal(terminal.terminal_id, columns, 20, source, takes_control)
        seq = (await session.call(request)).seq
        await terminal.until(lambda: terminal.snapshot.seq >= seq)
        assert terminal.view is not None
        return terminal.view.columns, terminal.view.size_owner

    async with terminal.watch():
        await terminal.sees("ready")
        assert await show("one", 100) == (100, "")
        assert await show("two", 60) == (60, "")
        assert await show("one", 90, takes_control=True) == (90, "one")
        assert await show("two", 50) == (90, "one")
        assert await show("one", 0) == (50, "")
        await terminal.sees("20 50")


async def test_a_watcher_reads_and_cannot_type(host: EmbeddedHost, session: SessionClient) -> None:
    terminal = await open_terminal(session, "cat")
    watcher = host._host.session(session.session_id)
    client = ClientInfo("eyes", watch_only=True)
    requests = (
        q.OpenTerminal(),
        q.TypeInTerminal(terminal.terminal_id, ()),
        q.ResizeTerminal(terminal.terminal_id, 10, 10),
        q.CloseTerminal(terminal.terminal_id),
    )
    for request in requests:
        with pytest.raises(Denied):
            await watcher.call(cast("q.Request[q.Reply]", request), client)
    rows = await watcher.call(q.ReadTerminalRows(terminal.terminal_id), client)
    assert rows.total == 24


@pytest.mark.slow
async def test_scrollback_is_paged_searched_and_copied(session: SessionClient) -> None:
    command = "seq 2000; printf 'a wide \\033[31m宽 word\\033[0m\\n'; cat"
    terminal = await open_terminal(session, "sh", "-c", command, columns=40)
    async with terminal.watch():
        await terminal.sees("word")
        page = await session.call(q.ReadTerminalRows(terminal.terminal_id, 100, 3))
        assert (page.start, page.first, page.total) == (100, 0, 2002)
        assert [row.text for row in page.rows] == ["101", "102", "103"]
        assert terminal.screen.history == 1978
        assert await terminal.text(1999, 2001) == "2000\na wide 宽 word\n"
        found = await session.call(q.SearchTerminal(terminal.terminal_id, "word"))
        assert [(match.row, match.column) for match in found.matches] == [(2000, 10)]
        found = await session.call(
            q.SearchTerminal(terminal.terminal_id, "^1.*9$", regex=True, limit=3)
        )
        assert [match.text for match in found.matches] == ["19", "109", "119"]
        assert not found.is_complete
        ansi = await session.call(q.ReadTerminalText(terminal.terminal_id, 2000, 0, "ansi"))
        assert ansi.text == "a wide \x1b[0;31m宽 word\x1b[0m\n"
        with pytest.raises(UsageError):
            await session.call(q.SearchTerminal(terminal.terminal_id, "(", regex=True))


async def test_opening_is_repeatable_limited_and_told_in_words(session: SessionClient) -> None:
    first = await open_terminal(session, "cat", terminal_id="mine")
    again = await open_terminal(session, "cat", terminal_id="mine")
    assert first.terminal_id == again.terminal_id
    with pytest.raises(Conflict):
        await open_terminal(session, "true", terminal_id="mine")
    with pytest.raises(UsageError):
        await open_terminal(session, "cat", columns=0)
    with pytest.raises(EnvironmentUnavailable):
        await open_terminal(session, "/no/such/program")
    with pytest.raises(NotFound):
        await session.call(q.ReadTerminalRows("another"))
    await open_terminal(session, "cat")
    await open_terminal(session, "cat")
    with pytest.raises(Busy, match="3 terminals"):
        await open_terminal(session, "cat")


async def test_a_command_that_does_not_start_leaves_no_emulator(
    session: SessionClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[GhosttyEmulator] = []
    close = GhosttyEmulator.close

    def note_and_close(emulator: GhosttyEmulator) -> None:
        closed.append(emulator)
        close(emulator)

    monkeypatch.setattr(GhosttyEmulator, "close", note_and_close)
    with pytest.raises(EnvironmentUnavailable):
        await open_terminal(session, "/no/such/program")
    assert len(closed) == 1


async def test_a_terminal_is_started_again_and_closed(session: SessionClient) -> None:
    terminal = await open_terminal(
        session, "sh", "-c", "printf '\\033[?1049h%s' $NAME; read x", env={"NAME": "shown"}
    )
    async with terminal.watch():
        await terminal.sees("shown")
        with pytest.raises(Conflict, match="still runs"):
            await session.call(q.RestartTerminal(terminal.terminal_id))
        await terminal.type("\r")
        await terminal.until(lambda: terminal.view and terminal.view.state == "exited")
        await session.call(q.RestartTerminal(terminal.terminal_id))
        await terminal.until(lambda: terminal.view and terminal.view.state == "running")
        await terminal.sees("shown")
        await session.call(q.CloseTerminal(terminal.terminal_id))
        await session.call(q.CloseTerminal(terminal.terminal_id))
        await terminal.until(lambda: terminal.view is None and terminal.snapshot.seq > 1)


async def test_a_program_that_is_started_again_writes_below_what_was_there(
    session: SessionClient,
) -> None:
    terminal = await open_terminal(session, "sh", "-c", "printf '1\\n2\\n3\\n'; read x")
    async with terminal.watch():
        await terminal.sees("3")
        await terminal.type("\r")
        await terminal.until(lambda: terminal.view and terminal.view.state == "exited")
        await session.call(q.RestartTerminal(terminal.terminal_id))
        await terminal.until(lambda: terminal.screen.text.count("3") == 2)
    assert terminal.screen.text.split() == ["1", "2", "3", "1", "2", "3"]


async def test_a_program_started_before_the_last_one_is_cleaned_up_ends_with_its_terminal(
    session: SessionClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill, may_end, ended = HeldProgram.kill, asyncio.Event(), []

    async def kill_later(program: HeldProgram) -> None:
        await may_end.wait()
        await kill(program)
        ended.append(program)

    monkeypatch.setattr(HeldProgram, "kill", kill_later)
    terminal = await open_terminal(session, "sh", "-c", "read line")
    name = terminal.terminal_id
    async with terminal.watch():
        await terminal.type("\r")
        await terminal.until(lambda: terminal.view and terminal.view.state == "exited")
        restarted = await session.call(q.RestartTerminal(name))
        typists = [task for task in asyncio.all_tasks() if task.get_name() == f"{name} typist"]
        assert len(typists) == 1
        assert restarted.terminal.pid is not None
        program = psutil.Process(restarted.terminal.pid)
        may_end.set()
        await wait_until(lambda: ended, "the end of the first program")
        await session.call(q.CloseTerminal(name))
    await wait_until(lambda: not program.is_running(), "the end of the second program")


async def test_the_end_of_the_session_ends_its_terminals(
    host: EmbeddedHost, session: SessionClient
) -> None:
    terminal = await open_terminal(session, "sh", "-c", "echo kept; cat")
    async with terminal.watch():
        await terminal.sees("kept")
    await host.call(q.StopSession(session.session_id))
    closed = host.session(session.session_id)
    text = await closed.call(q.ReadTerminalText(terminal.terminal_id))
    assert text.text == "kept\n"


async def test_a_flood_is_seen_in_few_screens(session: SessionClient) -> None:
    terminal = await open_terminal(session, "sh", "-c", "seq 300000; echo the-end; cat")
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with terminal.watch():
        await terminal.sees("the-end")
        assert terminal.screens <= (loop.time() - began) / FRAME + 5


async def test_opening_and_closing_leaves_no_descriptor_and_no_process(
    session: SessionClient,
) -> None:
    own = psutil.Process()

    async def open_and_close() -> None:
        terminal = await open_terminal(session, "sh", "-c", "sleep 1000 & cat")
        await session.call(q.CloseTerminal(terminal.terminal_id))

    await open_and_close()
    before = descriptors(), len(own.children(recursive=True))
    for _ in range(20):
        await open_and_close()
    await wait_until(lambda: descriptors() <= before[0], "descriptors to be closed")
    # The holder reaps what was killed a moment later.
    await wait_until(lambda: len(own.children(recursive=True)) <= before[1], "processes to be gone")


async def test_random_bytes_of_a_program_leave_the_engine_alive(session: SessionClient) -> None:
    """Titles and folders of such a program hold nothing that acts on a terminal."""
    code = "import os, random, sys; r = random.Random(3); w = sys.stdout.buffer.write\n"
    code += (
        "w(r.randbytes(500000)); [w(b'\\x1b]%d;' % r.randint(0, 8) + r.randbytes(20) + b'\\x07')"
    )
    code += (
        " for _ in range(2000)]; w(b'\\x18\\x1bc\\x1b]2;a\\x1b[31m\\xe2\\x80\\xaeb\\x07the-end'); "
    )
    code += "sys.stdout.flush(); sys.stdin.read()"
    terminal = await open_terminal(session, sys.executable, "-S", "-c", code)
    async with terminal.watch():
        await terminal.sees("the-end")
        text = await terminal.text()
        assert not any(ord(c) < 0x20 and c != "\n" for c in text)
        assert "\x1b" not in terminal.screen.title
        assert "\u202e" not in terminal.screen.title
        assert (await session.call(q.ListTerminals())).terminals[0].state == "running"
