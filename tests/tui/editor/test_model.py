"""The text model: splices, bytes, rows and history agree with plain strings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.percent.cells import CellIndex
from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor.text.columns import after, drawn, snap, to_cell, to_column, width
from codeexec.tui.panes.editor.text.edits import append_spare_cell
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.text import Location, Selection, TextBuffer
from codeexec.tui.panes.editor.text.wrapping import RowMap, row_starts

TEXT = st.text(st.sampled_from("ab é世🙂\n\t#%"), max_size=30)
PYTHON = by_name("python")


def place(text: str, offset: int) -> Location:
    head = text[:offset]
    return Location(head.count("\n"), len(head) - head.rfind("\n") - 1)


@given(st.data())
def test_splices_agree_with_a_string(data: st.DataObject) -> None:
    text = data.draw(TEXT)
    buffer = TextBuffer(text)
    buffer.byte_offset(buffer.end)
    for _ in range(5):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        fresh = data.draw(TEXT)
        change = buffer.replace(place(text, start), place(text, end), fresh)
        assert change.removed == text[start:end]
        assert change.start_byte == len(text[:start].encode())
        text = text[:start] + fresh + text[end:]
        assert buffer.text() == text
        assert change.new_end == place(text, start + len(fresh))
        probe = data.draw(st.integers(0, len(text)))
        assert buffer.byte_offset(place(text, probe)) == len(text[:probe].encode())


@given(st.data())
def test_undo_and_redo_lead_back_and_forth(data: st.DataObject) -> None:
    model = EditorModel(data.draw(TEXT), PYTHON)
    model.rows.set_width(8)
    states = [(model.buffer.text(), model.selection)]
    for _ in range(5):
        text = model.buffer.text()
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        model.history.close()
        before = model.selection
        if model.edit([(place(text, start), place(text, end), data.draw(TEXT))]):
            assert before == states[-1][1]
            states.append((model.buffer.text(), model.selection))
    final = states[-1]
    while model.undo():
        states.pop()
        assert (model.buffer.text(), model.selection) == states[-1]
    while model.redo():
        pass
    assert len(states) == 1
    assert (model.buffer.text(), model.selection) == final
    fresh = EditorModel(model.buffer.text(), PYTHON)
    fresh.rows.set_width(8)
    assert list(model.cells.separators) == list(fresh.cells.separators)
    assert model.rows.total == fresh.rows.total


def test_a_typed_word_is_one_step_and_a_moved_cursor_begins_another() -> None:
    model = EditorModel("", PYTHON)
    for sign in "one two":
        model.edit([(model.cursor, model.cursor, sign)], kind="type")
    model.undo()
    assert model.buffer.text() == "one "
    model.undo()
    assert model.buffer.text() == ""
    model.redo()
    model.select(Location(0, 0))
    model.edit([(model.cursor, model.cursor, "x")], kind="type")
    model.undo()
    assert model.buffer.text() == "one "


def test_saved_follows_undo() -> None:
    model = EditorModel("a", PYTHON)
    assert model.history.is_saved
    model.edit([(Location(0, 1), Location(0, 1), "b")])
    assert not model.history.is_saved
    model.history.mark_saved()
    model.undo()
    assert not model.history.is_saved
    model.redo()
    assert model.history.is_saved
    model.undo()
    model.edit([(Location(0, 0), Location(0, 0), "z")])
    model.undo()
    assert not model.history.is_saved


@given(st.data())
def test_two_views_of_a_text_follow_each_other(data: st.DataObject) -> None:
    first = EditorModel(data.draw(TEXT), PYTHON)
    second = first.second_view()
    second.rows.set_width(8)
    for _ in range(5):
        text = first.buffer.text()
        acting = data.draw(st.sampled_from([first, second]))
        resting = second if acting is first else first
        resting.select(place(text, data.draw(st.integers(0, len(text)))))
        before = resting.cursor
        tail = text[len(first.buffer.text(Location(0, 0), before)) :]
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        acting.edit([(place(text, start), place(text, end), data.draw(TEXT))])
        now = first.buffer.text()
        assert resting.cursor == resting.buffer.clamp(resting.cursor)
        if place(text, end) <= before and place(text, start) < before:
            assert now[len(first.buffer.text(Location(0, 0), resting.cursor)) :] == tail
        if before <= place(text, start):
            assert resting.cursor == before
    fresh = EditorModel(first.buffer.text(), PYTHON)
    fresh.rows.set_width(8)
    assert second.rows.total == fresh.rows.total
    while second.undo():
        pass
    assert first.history.is_saved


def test_a_second_view_hears_of_changes_until_it_is_closed() -> None:
    first = EditorModel("a", PYTHON)
    second = first.second_view()
    settled: list[str] = []
    second.on_settled = lambda: settled.append(second.buffer.text())
    first.edit([(first.cursor, first.cursor, "x"), (Location(0, 1), Location(0, 1), "y")])
    first.undo()
    first.redo()
    assert settled == ["xay", "a", "xay"]
    second.edit([(second.cursor, second.cursor, "z")])
    assert len(settled) == 3
    second.close()
    first.undo()
    assert len(settled) == 3
    first.read_only = True
    assert second.read_only


@pytest.mark.parametrize("text", ["# %% a\nx", "# %% a\nx\n", "y\n\n# %%\nx\n\n\n# %%\nx\n"])
def test_a_cell_to_go_on_in_is_not_saved_while_it_is_empty(text: str) -> None:
    model = EditorModel(text, PYTHON)
    model.select(model.buffer.end)
    append_spare_cell(model)
    assert len(model.cells) > len(EditorModel(text, PYTHON).cells)
    assert model.shared.is_saved
    assert model.shared.to_save == text
    model.edit([(Location(0, 0), Location(0, 0), "# b\n")])
    assert not model.shared.is_saved
    assert model.shared.to_save == f"# b\n{text}"
    model.history.mark_saved()
    model.edit([(model.buffer.end, model.buffer.end, "1")])
    assert not model.shared.is_saved
    assert model.shared.to_save == model.buffer.text()
    model.undo()
    assert model.shared.is_saved


def test_a_cell_of_the_same_look_that_was_written_by_hand_is_saved() -> None:
    model = EditorModel("# %% a\nx\n", PYTHON)
    model.select(model.buffer.end)
    append_spare_cell(model)
    model.undo()
    model.edit([(model.buffer.end, model.buffer.end, "\n# %%\n")])
    assert model.shared.to_save == "# %% a\nx\n\n# %%\n"


def test_read_only_text_stays() -> None:
    model = EditorModel("a", PYTHON)
    model.read_only = True
    assert not model.edit([(Location(0, 0), Location(0, 1), "")])
    assert not model.undo()
    assert model.buffer.text() == "a"


def test_cells_follow_the_text() -> None:
    model = EditorModel("x\n# %% a\ny\n", PYTHON)
    key = model.cells.key(1)
    model.edit([(Location(0, 0), Location(0, 0), "1\n2\n")])
    assert model.cells.index_of(key) == 1
    assert model.cell(1).start == 3
    assert isinstance(model.cells, CellIndex)


@pytest.mark.parametrize(
    ("line", "column", "cell"),
    [
        ("abc", 2, 2),
        ("a\tb", 2, 4),
        ("世界", 1, 2),
        ("👩\u200d👩\u200d👧x", 5, 2),
        ("e\u0301x", 2, 1),
        ("a\x1bb", 2, 2),
        ("\ud83dx", 1, 1),
    ],
)
def test_cells_of_columns(line: str, column: int, cell: int) -> None:
    assert to_cell(line, column, 4) == cell
    assert to_column(line, cell, 4) == column


@given(TEXT.map(lambda text: text.replace("\n", "")))
def test_columns_and_cells_agree(line: str) -> None:
    total = width(line, 4)
    for column in range(len(line) + 1):
        assert to_column(line, to_cell(line, column, 4), 4) == snap(line, column)
    for cell in range(total):
        column = to_column(line, cell, 4)
        assert to_cell(line, column, 4) <= cell < to_cell(line, after(line, column), 4)
    signs = drawn(line, 0, len(line), 4)
    assert len(signs) == len(line)


def test_nothing_that_acts_on_a_terminal_is_drawn() -> None:
    line = "a\x1b[31m\x07\r\u202e\x9b世"
    shown = "".join(drawn(line, 0, len(line), 4))
    assert not any(sign < " " or sign in "\x7f\x9b\u202e" for sign in shown)
    long = line * 5000
    assert "\x1b" not in "".join(drawn(long, 10, 90, 4))


@given(TEXT.map(lambda text: text.replace("\n", "")), st.integers(8, 12))
def test_rows_fit_and_lose_nothing(line: str, room: int) -> None:
    starts = [*row_starts(line, room, 4), len(line)]
    assert starts[0] == 0
    for low, high in pairwise(starts):
        assert to_cell(line, high, 4) - to_cell(line, low, 4) <= room
        assert high > low or not line


def test_rows_of_many_lines() -> None:
    lines = ["x" * (n % 40) for n in range(2000)]
    rows = RowMap(lines, 4)
    rows.set_width(10)
    row = 0
    for number, line in enumerate(lines):
        assert rows.first_row(number) == row
        assert rows.line_at(row) == (number, 0)
        row += max(1, -(-len(line) // 10))
    assert rows.total == row
    lines[5] = "x" * 100
    rows.splice(5, 1, 1)
    assert rows.first_row(6) == rows.first_row(5) + 10


def test_very_long_lines_are_quick() -> None:
    line = "x" * 5_000_000
    assert to_cell(line, 4_000_000, 4) == 4_000_000
    wide = "世x" * 100_000
    assert to_cell(wide, 200_000, 4) == 300_000
    assert to_column(wide, 299_999, 4) == 199_999
    rows = RowMap([line], 4)
    rows.set_width(80)
    assert rows.total == 62_500
    assert rows.row_of(0, 4_999_999) == 62_499


def test_selection_knows_its_ends() -> None:
    selection = Selection(Location(2, 1), Location(1, 5))
    assert (selection.start, selection.end) == (Location(1, 5), Location(2, 1))
    assert not selection.is_empty
