"""Popup boxes over the code: completions and their layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from codeexec.tui.panes.editor.docs import Docs
from codeexec.tui.render.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeexec.tui.panes.editor.marks import CompletionItem
    from codeexec.tui.panes.editor.styles import EditorStyles
    from codeexec.tui.panes.editor.text.text import Location

_ROWS = 8
_TAKE_KEY = "Tab"
"""Named in the first row of a list that Enter does not accept from."""


@dataclass(slots=True)
class CompletionList:
    """Completions of the word that begins at `start`, filtered by what of it is typed.

    Enter takes the current one when `is_picked`: after a key that moves in the list, or from the
    beginning with `enter_accepts`.
    """

    items: Sequence[CompletionItem]
    start: Location
    enter_accepts: bool = False
    is_picked: bool = False
    typed: str = ""
    chosen: int = 0
    top: int = 0
    matching: list[CompletionItem] = field(default_factory=list)

    def filter(self, typed: str) -> bool:
        """Keep those that begin with `typed`, then those that only hold it; False if none."""
        self.typed = typed
        low = typed.lower()
        begins = [item for item in self.items if item.text.lower().startswith(low)]
        holding = [item for item in self.items if low in item.text.lower()] if low else []
        self.matching = begins + [item for item in holding if item not in begins]
        self.chosen = self.top = 0
        self.is_picked = self.enter_accepts
        return bool(self.matching) and [item.text for item in self.matching] != [typed]

    @property
    def page(self) -> int:
        return _ROWS

    def move(self, step: int) -> None:
        self.is_picked = True
        self.chosen = (self.chosen + step) % len(self.matching)
        self.top = min(max(self.top, self.chosen - _ROWS + 1), self.chosen)

    @property
    def current(self) -> CompletionItem:
        return self.matching[self.chosen]

    def rows(self, width: int, styles: EditorStyles) -> list[Strip]:
        """The box, at most `width` cells wide."""
        visible = [
            (one_line(item.text), one_line(item.detail))
            for item in self.matching[self.top : self.top + _ROWS]
        ]
        if not self.is_picked:
            name, detail = visible[0]
            visible[0] = (name, f"{detail}  {_TAKE_KEY}".strip())
        names = max(cell_len(name) for name, _ in visible)
        details = max(cell_len(detail) for _, detail in visible)
        names = min(names, max(4, width - 2))
        details = min(details, max(0, width - names - 4))
        strips = []
        for number, (name, detail) in enumerate(visible, self.top):
            is_current = self.is_picked and number == self.chosen
            style = styles("text", "popup.current" if is_current else "popup")
            quiet = style if is_current else styles("text", "popup.muted")
            segments = [Segment(f" {set_cell_size(name, names)} ", style)]
            if details:
                segments.append(Segment(f"{set_cell_size(detail, details)} ", quiet))
            strips.append(Strip(segments))
        return strips


Popup = CompletionList | Docs


@dataclass(frozen=True, slots=True)
class Placed:
    """A popup where it is drawn: cells and rows from the top left corner of the widget."""

    x: int
    y: int
    rows: tuple[Strip, ...]

    def over(self, strip: Strip, y: int) -> Strip:
        """Row `y` of the widget with its part of the popup."""
        if not self.y <= y < self.y + len(self.rows):
            return strip
        mine = self.rows[y - self.y]
        return Strip.join([strip.crop(0, self.x), mine, strip.crop(self.x + mine.cell_length)])

    def row_at(self, x: int, y: int) -> int | None:
        """Which row of the popup is at a place of the widget."""
        inside = self.y <= y < self.y + len(self.rows)
        inside = inside and self.x <= x < self.x + self.rows[0].cell_length
        return y - self.y if inside else None


def place(popup: Popup, x: int, y: int, size: tuple[int, int], styles: EditorStyles) -> Placed:
    """Put a popup below the cell at `x`, `y`, above it where there is more room."""
    width, height = size
    below = height - y - 1
    if isinstance(popup, Docs):
        popup.room = max(below, y)
    rows = popup.rows(width, styles)
    if len(rows) <= below or below >= y:
        rows = rows[: max(0, below)]
        top = y + 1
    else:
        rows = rows[:y]
        top = y - len(rows)
    wide = max((row.cell_length for row in rows), default=0)
    return Placed(max(0, min(x, width - wide)), top, tuple(rows))
