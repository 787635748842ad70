"""Replace an editor's text by minimal edits, so that history, cells and cursor survive."""

from __future__ import annotations

from collections.abc import Sequence

from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.text.text import Location, Selection


def replace_text(editor: CodeEditor, text: str, cell_keys: Sequence[str] = ()) -> None:
    """Show `text` instead, as one step of history; also in an editor that is read-only. The cells
    get `cell_keys`, where they are given."""
    replace_lines(editor, text.split("\n"), cell_keys)


def replace_lines(editor: CodeEditor, new: list[str], cell_keys: Sequence[str] = ()) -> None:
    """The same of a text that is parted into lines."""
    model = editor.model
    old = model.lines
    top = 0
    while top < min(len(old), len(new)) and old[top] == new[top]:
        top += 1
    tail = 0
    while tail < min(len(old), len(new)) - top and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    if top == len(old) == len(new):
        return
    middle = new[top : len(new) - tail]
    cursor = model.cursor
    if cursor.line >= len(old) - tail:
        cursor = cursor._replace(line=cursor.line + len(new) - len(old))
    elif cursor.line >= top:
        line = min(cursor.line, max(len(new) - tail - 1, 0))
        cursor = Location(line, min(cursor.column, len(new[line])))
    start, end = Location(top, 0), Location(len(old) - tail, 0)
    inserted = "".join(f"{line}\n" for line in middle)
    if not tail:
        end = model.buffer.end
        inserted = "\n".join(middle)
        if top:
            start = Location(top - 1, len(old[top - 1]))
            inserted = "".join(f"\n{line}" for line in middle)
    read_only, model.read_only = model.read_only, False
    try:
        model.edit([(start, end, inserted)], Selection.at(cursor), cell_keys=cell_keys)
    finally:
        model.read_only = read_only
    editor.sync()
