"""Painted lines as rows of cells, which recordings are made of."""

from __future__ import annotations

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.color import ColorType
from rich.style import Style
from textual.strip import Strip

from codeexec.documents.recordings.model import ColorScheme
from codeexec.domain.terminals import (
    BOLD,
    DEFAULT_COLOR,
    DIM,
    ITALIC,
    OVERLINE,
    REVERSE,
    RGB,
    STRIKE,
    CellStyle,
    Span,
    TerminalRow,
)
from codeexec.tui.render.plain import without_controls
from codeexec.tui.theme.theme import Theme

_KEPT_ROWS = 1000


def color_scheme(theme: Theme) -> ColorScheme:
    """The colours of a theme, as recordings name them."""
    palette = tuple(color.hex for color in theme.ansi)
    return ColorScheme(theme.color("text"), theme.color("surface"), palette)


class CellRows:
    """Makes rows of cells in the colours of one scheme: its own two are the default ones."""

    def __init__(self, colors: ColorScheme) -> None:
        self._foreground = RGB + int(colors.foreground[1:], 16)
        self._background = RGB + int(colors.background[1:], 16)
        self._styles: dict[Style, CellStyle | None] = {}
        self._rows: dict[int, tuple[Strip, TerminalRow]] = {}
        """By identity of the line, which is held so that no other has that."""

    def row(self, strip: Strip) -> TerminalRow:
        """The cells of a line; nothing in them acts on a terminal."""
        known = self._rows.get(id(strip))
        if known is not None:
            return known[1]
        if len(self._rows) >= _KEPT_ROWS:
            self._rows.clear()
        row = self._made_row(strip)
        self._rows[id(strip)] = strip, row
        return row

    def _made_row(self, strip: Strip) -> TerminalRow:
        texts: list[str] = []
        styles: list[CellStyle | None] = []
        for text, style, control in without_controls(strip):
            if control is not None or not text:
                continue
            cell_style = self._cell_style(style) if style is not None else None
            if styles and styles[-1] == cell_style:
                texts[-1] += text
            else:
                texts.append(text)
                styles.append(cell_style)
        while styles and styles[-1] is None:
            texts[-1] = texts[-1].rstrip(" ")
            if texts[-1]:
                break
            texts.pop()
            styles.pop()
        spans = zip(texts, styles, strict=True)
        return TerminalRow(tuple(Span(text, cell_len(text), style) for text, style in spans))

    def _cell_style(self, style: Style) -> CellStyle | None:
        if style not in self._styles:
            self._styles[style] = self._made(style)
        return self._styles[style]

    def _made(self, style: Style) -> CellStyle | None:
        flags = 0
        for is_on, flag in (
            (style.bold, BOLD),
            (style.dim, DIM),
            (style.italic, ITALIC),
            (style.reverse, REVERSE),
            (style.strike, STRIKE),
            (style.overline, OVERLINE),
        ):
            flags |= flag if is_on else 0
        foreground, background = _number(style.color), _number(style.bgcolor)
        made = CellStyle(
            DEFAULT_COLOR if foreground == self._foreground else foreground,
            DEFAULT_COLOR if background == self._background else background,
            flags,
            2 if style.underline2 else 1 if style.underline else 0,
            link=style.link or "",
        )
        return None if made == CellStyle() else made


def _number(color: RichColor | None) -> int:
    """A colour as cells have it."""
    if color is None or color.type is ColorType.DEFAULT:
        return DEFAULT_COLOR
    if color.triplet is not None:
        red, green, blue = color.triplet
        return RGB + (red << 16 | green << 8 | blue)
    return color.number if color.number is not None else DEFAULT_COLOR
