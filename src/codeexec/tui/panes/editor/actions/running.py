"""Cells that a run command covers, and where the cursor goes after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from codeexec.documents import selection
from codeexec.documents.model import Cell, CellKind
from codeexec.documents.percent.separators import code_of
from codeexec.tui.panes.editor.actions.moves import shown_cell, start_of_cell
from codeexec.tui.panes.editor.messages import RunScope
from codeexec.tui.panes.editor.text import edits
from codeexec.tui.panes.editor.text.motions import indentation
from codeexec.tui.panes.editor.text.text import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeexec.tui.panes.editor.text.model import EditorModel


def cells_to_run(model: EditorModel, scope: RunScope) -> Sequence[Cell]:
    """The cells that a run of this scope covers, in the order of the text; may be empty."""
    match scope:
        case RunScope.CELL:
            return _to_run(model.cell())
        case RunScope.SELECTION:
            return _to_run(_selected_code(model))
        case RunScope.ABOVE:
            return selection.above(model.all_cells(), model.cursor.line)
        case RunScope.BELOW:
            return selection.below(model.all_cells(), model.cursor.line)
        case RunScope.ALL | RunScope.RESTART:
            return selection.runnable(model.all_cells())
        case RunScope.FILE:
            # The whole text at once, as one program.
            source = model.cells.source(model.lines)
            return [Cell(0, CellKind.CODE, "", 0, 0, len(model.lines), source)]
        case RunScope.PROGRAM:
            # A process of its own reads the file; no source is sent.
            return [Cell(0, CellKind.CODE, "", 0, 0, len(model.lines), "")]
        case _:
            assert_never(scope)


def _to_run(cell: Cell) -> Sequence[Cell]:
    """One cell that is run by itself, if there is anything to run."""
    return [cell] if cell.is_code and not cell.is_blank else []


def _selected_code(model: EditorModel) -> Cell:
    """The selected text, or the line, without the indentation that all of it has."""
    first, last = model.line_range()
    selected = model.selection
    whole_lines = selected.is_empty or selected.start.line != selected.end.line
    lines = model.lines[first : last + 1] if whole_lines else [model.selected_text]
    # Without the source of the cell around it, which may be the whole of a large file.
    index = model.cells.at(model.cursor.line)
    form = model.cells.form(index)
    if form.is_commented:
        lines = code_of("\n".join(lines), form, model.cells.marker).split("\n")
    code = [line for line in lines if line.strip()]
    depth = min((len(indentation(line)) for line in code), default=0)
    source = model.cells.source(line[depth:] for line in lines)
    end, key = model.cells.span(index)[1], model.cells.key(index)
    return Cell(index, CellKind.CODE, "", first, first, end, source, key, form.language)


def step_to_next_line(model: EditorModel) -> None:
    """After a line was run: the cursor goes to the next; a selection stays."""
    _, last = model.line_range()
    if model.selection.is_empty and last + 1 < len(model.lines):
        model.select(Location(last + 1, 0))


def step_to_next_cell(model: EditorModel) -> None:
    """The cursor goes to the next cell; after the last one a new one is added."""
    index = shown_cell(model, model.cells.at(model.cursor.line) + 1, 1)
    if index < len(model.cells):
        model.select(start_of_cell(model, index))
    elif model.cells.is_fenced:
        return  # a Markdown file gets no fence that nobody asked for
    elif model.cells.separators and model.shared.spare is None:
        edits.append_spare_cell(model)
