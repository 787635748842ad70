"""How many colours there are: setting, the terminal's answers, tmux, screen, environment."""

from __future__ import annotations

import pytest

from codeexec.tui.graphics.probe import QUESTIONS, parse, questions
from codeexec.tui.theme.color_depth import Depth, TerminalColors, may_ask

KEPT = b"\x1bP1$r0;48:2::1:2:3m\x1b\\"
REPLACED = b"\x1bP1$r48;5;16m\x1b\\"


@pytest.mark.parametrize(
    ("said", "true_color"),
    [
        (KEPT, True),
        (b"\x1bP1$r48;2;1;2;3m\x1b\\", True),
        (b"\x1bP1$r48:2:1:2:3m\x1b\\", True),
        (b"\x1bP0$r0;48:2:1:2:3m\x1b\\", True),
        (REPLACED, False),
        (b"\x1bP1$r0;48:2:0:0:0m\x1b\\", False),
        (b"\x1bP0$r\x1b\\", None),
        (b"\x1bP1$r0m\x1b\\", None),
        (b"\x1bP1+r524742=382F382F38\x1b\\", True),
        (b"\x1bP0+r524742\x1b\\", None),
        (b"\x1bP0+r\x1b\\", None),
        (REPLACED + b"\x1bP0+r524742\x1b\\\x1b[?62c", False),
        (b"\x1bP>|kitty(0.43.1)\x1b\\", None),
    ],
)
def test_the_answer_of_a_terminal(said: bytes, true_color: bool | None) -> None:
    answers, rest = parse(b"ab" + said + b"c")
    assert answers.true_color is true_color
    assert rest == b"abc"


LINUX = {"TERM": "xterm-256color"}
INSIDE_TMUX = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0", "COLORTERM": "truecolor"}


@pytest.mark.parametrize(
    ("environ", "said", "tmux_client", "depth"),
    [
        (LINUX, b"", "", "256"),
        (LINUX, KEPT, "", "truecolor"),
        (LINUX | {"COLORTERM": "truecolor"}, b"", "", "truecolor"),
        (LINUX | {"COLORTERM": "24bit"}, b"\x1bP0$r\x1b\\", "", "truecolor"),
        (LINUX | {"COLORTERM": "truecolor"}, REPLACED, "", "256"),
        (LINUX, b"\x1bP>|WezTerm 20240203\x1b\\", "", "truecolor"),
        (LINUX, b"\x1bP>|XTerm(390)\x1b\\", "", "256"),
        ({"TERM": "xterm-kitty"}, b"", "", "truecolor"),
        ({"TERM": "xterm-direct"}, b"", "", "truecolor"),
        ({"TERM": "xterm-16color"}, b"", "", "16"),
        ({"TERM": "xterm"}, b"", "", "256"),
        ({"TERM": "xterm-color"}, b"", "", "16"),
        ({"TERM": "rxvt"}, REPLACED, "", "256"),
        ({"TERM": "linux"}, b"\x1b[?6c", "", "16"),
        ({"TERM": "dumb"}, b"", "", "16"),
        ({}, b"", "", "16"),
        (INSIDE_TMUX, b"", "xterm-256color 256,clipboard,rgb,title", "truecolor"),
        (INSIDE_TMUX, b"", "xterm-256color 256,clipboard,title", "256"),
        (INSIDE_TMUX, b"", "linux bpaste,title", "16"),
        (INSIDE_TMUX, b"", "", "truecolor"),
        ({"TERM": "screen.xterm-256color", "COLORTERM": "truecolor"}, b"", "", "256"),
        ({"TERM": "screen", "STY": "1.pts", "COLORTERM": "truecolor"}, b"", "", "16"),
    ],
)
def test_the_depth(environ: dict[str, str], said: bytes, tmux_client: str, depth: Depth) -> None:
    colors = TerminalColors(environ, "auto", tmux_client)
    answers = parse(said)[0]
    colors.note(answers.true_color, answers.version)
    assert colors.depth == depth
    for setting in ("truecolor", "256", "16"):
        colors.setting = setting
        assert colors.depth == setting


def test_answers_that_come_piece_by_piece_add_up() -> None:
    colors = TerminalColors(LINUX | {"COLORTERM": "truecolor"})
    colors.note(False, "")
    colors.note(None, "XTerm(390)")
    assert colors.depth == "256"


@pytest.mark.parametrize(
    ("environ", "asks"),
    [
        (LINUX, True),
        (INSIDE_TMUX, True),
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux,1,0"}, True),
        ({"TERM": "screen-256color"}, False),
        ({"TERM": "xterm-256color", "STY": "1.pts"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "linux"}, False),
        ({}, False),
    ],
)
def test_terminals_that_print_questions_are_not_asked(environ: dict[str, str], asks: bool) -> None:
    assert may_ask(environ) is asks
    assert ("$q" in questions(environ)) is asks
    assert questions(environ).endswith("\x1b[c")
    # The colour that is set for the question is gone behind it.
    assert QUESTIONS.index("\x1b[m") > QUESTIONS.index("$qm")
