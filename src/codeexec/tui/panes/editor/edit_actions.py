"""Editor actions that change the text, and the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.base import EditorBase
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
"""Commands that need nothing but the model; each becomes an action of its name."""


class EditActions(EditorBase):
    """`action_newline` and the like come from COMMANDS."""

    def run_command(self, name: str) -> None:
        """One of COMMANDS by name."""
        self.perform(COMMANDS[name])

    def insert(self, text: str) -> None:
        """Put text in place of the selection, as a paste does."""
        clean = text.replace("\r\n", "\n").replace("\r", "\n")
        self.perform(lambda model: edits.insert(model, clean))

    def replace_text(self, text: str) -> None:
        """Another whole text, as one step that can be undone (a reload from disk)."""
        cursor = self.model.cursor
        model = self.model
        model.edit([(Location(0, 0), model.buffer.end, text)])
        model.select(cursor)
        self.sync()

    def _copied(self) -> tuple[str, bool]:
        """The selection, or else the line with its break; and whether it is a whole line."""
        model = self.model
        if model.selection.is_empty:
            return model.line + "\n", True
        return model.selected_text, False

    def action_copy(self) -> None:
        text, _ = self._copied()
        self.app.copy_to_clipboard(text)
        self.post_message(self.TextCopied(text))

    def action_cut(self) -> None:
        text, whole = self._copied()
        self.app.copy_to_clipboard(text)
        self.post_message(self.TextCopied(text))
        self.perform(edits.delete_lines if whole else lambda model: edits.insert(model, ""))

    def action_paste(self) -> None:
        """What was copied last; a whole line goes above the one that the cursor is on."""
        text = self.app.clipboard
        model = self.model
        if text.endswith("\n") and text.count("\n") == 1 and model.selection.is_empty:
            start = Location(model.cursor.line, 0)
            selection = Selection.at(Location(model.cursor.line + 1, model.cursor.column))
            model.edit([(start, start, text)], selection)
            self.sync()
        elif text:
            self.insert(text)


def _action(command: Callable[[EditorModel], bool], name: str) -> Callable[[EditActions], None]:
    def action(self: EditActions) -> None:
        self.perform(command)

    action.__doc__ = f"{name.replace('_', ' ').capitalize()}."
    return action


for _name, _command in COMMANDS.items():
    setattr(EditActions, f"action_{_name}", _action(_command, _name))
