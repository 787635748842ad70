"""Rows of the outline: an entry with the run state of its cell, filtered by what is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from codeexec.documents.outline import OutlineEntry, OutlineKind
from codeexec.tui.panes.editor.marks import GLYPHS, CellMark, CellState
from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.widgets.row_list import Ink, Pieces

_INKS: dict[CellState, Ink] = {
    CellState.OK: "ok",
    CellState.FAILED: "error",
    CellState.RUNNING: "accent",
    CellState.EDITED: "warn",
    CellState.LOST: "warn",
}
"""Colours of the states that are news; the others are quiet."""

_DEFINITIONS = {"class": "C", "module": "M", "interface": "I", "struct": "S", "enum": "E"}


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """An entry; `is_current` where the cursor of the editor is in it."""

    entry: OutlineEntry
    state: CellState | None = None
    is_current: bool = False
    is_flat: bool = False

    def pieces(self, width: int) -> Pieces:
        entry = self.entry
        depth = 0 if self.is_flat else entry.depth
        indent = "  " * min(depth, max((width - 12) // 2, 0))
        glyph, ink = self._mark()
        title = fitted(one_line(entry.title), max(width - len(indent) - 2, 1))
        is_heading = entry.kind is OutlineKind.HEADING
        title_ink: Ink = "accent" if self.is_current else "title" if is_heading else "text"
        return [(indent, "muted"), (f"{glyph} ", ink), (title, title_ink)]

    def _mark(self) -> tuple[str, Ink]:
        match self.entry.kind:
            case OutlineKind.HEADING:
                return "#", "muted"
            case OutlineKind.PROSE:
                return "¶", "muted"
            case OutlineKind.DEFINITION:
                return _DEFINITIONS.get(self.entry.detail, "ƒ"), "muted"
            case _:
                if self.state is None:
                    return "▷", "muted"
                return GLYPHS[self.state], _INKS.get(self.state, "muted")


def outline_rows(
    entries: Iterable[OutlineEntry],
    mark_of: Callable[[str], CellMark | None],
    current: int | None,
    typed: str,
) -> list[OutlineRow]:
    """The entries whose titles hold every word that was typed, all of them with nothing typed."""
    tokens = typed.casefold().split()
    rows = []
    for place, entry in enumerate(entries):
        if all(word in entry.title.casefold() for word in tokens):
            mark = mark_of(entry.cell) if entry.kind is OutlineKind.CELL else None
            state = mark.state if mark is not None else None
            rows.append(OutlineRow(entry, state, place == current, bool(tokens)))
    return rows
