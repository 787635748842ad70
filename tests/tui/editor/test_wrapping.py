"""Rows of lines and blocks, compared with a list of all rows that is built after each change."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from codeexec.tui.panes.editor.text.wrapping import RowMap

TAB = 4
KEYS = st.sampled_from("abcd")


@dataclass
class Naive:
    """Blocks by key as (line, height); rows are computed from nothing each time."""

    lines: list[str]
    width: int
    blocks: dict[str, tuple[int, int]] = field(default_factory=dict)

    def rows(self, rows: RowMap) -> list[tuple[object, ...]]:
        """Each row as ("text", line, part) or ("block", key, row)."""
        expected: list[tuple[object, ...]] = []
        for line in range(len(self.lines)):
            expected += [("text", line, part) for part in range(len(rows.starts(line)))]
            for key in sorted(self.blocks):
                at, height = self.blocks[key]
                if at == line:
                    expected += [("block", key, row) for row in range(height)]
        return expected


def seen(rows: RowMap) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for row in range(rows.total):
        place = rows.block_at(row)
        if place is not None:
            found.append(("block", place[0].key, place[1]))
        else:
            found.append(("text", *rows.line_at(row)))
    return found


@given(
    lines=st.lists(st.text("ab ", max_size=30), min_size=1, max_size=8),
    width=st.sampled_from([0, 8, 12]),
    blocks=st.dictionaries(KEYS, st.tuples(st.integers(0, 7), st.integers(1, 4)), max_size=4),
    edit=st.tuples(st.integers(0, 7), st.integers(1, 3), st.integers(1, 4)),
    removed_key=KEYS,
)
def test_rows_are_those_of_lines_and_blocks_after_any_change(
    lines: list[str],
    width: int,
    blocks: dict[str, tuple[int, int]],
    edit: tuple[int, int, int],
    removed_key: str,
) -> None:
    rows = RowMap(lines, TAB)
    rows.set_width(width)
    naive = Naive(lines, width)
    for key, (line, height) in blocks.items():
        line = min(line, len(lines) - 1)
        rows.blocks.put(key, line, height)
        naive.blocks[key] = (line, height)
    assert seen(rows) == naive.rows(rows)

    first = min(edit[0], len(lines) - 1)
    removed, inserted = min(edit[1], len(lines) - first), edit[2]
    lines[first : first + removed] = ["b" * 10] * inserted
    rows.splice(first, removed, inserted)
    last = first + removed - 1
    for key, (line, height) in naive.blocks.items():
        if line >= last:
            naive.blocks[key] = (line + inserted - removed, height)
        elif line >= first:
            naive.blocks[key] = (min(line, first + inserted - 1), height)
    assert seen(rows) == naive.rows(rows)

    assert rows.blocks.remove(removed_key) == (removed_key in naive.blocks)
    naive.blocks.pop(removed_key, None)
    expected = naive.rows(rows)
    assert seen(rows) == expected
    assert rows.total == len(expected)
    for line in range(len(lines)):
        assert rows.first_row(line) == expected.index(("text", line, 0))
    for row, place in enumerate(expected):
        below = [at for at in range(row, len(expected)) if expected[at][0] == "text"]
        above = [at for at in range(row + 1) if expected[at][0] == "text"]
        assert rows.text_row(row, 1) == (below[0] if below else len(expected))
        assert rows.text_row(row, -1) == above[-1]
        if place[0] == "block":
            line = int(str(expected[above[-1]][1]))
            assert rows.line_at(row) == (line, len(rows.starts(line)) - 1)


def test_a_block_grows_in_place() -> None:
    rows = RowMap(["a", "b"], TAB)
    rows.blocks.put("output", 0, 1)
    rows.blocks.put("output", 0, 5)
    assert rows.total == 7
    assert rows.first_row(1) == 6


def test_the_block_below_a_cell_stays_below_it_when_the_cell_gets_longer() -> None:
    rows = RowMap(lines := ["a", "# %%"], TAB)
    rows.blocks.put("output", 0, 2)
    lines[0:1] = ["a", "b"]  # Enter at the end of the first line, and a letter
    rows.splice(0, 1, 2)
    assert rows.block_at(2) is not None
    assert rows.line_at(4) == (2, 0)


@given(
    width=st.sampled_from([0, 4]),
    lines=st.lists(st.sampled_from(["a", "b" * 10, ""]), min_size=4, max_size=9),
    hidden=st.tuples(st.integers(0, 8), st.integers(1, 3), st.integers(1, 4)),
    output=st.tuples(st.integers(0, 8), st.integers(1, 3)),
)
def test_a_block_stands_in_place_of_lines(
    width: int,
    lines: list[str],
    hidden: tuple[int, int, int],
    output: tuple[int, int],
) -> None:
    rows = RowMap(lines, TAB)
    rows.set_width(width)
    last = min(hidden[0], len(lines) - 1)
    count, height = min(hidden[1], last + 1), hidden[2]
    first = last + 1 - count
    below = min(output[0], len(lines) - 1)
    rows.blocks.put("page", last, height, count)
    expected = list[tuple[str, int]]()
    for line in range(len(lines)):
        if line == last:
            expected += [("page", row) for row in range(height)]
        elif not first <= line <= last:
            expected += [("text", line)] * len(rows.starts(line))
        if line == below and not first <= line < last:
            rows.blocks.put("zz", line, output[1])
            expected += [("zz", row) for row in range(output[1])]
    assert rows.total == len(expected)
    for row, (kind, number) in enumerate(expected):
        place = rows.block_at(row)
        if kind == "text":
            assert place is None and rows.line_at(row)[0] == number
        else:
            assert place is not None and (place[0].key, place[1]) == (kind, number)
    for line in range(len(lines)):
        is_hidden = first <= line <= last
        assert (rows.block_over(line) is not None) == is_hidden
        place_of_line = ("page", 0) if is_hidden else ("text", line)
        assert rows.row_of(line, 0) == expected.index(place_of_line)


def test_a_line_that_is_edited_below_a_block_in_its_place_is_shown() -> None:
    rows = RowMap(lines := ["a", "b", "c"], TAB)
    rows.blocks.put("page", 1, 4, 2)
    assert rows.total == 5
    lines[0:1] = ["a", "a"]
    rows.splice(0, 1, 2)
    assert (rows.total, rows.block_over(0)) == (8, None)
