"""Writes a terminal's scrollback and screen as output that draws them on another terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codeexec.domain.terminals import EMPTY_ROW, Cursor, ScreenUpdate, TerminalModes, TerminalRow
from codeexec.session.terminals.reading import ansi

CLEAR = "\x1bc"
"""Resets a terminal, with its scrollback."""

_MOUSE = {"press": 9, "click": 1000, "drag": 1002, "move": 1003}
_SHAPES = {"block": 1, "underline": 3, "bar": 5}


def replay(scrollback: Sequence[TerminalRow], screen: ScreenUpdate) -> str:
    """All of it, on a terminal that is empty and of the same size. Of a program that uses the whole
    screen only its own screen is known, and not the one below it."""
    row_by_number = dict(screen.changed)
    rows = [row_by_number.get(number, EMPTY_ROW) for number in range(screen.rows)]
    if screen.modes.is_alternate:
        lines = "".join(f"\x1b[{number};1H{ansi(row)}" for number, row in enumerate(rows, 1))
        drawn = _lines(scrollback) + "\x1b[?1049h\x1b[2J" + lines
    else:
        drawn = _lines([*scrollback, *rows], is_open=True)
    return drawn + _cursor(screen.cursor) + _modes(screen.modes)


def redraw(screen: ScreenUpdate) -> str:
    """The screen alone, in place of what is shown."""
    return "\x1b[?1049l\x1b[!p\x1b[2J\x1b[H" + replay((), screen)


def _lines(rows: Iterable[TerminalRow], *, is_open: bool = False) -> str:
    """Wrapped rows go on without a newline; `is_open`: there is none after the last."""
    text = "".join(ansi(row) if row.is_wrapped else f"{ansi(row)}\r\n" for row in rows)
    return text.removesuffix("\r\n") if is_open else text


def _cursor(cursor: Cursor) -> str:
    place = f"\x1b[{cursor.row + 1};{cursor.column + 1}H"
    shape = f"\x1b[{_SHAPES[cursor.shape] + (not cursor.is_blinking)} q"
    return place + shape + ("" if cursor.is_visible else "\x1b[?25l")


def _modes(modes: TerminalModes) -> str:
    numbers = [1] * modes.is_application_cursor + [2004] * modes.is_bracketed_paste
    numbers += [1004] * modes.reports_focus
    if modes.mouse:
        numbers += [_MOUSE[modes.mouse], 1006]
    return "".join(f"\x1b[?{number}h" for number in numbers)
