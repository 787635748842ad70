"""Paint rows of a terminal in the colours of a theme: cells, selection, matches and cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.domain.terminals import (
    BLINK,
    BOLD,
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
from codeexec.tui.panes.terminal.cells import CellRun, cell_at, cut, pieces
from codeexec.tui.panes.terminal.places import is_of_web
from codeexec.tui.render import sgr
from codeexec.tui.render.ansi import AnsiPainter
from codeexec.tui.render.sgr import Paint, Sgr
from codeexec.tui.textual_ext.underlines import with_underline
from codeexec.tui.theme.colors import Color, farthest, readable
from codeexec.tui.theme.theme import Theme
from codeexec.tui.theme.tokens import ansi_contrast

_FLAGS = (
    (BOLD, sgr.BOLD),
    (DIM, sgr.DIM),
    (ITALIC, sgr.ITALIC),
    (REVERSE, sgr.REVERSE),
    (HIDDEN, sgr.CONCEAL),
    (STRIKE, sgr.STRIKE),
)
_REMEMBERED = 4096
_BAR = "▏"


@dataclass(frozen=True, slots=True)
class Highlight:
    """Columns of a row that are painted in a meaning of the theme over their own colours."""

    start: int
    end: int
    meaning: str


class CellPainter:
    """Knows one theme; make a new one when the theme changes."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._ansi = AnsiPainter(theme)
        self._styles: dict[CellStyle, Style] = {}
        self._text = Color.parse(theme.color("text"))
        self._surface = Color.parse(theme.color("surface"))
        self._plain = self._ansi.style(sgr.PLAIN)

    def strip(self, row: TerminalRow, width: int, highlights: Sequence[Highlight] = ()) -> Strip:
        """The first `width` columns of a row."""
        segments: list[Segment] = []
        column = 0
        for piece in pieces(row):
            if piece.column >= width:
                break
            if piece.end > width:
                piece = cut(piece, 0, width) or piece
            segments.append(Segment(piece.text, self.style(piece.style)))
            column = piece.end
        if column < width:
            segments.append(Segment(" " * (width - column), self._plain))
        strip = Strip(segments, width)
        for highlight in highlights:
            strip = self._highlighted(strip, width, highlight)
        return strip

    def with_cursor(
        self, strip: Strip, row: TerminalRow, column: int, shape: str, *, is_lit: bool
    ) -> Strip:
        """The strip with the cursor of the program on the character of a column; `is_lit` where
        keys go to the program."""
        width = strip.cell_length
        if not 0 <= column < width:
            return strip
        piece = cell_at(row, column)
        end = min(piece.end, width)
        cell = strip.crop(piece.column, end)
        return Strip.join(
            [
                strip.crop(0, piece.column),
                self._cursor_cell(cell, piece, shape, is_lit=is_lit),
                strip.crop(end, width),
            ]
        )

    def _cursor_cell(self, cell: Strip, piece: CellRun, shape: str, *, is_lit: bool) -> Strip:
        look = self.theme.style("cursor" if is_lit else "cursor.blurred")
        if not is_lit or shape == "block":
            return _restyled(cell, look)
        if shape == "underline":
            accent = Style(color=look.bgcolor, underline=True)
            return _restyled(cell, accent)
        if piece.text.isspace():
            style = self.style(piece.style) + Style(color=look.bgcolor)
            return Strip([Segment(_BAR.ljust(cell.cell_length), style)], cell.cell_length)
        return _restyled(cell, self.theme.style("cursor.blurred") + Style(bold=True))

    def _highlighted(self, strip: Strip, width: int, highlight: Highlight) -> Strip:
        start, end = max(highlight.start, 0), min(highlight.end, width)
        if start >= end:
            return strip
        middle = _restyled(strip.crop(start, end), self.theme.style(highlight.meaning))
        return Strip.join([strip.crop(0, start), middle, strip.crop(end, width)])

    def style(self, cell_style: CellStyle | None) -> Style:
        """How cells of that style look in this theme."""
        if cell_style is None:
            return self._plain
        style = self._styles.get(cell_style)
        if style is None:
            if len(self._styles) >= _REMEMBERED:
                self._styles.clear()
            style = self._styles[cell_style] = self._make_style(cell_style)
        return style

    def _make_style(self, cell_style: CellStyle) -> Style:
        flags = 0
        for flag, of_sgr in _FLAGS:
            if cell_style.flags & flag:
                flags |= of_sgr
        pen = Sgr(self._ink(cell_style), _paint(cell_style.background), flags)
        link = cell_style.link if is_of_web(cell_style.link) else ""
        style = self._ansi.style(pen, link)
        if cell_style.flags & (BLINK | OVERLINE):
            blinks, over = bool(cell_style.flags & BLINK), bool(cell_style.flags & OVERLINE)
            style += Style(blink=blinks or None, overline=over or None)
        if cell_style.underline:
            style = self._underlined(style, cell_style)
        return style

    def _ink(self, cell_style: CellStyle) -> Paint:
        """The foreground; of two colours of the theme, one that can be read on the other: which
        pairs a program may use depends on the theme, and programs expect black and yellow to."""
        ink, ground = cell_style.foreground, cell_style.background
        ansi = self.theme.ansi
        if not (0 <= ink < len(ansi) and 0 <= ground < len(ansi)) or ink == ground:
            return _paint(ink)
        toward = farthest(ansi[ground], (ansi[0], ansi[15], self._text, self._surface))
        return readable(ansi[ink], (ansi[ground],), toward, ansi_contrast(self.theme.contrast))

    def _underlined(self, style: Style, cell_style: CellStyle) -> Style:
        """The kinds and colours of underlines only for terminals with true colour: older ones take
        their codes for others."""
        if self.theme.depth != "truecolor":
            return style + Style(underline=True)
        color = self._ansi.color(_paint(cell_style.underline_color))
        return with_underline(style, cell_style.underline, color)


def _paint(number: int) -> Paint:
    if number < 0:
        return None
    if number < RGB:
        return number
    return Color((number >> 16) & 0xFF, (number >> 8) & 0xFF, number & 0xFF)


def _restyled(strip: Strip, look: Style) -> Strip:
    """The same cells with another style over theirs."""
    return Strip(_with_look(strip, look), strip.cell_length)


def _with_look(strip: Iterable[Segment], look: Style) -> Iterable[Segment]:
    for text, style, control in strip:
        yield Segment(text, (style or Style()) + look, control)
