"""Actions of the editor as functions over its model, without a widget."""

from __future__ import annotations

import pytest

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor.actions import editing, moves, running
from codeexec.tui.panes.editor.messages import RunScope
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.text import Location, Selection
from codeexec.tui.panes.editor.vim.operators import Effect, Operators

CELLS = "import os\n# %% one\na = 1\n\n# %% two\nb = 2\n"


def model_of(text: str, line: int = 0, column: int = 0) -> EditorModel:
    model = EditorModel(text, by_name("python"))
    model.select(Location(line, column))
    return model


@pytest.mark.parametrize(
    ("motion", "start", "target"),
    [
        ("word_right", (0, 0), (0, 6)),
        ("down", (0, 9), (1, 8)),
        ("page_down", (0, 0), (3, 0)),
        ("page_up", (5, 3), (2, 3)),
        ("up", (0, 5), (0, 0)),
        ("down", (6, 0), (6, 0)),
        ("next_cell", (0, 0), (2, 0)),
        ("next_cell", (5, 2), (5, 2)),
        ("previous_cell", (3, 0), (2, 0)),
        ("previous_cell", (2, 0), (0, 0)),
        ("matching_bracket", (0, 3), (0, 3)),
        ("text_end", (0, 0), (6, 0)),
    ],
)
def test_a_motion_leads_to_its_place(
    motion: str, start: tuple[int, int], target: tuple[int, int]
) -> None:
    model = model_of(CELLS, *start)
    moves.move(model, motion, page=4)
    assert model.selection == Selection.at(Location(*target))


def test_up_and_down_keep_the_column_over_shorter_lines() -> None:
    model = model_of("long line\nx\nlong line", 0, 8)
    moves.move(model, "down", page=4)
    assert model.cursor == (1, 1)
    moves.move(model, "down", page=4, select=True)
    assert model.selection == ((1, 1), (2, 8))


def test_left_and_right_without_shift_collapse_a_selection() -> None:
    for motion, column in (("left", 1), ("right", 3)):
        model = model_of("abcd")
        model.select(Location(0, 1), Location(0, 3))
        moves.move(model, motion, page=4)
        assert model.selection == Selection.at(Location(0, column))


@pytest.mark.parametrize(
    ("scope", "sources"),
    [
        (RunScope.CELL, ["a = 1"]),
        (RunScope.SELECTION, ["a = 1"]),
        (RunScope.ABOVE, ["import os"]),
        (RunScope.BELOW, ["a = 1", "b = 2"]),
        (RunScope.ALL, ["import os", "a = 1", "b = 2"]),
        (RunScope.RESTART, ["import os", "a = 1", "b = 2"]),
        (RunScope.FILE, [CELLS]),
        (RunScope.PROGRAM, [""]),
    ],
)
def test_a_scope_covers_its_cells(scope: RunScope, sources: list[str]) -> None:
    cells = running.cells_to_run(model_of(CELLS, 2, 3), scope)
    assert [cell.source for cell in cells] == sources


def test_selected_lines_run_without_their_common_indentation() -> None:
    model = model_of("if x:\n    a = 1\n    if a:\n        b = 2\n")
    model.select(Location(1, 2), Location(3, 13))
    (cell,) = running.cells_to_run(model, RunScope.SELECTION)
    assert cell.source == "a = 1\nif a:\n    b = 2"


def test_a_line_that_was_cut_goes_back_above_the_cursors_line() -> None:
    model = model_of("one\ntwo", 1, 2)
    text = editing.copied_text(model)
    editing.delete_copied(model)
    assert (text, model.buffer.text()) == ("two\n", "one")
    editing.paste(model, text)
    assert model.buffer.text() == "two\none"
    assert model.cursor == (1, 3)


def test_vim_operators_keep_what_they_delete_in_the_register() -> None:
    model, operators = model_of("one two\nthree"), Operators()
    assert operators.on_object(model, "d", "aw") is Effect.CHANGED
    assert operators.on_lines(model, "y", 1, 1) is Effect.NONE
    assert operators.put(model, 2, after=True) is Effect.CHANGED
    assert model.buffer.text() == "two\nthree\nthree\nthree"
    assert operators.on_lines(model, "c", 0, 0) is Effect.INSERTS
