"""Insert the next input that code sets into the notebook: in its cell, or below it."""

from __future__ import annotations

from codeexec.documents.model import Cell
from codeexec.tui.panes.documents.text_diff import replace_lines
from codeexec.tui.panes.editor.code_editor import CodeEditor


def put_next_input(editor: CodeEditor, cell: Cell, text: str, *, replaces: bool) -> None:
    """`text` in place of the cell's source, or as a new cell below it; one step of history."""
    lines = list(editor.model.lines)
    new = text.rstrip("\n").split("\n")
    if replaces:
        end = cell.body + len(cell.source.split("\n"))
        replace_lines(editor, lines[: cell.body] + new + lines[end:])
        return
    separator = f"{editor.model.language.comment} %%"
    replace_lines(editor, [*lines[: cell.end], separator, *new, *lines[cell.end :]])
