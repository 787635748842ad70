"""The state of one editor without a screen: text, selection, history, cells and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.documents.percent import CellIndex
from codeexec.tui.widgets.editor.history import History
from codeexec.tui.widgets.editor.text import ORIGIN, Change, Location, Selection, TextBuffer
from codeexec.tui.widgets.editor.wrapping import RowMap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codeexec.documents.model import Cell
    from codeexec.languages.model import Language

Edit = tuple[Location, Location, str]
"""Put a text in place of what is between two places."""


class EditorModel:
    """Every change goes through `edit`, `undo` or `redo`, and is told to the `listeners`."""

    def __init__(self, text: str, language: Language) -> None:
        self.language = language
        self.tab = language.tab_width
        self.buffer = TextBuffer(text)
        self.selection = Selection.at(ORIGIN)
        self.history = History()
        self.cells = CellIndex(self.buffer.lines, language.comment)
        self.rows = RowMap(self.buffer.lines, self.tab)
        self.read_only = False
        self.goal_cell: int | None = None
        """The cell that moving up and down aims at, over shorter lines."""
        self.listeners: list[Callable[[Change], None]] = []

    @property
    def lines(self) -> list[str]:
        return self.buffer.lines

    @property
    def cursor(self) -> Location:
        return self.selection.cursor

    @property
    def line(self) -> str:
        """The line that the cursor is on."""
        return self.buffer.lines[self.selection.cursor.line]

    @property
    def selected_text(self) -> str:
        return self.buffer.text(self.selection.start, self.selection.end)

    def select(self, anchor: Location, cursor: Location | None = None) -> None:
        """Move the selection; with one place, the cursor."""
        anchor = self.buffer.clamp(anchor)
        cursor = anchor if cursor is None else self.buffer.clamp(cursor)
        if (anchor, cursor) != self.selection:
            self.history.close()
            self.selection = Selection(anchor, cursor)
        self.goal_cell = None

    def edit(
        self, edits: Sequence[Edit], selection: Selection | None = None, kind: str = ""
    ) -> bool:
        """Make edits that do not overlap, in the order of the text, as one step of history.

        Afterwards `selection` holds, or else the cursor is behind the last edit. False when
        the text is read-only or nothing would change.
        """
        if self.read_only:
            return False
        before = self.selection
        wanted = [e for e in edits if e[0] != e[1] or e[2]]
        changes = [self._apply(start, end, text) for start, end, text in reversed(wanted)]
        if not changes:
            return False
        self.selection = selection or Selection.at(changes[0].new_end)
        self.goal_cell = None
        self.history.record(changes, kind, before, self.selection)
        return True

    def _apply(self, start: Location, end: Location, text: str) -> Change:
        at_line_end = start.column == len(self.buffer.lines[start.line])
        change = self.buffer.replace(start, end, text)
        first, removed = start.line, end.line - start.line + 1
        inserted = change.new_end.line - start.line + 1
        # A separator that stays as it was keeps its cell: lines put before it have it last, those
        # put after it first.
        above = int(at_line_end and text.startswith("\n"))
        below = int(not above and start.column == end.column == change.new_end.column == 0)
        fresh = self.buffer.lines[first + above : first + inserted - below]
        self.cells.splice(first + above, removed - above - below, fresh)
        self.rows.splice(first, removed, inserted)
        for listener in self.listeners:
            listener(change)
        return change

    def undo(self) -> bool:
        step = None if self.read_only else self.history.undo()
        if step is None:
            return False
        for change in reversed(step.changes):
            self._apply(change.start, change.new_end, change.removed)
        self.selection = step.before
        self.goal_cell = None
        return True

    def redo(self) -> bool:
        step = None if self.read_only else self.history.redo()
        if step is None:
            return False
        for change in step.changes:
            self._apply(change.start, change.old_end, change.inserted)
        self.selection = step.after
        self.goal_cell = None
        return True

    def cell(self, index: int | None = None) -> Cell:
        """A cell by index; without one, the cell that the cursor is in."""
        at = self.cells.at(self.cursor.line) if index is None else index
        return self.cells.cell(at, self.buffer.lines)

    def line_range(self) -> tuple[int, int]:
        """First and last line of the selection; a line only touched by its end is left out."""
        start, end = self.selection.start, self.selection.end
        last = end.line - 1 if end.column == 0 and end.line > start.line else end.line
        return start.line, last
