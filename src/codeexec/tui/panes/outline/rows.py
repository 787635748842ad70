"""Rows of the outline: an entry with the run state of its cell, filtered by what is typed."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
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
    hidden: int = 0
    """Entries below it that are folded away."""

    def pieces(self, width: int) -> Pieces:
        entry = self.entry
        depth = 0 if self.is_flat else entry.depth
        indent = "  " * min(depth, max((width - 12) // 2, 0))
        glyph, ink = self._mark()
        count = f" +{self.hidden}" if self.hidden else ""
        room = max(width - len(indent) - 2 - len(count), 1)
        title = fitted(one_line(entry.title), room)
        is_heading = entry.kind is OutlineKind.HEADING
        title_ink: Ink = "accent" if self.is_current else "title" if is_heading else "text"
        pieces: Pieces = [(indent, "muted"), (f"{glyph} ", ink), (title, title_ink)]
        return [*pieces, (count, "muted")] if count else pieces

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


FoldKey = tuple[str, str, OutlineKind]
"""What identifies an entry while the text is edited: its cell, title and kind."""


def fold_key(entry: OutlineEntry) -> FoldKey:
    return entry.cell, entry.title, entry.kind


def outline_rows(
    entries: Sequence[OutlineEntry],
    mark_of: Callable[[str], CellMark | None],
    current: int | None,
    typed: str,
    folded: Container[FoldKey] = (),
) -> list[OutlineRow]:
    """The entries whose titles hold every word that was typed; with nothing typed all of them but
    those below `folded` ones, the outermost of which stands for the current one in it."""
    tokens = typed.casefold().split()
    rows = []
    place = 0
    while place < len(entries):
        entry, end = entries[place], place + 1
        if all(word in entry.title.casefold() for word in tokens):
            if not tokens and fold_key(entry) in folded:
                end = end_of_entry(entries, place)
            mark = mark_of(entry.cell) if entry.kind is OutlineKind.CELL else None
            state = mark.state if mark is not None else None
            is_current = current is not None and place <= current < end
            rows.append(OutlineRow(entry, state, is_current, bool(tokens), end - place - 1))
        place = end
    return rows


def end_of_entry(entries: Sequence[OutlineEntry], place: int) -> int:
    """The place after the last entry that is below the one at `place`."""
    depth = entries[place].depth
    after = range(place + 1, len(entries))
    return next((other for other in after if entries[other].depth <= depth), len(entries))


def entry_to_fold(entries: Sequence[OutlineEntry], place: int) -> OutlineEntry | None:
    """The entry itself if others are below it, else the one that it is below; None if neither."""
    if end_of_entry(entries, place) > place + 1:
        return entries[place]
    above = reversed(entries[:place])
    return next((entry for entry in above if entry.depth < entries[place].depth), None)
