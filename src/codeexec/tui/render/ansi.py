"""Rows of program output to Textual strips, in the colours of the theme.

SGR and http(s) hyperlinks are all that a row may hold; the rest is made visible. A row is one pass
of one regular expression; pens and styles are remembered, because programs repeat themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.domain.text.printable import screen_row
from codeexec.tui.render.sgr import (
    BOLD,
    CONCEAL,
    DIM,
    ITALIC,
    PLAIN,
    REVERSE,
    STRIKE,
    UNDERLINE,
    Paint,
    Sgr,
    apply,
)
from codeexec.tui.theme.colors import Color, contrast, palette_color, readable
from codeexec.tui.theme.theme import Theme
from codeexec.tui.theme.tokens import ansi_contrast

_ESCAPE = re.compile(
    r"\x1b(?:\[([0-9;:]*)m|\]8;[^;\x07\x1b]*;([^\x07\x1b]*)(?:\x07|\x1b\\))?", re.ASCII
)
_COLUMNS = re.compile(r"[^\s.!?:;,] {2,}\S|[\t|\u2500-\u259f┃╎]")
"""Blanks between columns (two after a sentence are none), and lines between them."""

_TAB = 8
_REMEMBERED = 4096
_DIMMED = 0.35


class AnsiPainter:
    """Paints rows of text with one theme; make a new one when the theme changes."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._surface = theme.meaning("surface").ground or Color(0, 0, 0)
        self._text = Color.parse(theme.color("text"))
        self._least = ansi_contrast(theme.contrast)
        self._pens: dict[tuple[Sgr, str], Sgr] = {}
        self._styles: dict[tuple[Sgr, str, str], Style] = {}
        self._wrapped: tuple[tuple[str, int, str], list[Strip]] | None = None

    def segments(self, text: str, base: str = "stream.stdout") -> list[Segment]:
        """One row as segments; `base` is the meaning that text without colour has."""
        return self._paint(text, base, PLAIN)[0]

    def strip(self, text: str, width: int, base: str = "stream.stdout", left: int = 0) -> Strip:
        """The cells `left` to `left + width` of a row; a wide character that is cut is blank."""
        if "\x1b" not in text and text.isascii() and text.isprintable():
            visible = text[left : left + width]
            return Strip([Segment(visible, self._style(PLAIN, "", base))], len(visible))
        strip = Strip(self.segments(text, base))
        if left == 0 and strip.cell_length <= width:
            return strip
        return strip.crop(left, left + width)

    def wrapped(self, text: str, width: int, base: str = "stream.stdout") -> list[Strip]:
        """The row folded to a width in cells: at least one strip, wide characters kept whole.
        Prose is folded between words; see `fold`."""
        if "\x1b" not in text and text.isascii() and text.isprintable():
            style = self._style(PLAIN, "", base)
            return [Strip([Segment(part, style)], len(part)) for part in fold(text, width)]
        # Each line on screen of a long row asks for all of it.
        key = (text, width, base)
        if self._wrapped is None or self._wrapped[0] != key:
            self._wrapped = key, wrap_words(self.segments(text, base), width)
        return self._wrapped[1]

    def block(self, lines: Iterable[str], base: str = "stream.stdout") -> list[list[Segment]]:
        """Lines whose colours run on from one to the next, as in a traceback."""
        pen = PLAIN
        painted: list[list[Segment]] = []
        for line in lines:
            segments, pen = self._paint(line, base, pen)
            painted.append(segments)
        return painted

    def _paint(self, text: str, base: str, pen: Sgr) -> tuple[list[Segment], Sgr]:
        text = screen_row(text).replace("\n", " ")
        link = ""
        style = self._style(pen, link, base)
        if "\x1b" not in text:
            segments = [Segment(text, style)] if text else []
        else:
            segments = []
            at = 0
            for escape in _ESCAPE.finditer(text):
                start = escape.start()
                if start > at:
                    segments.append(Segment(text[at:start], style))
                at = escape.end()
                codes, address = escape.groups()
                if codes is not None:
                    pen = self._pen(pen, codes)
                elif address is not None:
                    link = address
                style = self._style(pen, link, base)
            if at < len(text):
                segments.append(Segment(text[at:], style))
        return (_expand_tabs(segments) if "\t" in text else segments), pen

    def _pen(self, pen: Sgr, codes: str) -> Sgr:
        key = (pen, codes)
        combined = self._pens.get(key)
        if combined is None:
            if len(self._pens) >= _REMEMBERED:
                self._pens.clear()
            combined = self._pens[key] = apply(pen, codes)
        return combined

    def style(self, pen: Sgr, link: str = "", base: str = "stream.stdout") -> Style:
        """The style of text in that pen; `link` is a web address, or empty."""
        return self._style(pen, link, base)

    def color(self, paint: Paint) -> Color | None:
        """The colour that a program names, as this theme has it; None for the default one."""
        return self._color(paint)

    def _style(self, pen: Sgr, link: str, base: str) -> Style:
        key = (pen, link, base)
        style = self._styles.get(key)
        if style is None:
            if len(self._styles) >= _REMEMBERED:
                self._styles.clear()
            style = self._styles[key] = self._make_style(pen, link, base)
        return style

    def _make_style(self, pen: Sgr, link: str, base: str) -> Style:
        plain = self._theme.style(base)
        if pen == PLAIN and not link:
            return plain
        if link and pen.color is None and pen.ground is None:
            base = "link"
            plain = self._theme.style(base)
        color, ground = self._colors(pen, base)
        return plain + Style(
            color=color.hex if color else None,
            bgcolor=ground.hex if ground else None,
            bold=True if pen.flags & BOLD else None,
            italic=True if pen.flags & ITALIC else None,
            underline=True if pen.flags & UNDERLINE or link else None,
            strike=True if pen.flags & STRIKE else None,
            link=link or None,
        )

    def _colors(self, pen: Sgr, base: str) -> tuple[Color | None, Color | None]:
        """What to paint with: readable where the program left one side to the terminal."""
        color, ground = self._color(pen.color), self._color(pen.ground)
        plain = Color.parse(self._theme.color(base))
        if color is not None and ground is None:
            color = readable(color, (self._surface,), self._text, self._least)
        if pen.flags & REVERSE:
            color, ground = ground or self._surface, color or plain
        elif color is None and ground is not None:
            color = max(plain, self._surface, key=lambda ink: contrast(ink, ground))
        if pen.flags & DIM:
            under = ground or self._surface
            color = readable((color or plain).mix(under, _DIMMED), (under,), plain, self._least)
        if pen.flags & CONCEAL:
            color = ground or self._surface
        return color, ground

    def _color(self, paint: Paint) -> Color | None:
        if paint is None:
            return None
        if isinstance(paint, int):
            if paint < 16:
                return self._theme.ansi[paint]
            paint = palette_color(paint)
        if self._theme.monochrome:
            grey = round(0.299 * paint.red + 0.587 * paint.green + 0.114 * paint.blue)
            return Color(grey, grey, grey)
        return paint


