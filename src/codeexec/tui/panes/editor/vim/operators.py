"""Vim's operators on the editor's model: delete, change, yank, indent, join and put."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text import edits, motions
from codeexec.tui.panes.editor.text.text import Location, Selection

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.text.model import EditorModel

OPERATORS = "dcy><"

_PAIRS = {sign: pair for pair in ("()", "[]", "{}", '""', "''", "``") for sign in pair}


class Effect(Enum):
    """What a command has done: nothing that `.` repeats, a change, or the begin of an insertion."""

    NONE = auto()
    CHANGED = auto()
    INSERTS = auto()


class Operators:
    """Operators and the unnamed register, in which text that was deleted or yanked is kept."""

    def __init__(self) -> None:
        self._register = ""

    def on_range(self, model: EditorModel, operator: str, start: Location, end: Location) -> Effect:
        """Apply an operator to what is between two places."""
        if operator in "><":
            return self.on_lines(model, operator, start.line, end.line)
        if operator == "y":
            self._register = model.buffer.text(start, end)
            model.select(start)
            return Effect.NONE
        return self.delete(model, start, end, inserts=operator == "c")

    def on_lines(self, model: EditorModel, operator: str, first: int, last: int) -> Effect:
        """Apply an operator to whole lines, from `first` to `last`."""
        start, end = Location(first, 0), Location(last, len(model.lines[last]))
        if operator in "><":
            model.select(start, end)
            (edits.indent_lines if operator == ">" else edits.outdent_lines)(model)
            model.select(_code_start(model, first))
            return Effect.CHANGED
        self._register = model.buffer.text(start, end) + "\n"
        if operator == "y":
            return Effect.NONE
        if operator == "c":
            indent = _code_start(model, first)
            model.edit([(indent, end, "")], Selection.at(indent))
            return Effect.INSERTS
        model.select(start, end)
        edits.delete_lines(model)
        model.select(_code_start(model, min(first, len(model.lines) - 1)))
        return Effect.CHANGED

    def on_object(self, model: EditorModel, operator: str, keys: str) -> Effect:
        """Apply an operator to a text object: `iw`, `aw`, `i(`, `a"` and so on."""
        line, column = model.cursor
        text = model.line
        around = keys[0] == "a"
        if keys[1] == "w":
            start, end = motions.word_at(text, column)
            while around and end < len(text) and text[end] == " ":
                end += 1
        elif (pair := _PAIRS.get(keys[1])) is not None:
            start = text.rfind(pair[0], 0, column + 1)
            end = text.find(pair[1], max(column, start + 1))
            if start < 0 or end < 0:
                return Effect.NONE
            start, end = (start, end + 1) if around else (start + 1, end)
        else:
            return Effect.NONE
        return self.on_range(model, operator, Location(line, start), Location(line, end))

    def delete(
        self, model: EditorModel, start: Location, end: Location, *, inserts: bool = False
    ) -> Effect:
        """Move what is between two places into the register; the cursor goes there to insert."""
        self._register = model.buffer.text(start, end)
        model.edit([(start, end, "")], Selection.at(start))
        if not inserts:
            return Effect.CHANGED
        model.select(start)
        return Effect.INSERTS

    def put(self, model: EditorModel, count: int, *, after: bool) -> Effect:
        """Put the register after or before the cursor; whole lines below or above its line."""
        text = self._register * count
        line, column = model.cursor
        if text.endswith("\n"):
            indent = len(motions.indentation(text))
            if after and line + 1 == len(model.lines):
                at, text = Location(line, len(model.line)), "\n" + text[:-1]
            else:
                at = Location(line + after, 0)
            model.edit([(at, at, text)], Selection.at(Location(line + after, indent)))
        elif text:
            at = Location(line, min(len(model.line), column + after))
            model.edit([(at, at, text)])
            model.select(motions.left(model.lines, model.cursor))
        return Effect.CHANGED


def join_lines(model: EditorModel, count: int) -> Effect:
    """Join `count` lines (at least two) with blanks between them."""
    for _ in range(max(1, count - 1)):
        line = model.cursor.line
        if line + 1 < len(model.lines):
            end = _code_start(model, line + 1)
            start = Location(line, len(model.lines[line].rstrip()))
            model.edit([(start, end, " ")], Selection.at(start))
    return Effect.CHANGED


def _code_start(model: EditorModel, line: int) -> Location:
    """The first character of a line that is not blank."""
    return Location(line, len(motions.indentation(model.lines[line])))
