"""A terminal in the workbench of a real terminal, whose client and server are killed."""

from __future__ import annotations

import os
import signal

import pytest

from support.terminal_bench import (
    ENTER,
    attach,
    choose,
    export_scrollback,
    kill_server,
    leave,
    terminal_bench,
    wait_beside,
)

pytestmark = pytest.mark.slow

LAST = 200_000
FLOOD = f"seq {LAST // 2}; until [ -e go ]; do sleep 0.05; done; seq {LAST // 2 + 1} {LAST}\r"
VIM = "vim -u NONE -i NONE -n notes.txt\r"


def test_vim_and_a_flood_go_on_when_the_client_and_then_the_server_are_killed() -> None:
    with terminal_bench(columns=100, lines=30) as (tty, apart):
        notes = apart.work / "notes.txt"
        tty.press(ENTER + VIM)
        tty.shows('"notes.txt" [New')
        tty.press("ifirst words")
        tty.shows("first words")
        leave(tty)
        choose(tty, "new terminal")
        tty.shows("2 bash")
        tty.press(FLOOD)
        tty.shows("2 seq")
        os.kill(tty.pid, signal.SIGKILL)
        (apart.work / "go").touch()
        with attach(apart, columns=100, lines=30) as again:
            again.shows("Enter types")  # the pane has the keys, as it was left
            again.shows(f"│ {LAST} ")
            choose(again, "next terminal")
            again.shows("first words")
            again.press("\r and more")
            again.shows(" and more")
            kill_server(again, apart)
            again.press(" and the last\x1b:wq\r")
            wait_beside(again, lambda: notes.exists() and notes.stat().st_size, "the file of vim")
            assert notes.read_text("utf-8") == "first words and more and the last\n"
            leave(again)
            choose(again, "next terminal")
            again.shows(f"│ {LAST} ")
            numbers = [line for line in export_scrollback(again, apart) if line.isdigit()]
            assert numbers == [*map(str, range(1, LAST + 1))]


def test_a_flood_goes_on_while_the_server_is_killed() -> None:
    with terminal_bench(columns=100, lines=30) as (tty, apart):
        tty.press(ENTER + FLOOD)
        tty.shows("1 seq")
        kill_server(tty, apart)
        (apart.work / "go").touch()
        tty.shows(f"│ {LAST} ")
        tty.press("echo still $((40 + 2))\r")
        tty.shows("still 42")
        leave(tty)
        numbers = [line for line in export_scrollback(tty, apart) if line.isdigit()]
        assert numbers == [*map(str, range(1, LAST + 1))]
