"""Rows of cells of bittty as rows of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

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
    Span,
    TerminalRow,
    Underline,
)
from codeexec.session.terminals.emulator import MOST_LINK, shown_character, trimmed

if TYPE_CHECKING:
    from bittty.style import Color, Style
    from bittty.video import Cell

_FLAGS = (
    ("bold", BOLD),
    ("dim", DIM),
    ("italic", ITALIC),
    ("blink", BLINK),
    ("reverse", REVERSE),
    ("conceal", HIDDEN),
    ("strike", STRIKE),
    ("overline", OVERLINE),
)
_UNDERLINES: dict[str | None, Underline] = {
    None: 1,
    "double": 2,
    "curly": 3,
    "dotted": 4,
    "dashed": 5,
}


def row_of(cells: Sequence[Cell], is_wrapped: bool) -> TerminalRow:
    """A row; the second cell of a wide character has no text."""
    spans: list[Span] = []
    parts: list[str] = []
    current: Style | None = None
    for style, text in cells:
        if parts and style is not current and style != current:
            spans.append(_span(parts, current))
            parts = []
        current = style
        parts.append(text)
    if parts:
        spans.append(_span(parts, current))
    return TerminalRow(tuple(spans) if is_wrapped else trimmed(spans), is_wrapped)


def _span(parts: Sequence[str], style: Style | None) -> Span:
    text = "".join(parts)
    if not text.isprintable():
        text = "".join(shown_character(ord(character)) for character in text)
    return Span(text, len(parts), look_of(style) if style is not None else None)


@lru_cache(maxsize=4096)
def look_of(style: Style) -> CellStyle | None:
    """None for the default style."""
    underline: Underline = _UNDERLINES[style.underline_style] if style.underline else 0
    link = style.hyperlink or ""
    look = CellStyle(
        _color(style.fg),
        _color(style.bg),
        sum(bit for name, bit in _FLAGS if getattr(style, name)),
        underline,
        _color(style.underline_color),
        link if len(link) <= MOST_LINK and link.isprintable() else "",
    )
    return look if look != CellStyle() else None


def _color(color: Color | None) -> int:
    if color is None or color.value is None:
        return DEFAULT_COLOR
    if isinstance(color.value, tuple):
        red, green, blue = color.value
        return RGB + int(red << 16 | green << 8 | blue)
    return int(color.value) if 0 <= color.value < 256 else DEFAULT_COLOR
