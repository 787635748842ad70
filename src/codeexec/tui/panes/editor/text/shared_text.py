"""Text, cells and history of a document, shared by its editors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeexec.documents.fenced.cells import FencedCells
from codeexec.documents.percent.cells import CellIndex
from codeexec.languages.catalog import running_language
from codeexec.tui.panes.editor.text.history import UndoHistory, UndoStep
from codeexec.tui.panes.editor.text.text import Location, TextBuffer, TextChange

if TYPE_CHECKING:
    from codeexec.languages.model import Language
    from codeexec.tui.panes.editor.text.model import EditorModel


@dataclass(frozen=True, slots=True)
class SpareCell:
    """An empty last cell that running the cell before it has added: `inserted` is its text, with
    the lines before it, and `step` the step of history that added it."""

    key: str
    inserted: str
    step: UndoStep


class SharedText:
    """Makes changes; each of its `views` follows them with its own rows and caret."""

    def __init__(self, text: str, language: Language) -> None:
        self.buffer = TextBuffer(text)
        self.history = UndoHistory()
        self.cells = _cells(self.buffer.lines, language)
        self.read_only = False
        self.views: list[EditorModel] = []
        self._spare: SpareCell | None = None

    def replace(self, start: Location, end: Location, text: str, by: EditorModel) -> TextChange:
        """Put `text` in place of what is between two places; `by` is the view that does so."""
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
        for view in self.views:
            view.follow(change, is_own=view is by)
        return change

    def settle(self, by: EditorModel) -> None:
        """All changes of one command are made: the other views may show them."""
        for view in self.views:
            if view is not by and view.on_settled is not None:
                view.on_settled()

    # -- the cell after the last ------------------------------------------------------------------

    def note_spare(self, inserted: str) -> None:
        """The last cell was added so that there is one to go on in; `inserted` is what was put at
        the end of the text."""
        step = self.history.last
        if step is not None:
            self._spare = SpareCell(self.cells.key(len(self.cells) - 1), inserted, step)

    @property
    def spare(self) -> SpareCell | None:
        """The spare cell while it is the last, and nothing was written into it."""
        spare = self._spare
        if spare is None or self.cells.key(len(self.cells) - 1) != spare.key:
            return None
        lines = self.buffer.lines
        tail = spare.inserted.split("\n")
        if len(lines) < len(tail) or lines[1 - len(tail) :] != tail[1:]:
            return None
        return spare if lines[-len(tail)].endswith(tail[0]) else None

    @property
    def to_save(self) -> str:
        """The text without a spare cell."""
        text = self.buffer.text()
        spare = self.spare
        return text.removesuffix(spare.inserted) if spare is not None else text

    @property
    def is_saved(self) -> bool:
        """Whether the text is what it was as it was saved last, but for a spare cell."""
        if self.history.is_saved:
            return True
        spare = self.spare
        return spare is not None and self.history.was_saved_before(spare.step)


def _cells(lines: list[str], language: Language) -> CellIndex:
    if language.name == "markdown":
        return FencedCells(lines, running_language)
    return CellIndex(lines, language.comment, main_language=language.name)


def moved(location: Location, change: TextChange) -> Location:
    """Where a caret stands after a change that another view has made."""
    if location <= change.start:
        return location
    if location < change.old_end:
        return change.start
    column = location.column
    if location.line == change.old_end.line:
        column += change.new_end.column - change.old_end.column
    return Location(location.line + change.line_shift, column)
