"""State of one editor without a screen: selection and rows, on a text that may be shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codeexec.documents.model import CellKind
from codeexec.domain.errors import NotFound
from codeexec.languages.catalog import by_name, text
from codeexec.tui.panes.editor.text.shared_text import SharedText, moved
from codeexec.tui.panes.editor.text.text import ORIGIN, Location, Selection, TextChange, end_of
from codeexec.tui.panes.editor.text.wrapping import RowMap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codeexec.documents.model import Cell
    from codeexec.languages.model import Language
    from codeexec.tui.panes.editor.text.history import UndoStep


class ForeignCell(NamedTuple):
    """Lines `start` to `end` (not included), the first of which is the separator; `name` is another
    one for another cell, or another language."""

    start: int
    end: int
    name: str


Edit = tuple[Location, Location, str]
"""Put a text in place of what is between two places."""


class EditorModel:
    """Every change goes through `edit`, `undo` or `redo`, and is told to the `listeners`."""

    def __init__(self, content: str, language: Language, shared: SharedText | None = None) -> None:
        """With `shared`, a second view of that text: `content` is not looked at."""
        self.language = language
        self.tab = language.tab_width
        self.shared = shared or SharedText(content, language)
        self.buffer = self.shared.buffer
        self.history = self.shared.history
        self.cells = self.shared.cells
        self.selection = Selection.at(ORIGIN)
        self.rows = RowMap(self.buffer.lines, self.tab)
        self.goal_cell: int | None = None
        """The cell that moving up and down aims at, over shorter lines."""
        self.listeners: list[Callable[[TextChange], None]] = []
        self.on_settled: Callable[[], None] | None = None
        """Called after another view of the text has changed it."""
        self.shared.views.append(self)

    def second_view(self) -> EditorModel:
        """Another view of the same text and history, with a caret of its own; `close` ends it."""
        return EditorModel("", self.language, self.shared)

    def close(self) -> None:
        """Follow the text no more."""
        if self in self.shared.views:
            self.shared.views.remove(self)

    @property
    def read_only(self) -> bool:
        return self.shared.read_only

    @read_only.setter
    def read_only(self, read_only: bool) -> None:
        self.shared.read_only = read_only

    @property
    def lines(self) -> list[str]:
        return self.buffer.lines

    @property
    def cursor(self) -> Location:
        return self.selection.cursor

    @property
    def code_language(self) -> Language:
        """The language of the cells: that of the fences of a Markdown file, or of the text."""
        return by_name(self.cells.language) if self.cells.language else self.language

    @property
    def language_here(self) -> Language:
        """The language of what is written at the cursor; before the mark that closes a fence that
        of the code."""
        line, column = self.cursor
        index = self.cells.at(line)
        is_foot = column > 0 and self.cells.is_foot(line)
        if self.cells.separator_at(line) is not None or is_foot:
            return self.language
        return self.language_of(index) if self.cells.kind(index) is CellKind.CODE else self.language

    def language_of(self, index: int) -> Language:
        """The language of the code in cell `index`; that of text where the catalog has none."""
        form = self.cells.form(index)
        return self.code_language if form.is_commented else self.named_language(form.language)

    def named_language(self, name: str) -> Language:
        """The language that a cell names; empty: that of the cells."""
        if not name:
            return self.code_language
        try:
            language = by_name(name)
        except NotFound:
            language = text()
        return language if self.language.pairs else language._replace(pairs=())

    def foreign_cells(self) -> list[ForeignCell]:
        """The cells whose code is in another language than the text around it, and no comment in
        that; fences of Markdown are none, as its grammar knows them."""
        cells = self.cells
        if cells.is_fenced or not cells.has_languages:
            return []
        forms = ((index, cells.form(index)) for index in range(len(cells)))
        return [
            ForeignCell(*cells.span(index), f"{cells.key(index)} {form.language}")
            for index, form in forms
            if form.language and not form.is_commented
        ]

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
        self,
        edits: Sequence[Edit],
        selection: Selection | None = None,
        kind: str = "",
        *,
        cell_keys: Sequence[str] = (),
    ) -> bool:
        """Make edits that do not overlap, in the order of the text, as one step of history.

        Afterwards `selection` holds, or else the cursor is behind the last edit, and the cells have
        `cell_keys`, where they are given. False when the text is read-only or nothing would change.
        """
        if self.read_only:
            return False
        old_selection = self.selection
        old_keys = self.cells.identity
        effective = [e for e in edits if e[0] != e[1] or e[2]]
        if effective and self._breaks_fence(effective[-1]):
            start, end, text = effective[-1]
            selection = selection or Selection.at(end_of(start, text))
            effective[-1] = start, end, f"{text}\n"
        changes = [self._apply(start, end, text) for start, end, text in reversed(effective)]
        if cell_keys:
            self.cells.rename(cell_keys)
            self.buffer.version += 1  # cells may have changed, even though no text has
        keys = (old_keys, self.cells.identity)
        if not changes and (not cell_keys or keys[0] == keys[1]):
            return False
        self.selection = selection or Selection.at(changes[0].new_end if changes else self.cursor)
        self.goal_cell = None
        self.history.record(changes, kind, old_selection, self.selection, keys)
        self.shared.settle(self)
        return True

    def _breaks_fence(self, edit: Edit) -> bool:
        """Whether text would be put before the mark that closes a fence, which then is none: the
        text is to have a line of its own, as it is typed into an empty fence."""
        start, end, text = edit
        return (
            self.cells.is_fenced
            and start == end
            and start.column == 0
            and not text.endswith("\n")
            and bool(text.strip("`~ "))
            and self.cells.is_foot(start.line)
        )

    def _apply(self, start: Location, end: Location, text: str) -> TextChange:
        return self.shared.replace(start, end, text, self)

    def follow(self, change: TextChange, *, is_own: bool) -> None:
        """The text has changed, by this view or by another one."""
        removed = change.old_end.line - change.start.line + 1
        inserted = change.new_end.line - change.start.line + 1
        self.rows.splice(change.start.line, removed, inserted)
        if not is_own:
            self.selection = Selection(*(moved(at, change) for at in self.selection))
            self.goal_cell = None
        for listener in self.listeners:
            listener(change)

    def undo(self) -> bool:
        step = None if self.read_only else self.history.undo()
        if step is None:
            return False
        for change in reversed(step.changes):
            self._apply(change.start, change.new_end, change.removed)
        self._restore_keys(step, step.keys_before)
        self.selection = step.before
        self.goal_cell = None
        self.shared.settle(self)
        return True

    def redo(self) -> bool:
        step = None if self.read_only else self.history.redo()
        if step is None:
            return False
        for change in step.changes:
            self._apply(change.start, change.old_end, change.inserted)
        self._restore_keys(step, step.keys_after)
        self.selection = step.after
        self.goal_cell = None
        self.shared.settle(self)
        return True

    def _restore_keys(self, step: UndoStep, keys: tuple[str, ...]) -> None:
        """A cell that comes back is the cell that it was."""
        if step.keys_before is not step.keys_after:
            self.cells.restore(keys)
            self.buffer.version += 1

    def cell(self, index: int | None = None) -> Cell:
        """A cell by index; without one, the cell that the cursor is in."""
        at = self.cells.at(self.cursor.line) if index is None else index
        return self.cells.cell(at, self.buffer.lines)

    def all_cells(self) -> tuple[Cell, ...]:
        """The cells of the text as it is now."""
        return self.cells.cells(self.buffer.lines)

    def line_range(self) -> tuple[int, int]:
        """First and last line of the selection; a line only touched by its end is left out."""
        start, end = self.selection.start, self.selection.end
        last = end.line - 1 if end.column == 0 and end.line > start.line else end.line
        return start.line, last
