"""Asking the terminal: answers told from keys, decisions from answers, no wait for the silent."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain.errors import UsageError
from codeexec.tui.graphics.cell_size import NOMINAL_CELL, CellSize
from codeexec.tui.graphics.probe import (
    QUESTIONS,
    WAYS,
    Graphics,
    Probe,
    TerminalReplies,
    ask_tmux,
    cell_of_window,
    decide,
    parse,
)

KITTY = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.43.1)\x1b\\\x1b[6;18;9t\x1b[?62;52;c"
FOOT = b"\x1bP>|foot(1.22.0)\x1b\\\x1b[6;22;11t\x1b[?62;4;22;28;29c"
WEZTERM = b"\x1b_Gi=31;OK\x1b\\\x1bP>|WezTerm 20240203\x1b\\\x1b[6;20;10t\x1b[?65;4;6;18;22c"
XTERM = b"\x1bP>|XTerm(390)\x1b\\\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c"
VT100 = b"\x1b[?1;2c"


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        (KITTY, TerminalReplies(True, False, "kitty(0.43.1)", CellSize(9, 18), True)),
        (FOOT, TerminalReplies(False, True, "foot(1.22.0)", CellSize(11, 22), True)),
        (XTERM, TerminalReplies(False, False, "XTerm(390)", None, True)),
        (VT100, TerminalReplies(complete=True)),
        (b"\x1b_Gi=31;ENOTSUP:no\x1b\\\x1b[6;0;0t", TerminalReplies()),
        (b"", TerminalReplies()),
    ],
)
def test_answers_are_understood(said: bytes, answers: TerminalReplies) -> None:
    assert parse(said) == (answers, b"")


keys = st.binary(max_size=12).filter(lambda data: b"\x1b" not in data)


@given(keys, keys, keys)
def test_keys_between_answers_are_kept(one: bytes, two: bytes, three: bytes) -> None:
    found, rest = parse(one + b"\x1b_Gi=31;OK\x1b\\" + two + b"\x1b[?62;4c" + three)
    assert rest == one + two + three
    assert found.kitty and found.sixel and found.complete


@pytest.mark.parametrize(
    ("said", "environ", "way"),
    [
        (KITTY, {"TERM": "xterm-kitty"}, "kitty"),
        (b"", {"TERM": "xterm-kitty"}, "kitty"),
        (b"", {"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        (FOOT, {"TERM": "foot"}, "sixel"),
        (WEZTERM, {"TERM": "xterm-256color"}, "sixel"),
        (XTERM, {"TERM": "xterm-256color"}, "quadrant"),
        (VT100, {"TERM": "linux"}, "half"),
        (b"", {}, "quadrant"),
        (b"\x1b[?1;2;4c", {"TMUX": "/tmp/tmux,1,0"}, "sixel"),
        (VT100, {"TMUX": "/tmp/tmux,1,0", "TERM_PROGRAM": "tmux"}, "quadrant"),
    ],
)
def test_the_best_way_is_taken(said: bytes, environ: dict[str, str], way: str) -> None:
    assert decide(parse(said)[0], environ).way == way


def test_tmux_passes_to_kitty_only_when_it_may() -> None:
    inside = {"TMUX": "/tmp/tmux,1,0", "TERM": "tmux-256color"}
    passing = decide(
        TerminalReplies(complete=True), inside, tmux_client="xterm-kitty rgb passthrough"
    )
    assert passing == Graphics("kitty", NOMINAL_CELL, True)
    assert (
        decide(TerminalReplies(complete=True), inside, tmux_client="xterm-kitty rgb").way
        == "quadrant"
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_setting_wins(way: str) -> None:
    assert decide(parse(KITTY)[0], {}, setting=way).way == way


def test_a_setting_that_is_no_way_is_said() -> None:
    with pytest.raises(UsageError, match="sixel"):
        decide(TerminalReplies(), {}, setting="jpeg")


def test_cell_sizes_in_their_order() -> None:
    said = TerminalReplies(cell=CellSize(9, 18))
    web = {"TEXTUAL_CELL_WIDTH": "8", "TEXTUAL_CELL_HEIGHT": "17"}
    assert decide(said, web, cell=CellSize(7, 14)).cell == (7, 14)
    assert decide(said, web).cell == (9, 18)
    assert decide(TerminalReplies(), web).cell == (8, 17)
    assert decide(
        TerminalReplies(), {"TEXTUAL_CELL_WIDTH": "0", "TEXTUAL_CELL_HEIGHT": "x"}
    ).cell == (NOMINAL_CELL)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal: the side of the person, and the side of the program."""
    person, program = pty.openpty()
    yield person, program
    os.close(person)
    os.close(program)


async def test_a_terminal_is_asked_and_heard(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    person, program = terminal
    before = termios.tcgetattr(program)
    probe = Probe(program, program)
    probe.ask()
    asked = os.read(person, 4096)
    while len(asked) < len(QUESTIONS):  # it may come in parts
        asked += os.read(person, 4096)
    assert asked == QUESTIONS.encode()
    os.write(person, b"x = 1" + FOOT[:20])
    waiting = asyncio.create_task(probe.answers(timeout=90))
    await asyncio.sleep(0)
    os.write(person, FOOT[20:] + b"\r")
    found = await waiting
    assert found == parse(FOOT)[0]
    assert probe.rest.replace(b"\n", b"\r") == b"x = 1\r"
    assert termios.tcgetattr(program) == before


async def test_a_silent_terminal_costs_its_deadline_and_no_key(terminal: tuple[int, int]) -> None:
    person, program = terminal
    probe = Probe(program, program)
    probe.ask()
    os.write(person, b"abc")
    assert select.select([program], [], [], 90)[0], "what is typed takes its way to the program"
    async with asyncio.timeout(90):
        found = await probe.answers(timeout=0.05)
    assert found == TerminalReplies()
    assert probe.rest == b"abc"


async def test_no_terminal_is_not_asked() -> None:
    source, sink = os.pipe()
    try:
        probe = Probe(source, sink)
        probe.ask()
        assert await probe.answers() == TerminalReplies()
    finally:
        os.close(source)
        os.close(sink)


def test_the_kernel_knows_pixels(terminal: tuple[int, int]) -> None:
    import fcntl
    import struct

    person, program = terminal
    assert cell_of_window(program) is None
    fcntl.ioctl(person, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 80 * 9, 24 * 19))
    assert cell_of_window(program) == (9, 19)


async def test_outside_tmux_nobody_is_asked() -> None:
    assert await ask_tmux({}) == ""
    assert await ask_tmux({"TMUX": "/nowhere", "PATH": "/nowhere"}) == ""


def test_imports_ask_nothing_and_load_nothing_heavy() -> None:
    code = (
        "import sys, codeexec.tui.graphics.probe, codeexec.tui.graphics.images,"
        " codeexec.tui.graphics.kitty, codeexec.tui.graphics.sixel;"
        "print({'PIL', 'resvg_py', 'numpy', 'textual_image'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
