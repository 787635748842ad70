"""Rows of a screen as text with SGR sequences, for a terminal."""

from __future__ import annotations

from codeexec.domain.terminals import (
    BLINK,
    BOLD,
    DEFAULT_COLOR,
    DIM,
    HIDDEN,
    ITALIC,
    OVERLINE,
    REVERSE,
    RGB,
    STRIKE,
    CellStyle,
    TerminalRow,
)
from codeexec.domain.text.printable import is_web_address

_FLAGS = (
    (BOLD, "1"),
    (DIM, "2"),
    (ITALIC, "3"),
    (BLINK, "5"),
    (REVERSE, "7"),
    (HIDDEN, "8"),
    (STRIKE, "9"),
    (OVERLINE, "53"),
)


def sgr_row(row: TerminalRow) -> str:
    """The row from its first column on; the text ends in the default style."""
    pieces: list[str] = []
    for span in row.spans:
        style = span.style
        if style is None:
            pieces.append(span.text)
            continue
        text = f"\x1b[{_codes(style)}m{span.text}\x1b[m"
        if style.link and is_web_address(style.link):
            text = f"\x1b]8;;{style.link}\x1b\\{text}\x1b]8;;\x1b\\"
        pieces.append(text)
    return "".join(pieces)


def _codes(style: CellStyle) -> str:
    codes = [code for flag, code in _FLAGS if style.flags & flag]
    if style.underline:
        codes.append("4" if style.underline == 1 else f"4:{style.underline}")
    codes += _color(style.foreground, 30)
    codes += _color(style.background, 40)
    if style.underline and style.underline_color != DEFAULT_COLOR:
        codes += _color(style.underline_color, 50)
    return ";".join(codes)


def _color(color: int, base: int) -> list[str]:
    if color == DEFAULT_COLOR:
        return []
    if color >= RGB:
        rgb = color - RGB
        return [f"{base + 8};2;{rgb >> 16 & 255};{rgb >> 8 & 255};{rgb & 255}"]
    if color < 8 and base < 50:
        return [str(base + color)]
    if color < 16 and base < 50:
        return [str(base + 60 + color - 8)]
    return [f"{base + 8};5;{color}"]
