"""Code that is typed as soon as the program is called, in a terminal, on a real kernel."""

from __future__ import annotations

import signal

import pytest

from support.programs import DEADLINE
from support.servers import user
from support.tty import Tty, workbench

pytestmark = pytest.mark.slow


def test_what_is_typed_at_once_is_run_once_and_what_is_not_whole_waits_in_the_prompt() -> None:
    with workbench() as (tty, _):
        tty.write(b"seen = globals().get('seen', 0) + 1\rprint('seen', seen * 1001)\r'left o")
        tty.shows("● idle")
        tty.shows("seen 1001")
        tty.shows("[3] 'left o")
        tty.write(b"ver'\r")
        tty.shows("→ 'left over'")
        assert tty.text.count("seen 1001") == 1
        tty.write(b"print('and', seen)\r")
        tty.shows("and 1")


def test_a_loop_that_is_typed_at_once_is_finished_in_the_prompt() -> None:
    with workbench() as (tty, _):
        tty.write(b"for i in range(3):\rprint('round', i)\r\r")
        tty.shows("round 2")
        tty.shows("● idle")
        tty.shows("[2]")


def test_lines_that_are_typed_all_through_the_start_run_in_their_order() -> None:
    with workbench() as (tty, _):
        tty.write(b"L = []\r")
        for number in range(60):
            tty.write(f"L.append({number})\r".encode())
            tty.idles(0.02)
        tty.write(b"print('in order', L == list(range(60)))\r")
        tty.shows("in order True")


@pytest.mark.parametrize("after", [0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6])
def test_a_start_that_is_ended_leaves_the_terminal_as_it_was(after: float) -> None:
    # Any of the three at any moment: they are dealt out over the moments.
    number = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[int(after * 20) % 3]
    with workbench() as (tty, apart):
        tty.wrote("starting")  # it may be ready before this is read
        tty.idles(after)
        tty.signal(number)
        assert tty.ends() in (0, 128 + number)
        assert tty.left_behind() == []
        assert not list(apart.folder.rglob("fault.txt"))


@pytest.mark.parametrize("after", [0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.2])
def test_a_terminal_that_goes_away_takes_the_program_with_it(after: float) -> None:
    with user() as apart:
        tty = Tty((), home=apart.folder, cwd=apart.work, env=apart.environ)
        tty.wrote("starting")
        tty.idles(after)
        tty.hang_up()
        assert tty.is_over(DEADLINE)


def test_names_of_files_do_not_act_on_the_terminal() -> None:
    with user() as apart:
        name = "a\x1b]0;owned\x07.py"
        (apart.work / name).write_text("x = 1\n")
        with Tty((name,), home=apart.folder, cwd=apart.work, env=apart.environ) as tty:
            tty.shows("● idle")
            assert b"\x1b]0;owned" not in tty.raw


def test_a_name_that_is_no_text_is_shown_all_the_same() -> None:
    with user() as apart:
        name = b"\xff.py".decode("utf-8", "surrogateescape")
        (apart.work / name).write_text("x = 1\n")
        with Tty((name,), home=apart.folder, cwd=apart.work, env=apart.environ) as tty:
            tty.shows("● idle")
            tty.shows("x = 1")
            tty.press("\x1b[15~\x1bOQ")  # F5, F2
            tty.shows("[1] x = 1")
            tty.shows("✓")
