"""Commands that change the text, and what copy, cut and paste do, as functions over the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text import edits
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.text import Location, Selection

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS: dict[str, Callable[[EditorModel], bool]] = {
    "newline": edits.newline,
    "line_below": lambda model: edits.insert_line(model, below=True),
    "line_above": lambda model: edits.insert_line(model, below=False),
    "delete_left": edits.delete_left,
    "delete_right": edits.delete_right,
    "delete_word_left": edits.delete_word_left,
    "delete_word_right": edits.delete_word_right,
    "delete_to_line_end": edits.delete_to_line_end,
    "delete_line": edits.delete_lines,
    "indent": edits.indent,
    "indent_lines": edits.indent_lines,
    "outdent": edits.outdent_lines,
    "toggle_comment": edits.toggle_comment,
    "move_line_up": lambda model: edits.move_lines(model, -1),
    "move_line_down": lambda model: edits.move_lines(model, 1),
    "duplicate_line": edits.duplicate_lines,
    "cell_below": lambda model: edits.insert_cell(model, below=True),
    "cell_above": lambda model: edits.insert_cell(model, below=False),
    "undo": EditorModel.undo,
    "redo": EditorModel.redo,
}
"""Commands that need nothing but the model, by the argument of the editor's `edit` action."""


def insert(model: EditorModel, text: str) -> None:
    """Put text in place of the selection; line breaks of any kind become `\\n`."""
    edits.insert(model, text.replace("\r\n", "\n").replace("\r", "\n"))


def copied_text(model: EditorModel) -> str:
    """The selection, or else the line with its break."""
    return model.line + "\n" if model.selection.is_empty else model.selected_text


def delete_copied(model: EditorModel) -> None:
    """Delete what `copied_text` returns."""
    if model.selection.is_empty:
        edits.delete_lines(model)
    else:
        edits.insert(model, "")


def paste(model: EditorModel, text: str) -> None:
    """Put in what was copied; a whole line goes above the one that the cursor is on."""
    if text.endswith("\n") and text.count("\n") == 1 and model.selection.is_empty:
        start = Location(model.cursor.line, 0)
        selection = Selection.at(Location(model.cursor.line + 1, model.cursor.column))
        model.edit([(start, start, text)], selection)
    elif text:
        insert(model, text)
