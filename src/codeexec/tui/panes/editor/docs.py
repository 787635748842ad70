"""Popup box with documentation of the name under the cursor."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from codeexec.domain.text.printable import printable
from codeexec.tui.render.ansi import wrap_words
from codeexec.tui.render.plain import fitted
from codeexec.tui.render.sgr import BOLD, PLAIN, Sgr, apply

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.styles import EditorStyles

_WIDEST = 100
"""Cells of a line of prose that the eye still follows."""

_SGR = re.compile(r"\x1b\[([0-9;:]*)m", re.ASCII)
_HEADING = re.compile(r"[A-Z][a-z]+( [a-z]+)?:(?=\s|$)")
"""As the parts of IPython's documentation begin: `Signature:`, `Docstring:`, `Init docstring:`."""

_INKS = {
    1: "syntax.keyword",
    2: "syntax.string",
    3: "syntax.constant",
    4: "syntax.function",
    5: "syntax.number",
    6: "syntax.type",
}
"""Meanings for the eight colours in which kernels paint documentation."""


@dataclass(slots=True)
class Docs:
    """`text` may hold SGR. `room` is how many rows there are for it, which `place` says."""

    text: str
    top: int = 0
    room: int = 8
    _page: int = field(default=8, init=False)
    _count: int = field(default=0, init=False)

    @property
    def page(self) -> int:
        """Rows by which a page key scrolls."""
        return max(self._page - 1, 1)

    def move(self, step: int) -> None:
        """Scroll by so many rows."""
        self.top = min(max(self.top + step, 0), max(self._count - self._page, 0))

    def rows(self, width: int, styles: EditorStyles) -> list[Strip]:
        """The box, at most `width` cells wide; its last row says how to see the rest."""
        inner = min(max(width - 2, 4), _WIDEST)
        lines = [row for line in _painted(self.text, styles) for row in wrap_words(line, inner)]
        self._count = len(lines)
        overflows = len(lines) > self.room
        self._page = max(self.room - 1, 1) if overflows else len(lines)
        self.move(0)
        footer = f"PgUp PgDn  {self.top + self._page}/{len(lines)}" if overflows else ""
        size = min(max(cell_len(footer), *(line.cell_length for line in lines)), inner)
        ground = styles("text", "popup")
        blank = Segment(" ", ground)
        strips = [
            Strip([blank, *line.adjust_cell_length(size, ground), blank])
            for line in lines[self.top : self.top + self._page]
        ]
        if overflows and self.room > 1:
            label = fitted(footer, size).rjust(size)
            strips.append(Strip([blank, Segment(label, styles("text", "popup.muted")), blank]))
        return strips


def _painted(text: str, styles: EditorStyles) -> list[list[Segment]]:
    """The lines in the colours that the kernel asks for, or with their headings made out."""
    has_colors = _SGR.search(text) is not None
    pen = PLAIN
    painted = []
    for line in text.expandtabs(4).strip("\n").split("\n"):
        segments: list[Segment] = []
        heading = None if has_colors else _HEADING.match(line)
        if heading is not None:
            segments.append(Segment(heading[0], styles("text", "popup", "syntax.keyword")))
            line = line[heading.end() :]
        for number, part in enumerate(_SGR.split(line)):
            if number % 2:
                pen = apply(pen, part)
            elif part:
                segments.append(Segment(printable(part), styles(*_names(pen))))
        painted.append(segments)
    return painted


def _names(pen: Sgr) -> tuple[str, ...]:
    ink = _INKS.get(pen.color % 8, "") if isinstance(pen.color, int) and pen.color < 16 else ""
    if not ink and pen.flags & BOLD:
        ink = "syntax.keyword"
    return ("text", "popup", ink)
