"""Moves of the cursor and units of selection, as functions over the editor's model by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text import motions
from codeexec.tui.panes.editor.text.columns import to_cell, to_column
from codeexec.tui.panes.editor.text.text import ORIGIN, Location

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codeexec.tui.panes.editor.text.model import EditorModel

    Motion = Callable[[Sequence[str], Location], Location]

MOTIONS: dict[str, Motion] = {
    "left": motions.left,
    "right": motions.right,
    "word_left": motions.word_left,
    "word_right": motions.word_right,
    "home": motions.home,
    "line_end": motions.line_end,
    "paragraph_up": lambda lines, at: motions.paragraph(lines, at, -1),
    "paragraph_down": lambda lines, at: motions.paragraph(lines, at, 1),
    "text_start": lambda lines, at: ORIGIN,
    "text_end": lambda lines, at: Location(len(lines) - 1, len(lines[-1])),
    "matching_bracket": lambda lines, at: (motions.matching_bracket(lines, at) or (at, at))[1],
}
"""Motions that need nothing but the text."""

_ROWS = {"up": (-1, False), "down": (1, False), "page_up": (-1, True), "page_down": (1, True)}
"""Motions by rows of the screen: direction, and whether by a page."""

_CELLS = ("previous_cell", "next_cell")


def move(model: EditorModel, name: str, page: int, *, select: bool = False) -> None:
    """Move the cursor by a motion's name; `page` is the number of rows on screen.

    With `select` the selection grows or shrinks. Raises KeyError for an unknown name.
    """
    if name in _ROWS:
        direction, by_page = _ROWS[name]
        _move_by_rows(model, direction * (page - 1 if by_page else 1), select=select)
    elif name in _CELLS:
        step = 1 if name == "next_cell" else -1
        index = shown_cell(model, _cell_below(model) if step > 0 else _cell_above(model), step)
        if 0 <= index < len(model.cells):
            move_to(model, start_of_cell(model, index), select=select)
    elif not select and not model.selection.is_empty and name in ("left", "right"):
        move_to(model, model.selection.start if name == "left" else model.selection.end)
    else:
        target = MOTIONS[name](model.lines, model.cursor)
        if name != "matching_bracket" or target != model.cursor:
            move_to(model, target, select=select)


def move_to(model: EditorModel, location: Location, *, select: bool = False) -> None:
    """Put the cursor somewhere; with `select` the selection grows or shrinks."""
    model.select(model.selection.anchor if select else location, location)


def _move_by_rows(model: EditorModel, count: int, *, select: bool) -> None:
    """Up (negative) or down; the cursor keeps its cell over shorter lines."""
    line, column = model.cursor
    row = model.rows.row_of(line, column)
    start = model.rows.starts(line)[row - model.rows.first_row(line)]
    text = model.lines[line]
    goal = model.goal_cell
    if goal is None:
        goal = to_cell(text, column, model.tab) - to_cell(text, start, model.tab)
    target = row + count
    while (place := model.rows.block_at(target)) is not None:
        block, offset = place
        if block.hidden and not block.is_closed:
            # The caret enters what stands in place of lines, or goes on where it is in them.
            first = block.line + 1 - block.hidden
            if first <= line <= block.line:
                line = max(0, min(line + (1 if count > 0 else -1), len(model.lines) - 1))
            else:
                line = block.line if count < 0 else first
            move_to(model, Location(line, 0), select=select)
            model.goal_cell = goal
            return
        target += block.height - offset if count > 0 else -offset - 1
    if target < 0 or target >= model.rows.total:
        move_to(model, ORIGIN if target < 0 else model.buffer.end, select=select)
    else:
        move_to(model, location_in_row(model, target, goal), select=select)
    model.goal_cell = goal


def location_in_row(model: EditorModel, row: int, goal: int) -> Location:
    """The place in cell `goal` of a row of text."""
    line, part = model.rows.line_at(row)
    text, starts = model.lines[line], model.rows.starts(line)
    column = to_column(text, to_cell(text, starts[part], model.tab) + goal, model.tab)
    if part + 1 < len(starts):
        column = min(column, starts[part + 1] - 1)
    return Location(line, column)


def start_of_cell(model: EditorModel, index: int) -> Location:
    """The first line of a cell below its separator."""
    first, end = model.cells.span(index)
    return Location(min(first + (model.cells.separator_at(first) is not None), end - 1), 0)


def shown_cell(model: EditorModel, index: int, step: int) -> int:
    """The cell itself, or the next one in the direction of `step` (1 or -1) that no closed block
    hides; outside the cells where there is none."""
    while 0 <= index < len(model.cells):
        block = model.rows.block_over(start_of_cell(model, index).line)
        if block is None or not block.is_closed:
            break
        edge = block.line + 1 if step > 0 else block.line - block.hidden
        if not 0 <= edge < len(model.lines):
            return len(model.cells) if step > 0 else -1
        index = model.cells.at(edge)
    return index


def _cell_below(model: EditorModel) -> int:
    return model.cells.at(model.cursor.line) + 1


def _cell_above(model: EditorModel) -> int:
    """This cell, or the one before when the cursor is at its beginning."""
    index = model.cells.at(model.cursor.line)
    return index - 1 if model.cursor.line <= start_of_cell(model, index).line else index


def _select_all(model: EditorModel) -> None:
    model.select(ORIGIN, model.buffer.end)


def _select_line(model: EditorModel) -> None:
    """The whole line; once more takes the next one too."""
    start, end = model.selection.start, model.selection.end
    is_last = end.line + 1 == len(model.lines)
    model.select(
        Location(start.line, 0), model.buffer.end if is_last else Location(end.line + 1, 0)
    )


UNITS: dict[str, Callable[[EditorModel], None]] = {
    "all": _select_all,
    "line": _select_line,
}
"""Units of text that one key selects."""
