"""A recording as an animated SVG: no script; what does not animate shows the last screen."""

from __future__ import annotations

from collections import defaultdict
from html import escape

from codeexec.documents.recordings.blocks import BLOCKS
from codeexec.documents.recordings.looks import Look, Looks
from codeexec.documents.recordings.model import Marker, RecordingInfo, ScreenFrame
from codeexec.domain.errors import UsageError
from codeexec.domain.terminals import TerminalRow
from codeexec.domain.text.printable import printable

CELL_WIDTH, CELL_HEIGHT = 8, 17
_FONT_SIZE = 13.3
_BASE = 13
_NO_BREAK = "\N{NO-BREAK SPACE}"
"""A space that is not left out at the beginning of a text, nor joined with the next one."""
_AT_END = 3.0
"""Seconds for which the last screen stands still before it begins again."""
MOST_USES = 200_000
"""Rows on all screens; more of them no browser draws in time."""


class SvgWriter:
    """A `RecordingWriter`. Rows that come and go at the same time are one group, which is visible
    for so long; each row is drawn once."""

    def __init__(self, info: RecordingInfo) -> None:
        self._info = info
        self._looks = Looks(info.colors)
        self._numbers: dict[TerminalRow, int] = {}
        self._rows: list[str] = []
        self._shown: dict[int, tuple[float, int]] = {}
        """By place on screen: since when, and the number of the row."""
        self._groups: defaultdict[tuple[float, float], list[tuple[int, int]]] = defaultdict(list)
        self._uses = 0

    def write(self, frame: ScreenFrame) -> None:
        for place, row in frame.changed.items():
            self._hide(place, frame.at)
            if row.spans:
                self._shown[place] = frame.at, self._row(row)

    def mark(self, marker: Marker) -> None:
        """It has no markers."""

    def _hide(self, place: int, end: float) -> None:
        begin, number = self._shown.pop(place, (end, 0))
        if end > begin:
            self._groups[begin, end].append((place, number))
            self._uses += 1
            if self._uses > MOST_USES:
                raise UsageError(
                    "The recording is too long for an SVG.",
                    "Take a part of it (--from, --to), or write HTML or GIF.",
                )

    def _row(self, row: TerminalRow) -> int:
        number = self._numbers.get(row)
        if number is None:
            number = self._numbers[row] = len(self._rows)
            self._rows.append(f'<g id="r{number}">{self._drawn(row)}</g>')
        return number

    def _drawn(self, row: TerminalRow) -> str:
        pieces: list[str] = []
        column = 0
        for span in row.spans:
            look = self._looks.look(span.style)
            x, width = column * CELL_WIDTH, span.cells * CELL_WIDTH
            if look.background is not None:
                pieces.append(_rectangle(x, 0, width, CELL_HEIGHT, look.background))
            pieces.append(_text(printable(span.text), x, width, look, span.cells))
            column += span.cells
        return "".join(pieces)

    def finish(self, end: float) -> bytes:
        total = end + _AT_END
        for place in list(self._shown):
            self._hide(place, total)
        width = self._info.columns * CELL_WIDTH
        height = self._info.rows * CELL_HEIGHT
        title = escape(printable(self._info.title))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-size="{_FONT_SIZE}" font-family="ui-monospace,'
            'Menlo,DejaVu Sans Mono,Consolas,monospace">'
            f"<title>{title}</title><defs>{''.join(self._rows)}</defs>",
            f'<rect width="{width}" height="{height}" fill="#{self._looks.background:06x}">'
            f'<animate id="m" attributeName="x" from="0" to="0" begin="0s;m.end" dur="{total:.3f}s"'
            "/></rect>",
            f'<g fill="#{self._looks.foreground:06x}">',
        ]
        parts += [self._group(begin, stop, total) for begin, stop in sorted(self._groups)]
        return "".join([*parts, "</g></svg>\n"]).encode("utf-8", "replace")

    def _group(self, begin: float, stop: float, total: float) -> str:
        uses = "".join(
            f'<use href="#r{number}" y="{place * CELL_HEIGHT}"/>'
            for place, number in self._groups[begin, stop]
        )
        if stop >= total:
            hidden = (
                f'<set attributeName="visibility" to="hidden" begin="m.begin" dur="{begin:.3f}s"/>'
            )
            return f"<g>{hidden if begin > 0 else ''}{uses}</g>"
        return (
            f'<g visibility="hidden"><set attributeName="visibility" to="visible" '
            f'begin="m.begin+{begin:.3f}s" dur="{stop - begin:.3f}s"/>{uses}</g>'
        )


def _rectangle(x: float, y: float, width: float, height: float, color: int) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="#{color:06x}" '
        'shape-rendering="crispEdges"/>'
    )


def _text(text: str, x: int, width: int, look: Look, cells: int) -> str:
    """The text of a span; block elements are drawn as rectangles."""
    pieces: list[str] = []
    if len(text) == cells:
        letters = list(text)
        for number, letter in enumerate(letters):
            for left, top, wide, high in BLOCKS.get(letter, ()):
                pieces.append(
                    _rectangle(
                        x + (number + left) * CELL_WIDTH,
                        top * CELL_HEIGHT,
                        wide * CELL_WIDTH,
                        high * CELL_HEIGHT,
                        look.foreground,
                    )
                )
                letters[number] = " "
        text = "".join(letters)
    if not text.strip(" "):
        return "".join(pieces)
    attributes = f' fill="#{look.foreground:06x}"'
    attributes += ' font-weight="bold"' if look.bold else ""
    attributes += ' font-style="italic"' if look.italic else ""
    lines = [
        word
        for word, is_on in (("underline", look.underline), ("line-through", look.strike))
        if is_on
    ]
    attributes += f' text-decoration="{" ".join(lines)}"' if lines else ""
    pieces.append(
        f'<text x="{x}" y="{_BASE}" textLength="{width}" lengthAdjust="spacingAndGlyphs"'
        f"{attributes}>{escape(text.replace(' ', _NO_BREAK))}</text>"
    )
    return "".join(pieces)
