"""Underlines of terminals: the codes written, and styles not mistaken for others."""

from __future__ import annotations

from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from textual.color import Color
from textual.filter import ANSIToTruecolor
from textual.strip import Strip

from codeexec.tui.textual_ext.underlines import with_underline

PLAIN = Style(color="#ff0000", bgcolor="#000000")


def written(style: Style) -> str:
    """What reaches the terminal for an `x` in that style, through the filter of all text."""
    strip = Strip([Segment("axb", style)]).crop(1, 2)
    strip = strip.apply_filter(ANSIToTruecolor(DEFAULT_TERMINAL_THEME), Color.parse("black"))
    return "".join(
        Strip.render_style(part.style or Style(), part.text, ColorSystem.TRUECOLOR)
        for part in strip
    )


def test_a_curly_underline_in_a_colour_is_written() -> None:
    style = with_underline(PLAIN, 3, (1, 2, 3))
    assert written(style) == "\x1b[4;38;2;255;0;0;48;2;0;0;0;4:3;58:2::1:2:3mx\x1b[0m"


def test_single_and_double_are_those_of_every_terminal() -> None:
    assert written(with_underline(PLAIN, 1, None)) == ("\x1b[4;38;2;255;0;0;48;2;0;0;0mx\x1b[0m")
    assert written(with_underline(PLAIN, 2, None)) == ("\x1b[4;21;38;2;255;0;0;48;2;0;0;0mx\x1b[0m")


def test_a_plain_underline_of_the_same_colours_stays_plain() -> None:
    curly, plain = with_underline(PLAIN, 3, None), PLAIN + Style(underline=True)
    assert "4:3" in written(curly)
    assert "4:3" not in written(plain)
    assert "4:3" in written(curly)