def is_prose(text: str) -> bool:
    """Whether a row reads as words: it has no columns, of a table or of a bar."""
    return _COLUMNS.search(text) is None


def fold(text: str, width: int) -> list[str]:
    """A row cut to lines of `width` cells that make up the row when they are put together: at
    least one. Prose is cut after blanks; other rows, and words that are too long for a line, are
    cut anywhere."""
    width = max(width, 1)
    is_plain = text.isascii() and text.isprintable()
    if len(text) <= width if is_plain else _fits(text, width):
        return [text]
    if not is_prose(text):
        return _chop(text, width, is_plain)
    lines: list[str] = []
    at = 0
    while at < len(text):
        end = at + (width if is_plain else _fitting(text[at : at + 2 * width + 1], width))
        if end < len(text):
            cut = text.rfind(" ", at + 1, end)
            if cut > at and text[at:cut].strip():
                end = cut + 1
        lines.append(text[at:end])
        at = end
    return lines or [""]


def _fits(text: str, width: int) -> bool:
    """Whether it takes at most `width` cells; the beginning of a long text tells it mostly."""
    return cell_len(text[: 2 * width + 1]) <= width and cell_len(text) <= width


def _fitting(text: str, width: int) -> int:
    """How many characters fit; one at least."""
    if text.isascii() and text.isprintable():
        return min(len(text), width)
    return len(text) if cell_len(text) <= width else max(len(_first_piece(text, width)), 1)


def _first_piece(text: str, width: int) -> str:
    """The first characters that fit into a width; empty where the first of them do not."""
    return next(iter(chop_cells(text, width)), "")


def _chop(text: str, width: int, is_plain: bool) -> list[str]:
    if is_plain:
        return [text[at : at + width] for at in range(0, max(len(text), 1), width)]
    return [strip.text for strip in wrap([Segment(text)], width)]


def wrap_words(segments: Iterable[Segment], width: int) -> list[Strip]:
    """Segments cut to lines as `fold` cuts their text."""
    parts = list(segments)
    text = "".join(part.text for part in parts)
    if not is_prose(text) or _fits(text, width):
        return wrap(parts, width)
    strips: list[Strip] = []
    number = used = 0  # the segment that is being cut, and what of it is on lines already
    for line in fold(text, width):
        row: list[Segment] = []
        remaining = len(line)
        while remaining and number < len(parts):
            piece = parts[number].text[used : used + remaining]
            row.append(Segment(piece, parts[number].style))
            remaining -= len(piece)
            used += len(piece)
            if used == len(parts[number].text):
                number, used = number + 1, 0
        strips.append(Strip(row))
    return strips


def wrap(segments: Iterable[Segment], width: int) -> list[Strip]:
    """Segments folded to a width in cells; at least one strip, wide characters kept whole."""
    width = max(width, 1)
    rows: list[Strip] = []
    row: list[Segment] = []
    used = 0
    for text, style, _ in segments:
        while text:
            if not row and width > 1:
                # All at once: row by row would measure what is left again for each of them.
                *whole, text = chop_cells(text, width) or [text]  # none where nothing has a width
                rows.extend(Strip([Segment(part, style)]) for part in whole)
            size = cell_len(text)
            if size <= width - used:
                row.append(Segment(text, style))
                used += size
                break
            head = _first_piece(text, width - used) if width > used else ""
            if not head and not row:
                head = text[0]  # a wide character in a pane of one cell: let it overflow
            if head:
                row.append(Segment(head, style))
                text = text[len(head) :]
            rows.append(Strip(row))
            row, used = [], 0
    if row or not rows:
        rows.append(Strip(row, used))
    return rows


def _expand_tabs(segments: list[Segment]) -> list[Segment]:
    column = 0
    expanded: list[Segment] = []
    for text, style, _ in segments:
        pieces = text.split("\t")
        spaced = ""
        for number, piece in enumerate(pieces):
            spaced += piece
            column += cell_len(piece)
            if number < len(pieces) - 1:
                blank = _TAB - column % _TAB
                spaced += " " * blank
                column += blank
        expanded.append(Segment(spaced, style))
    return expanded
