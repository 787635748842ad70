"""Rows as cells: columns of wide characters, cuts, selected text, and places that a click opens."""

from __future__ import annotations

import pytest

from codeexec.domain.terminals import CellStyle, Span, TerminalRow
from codeexec.tui.panes.terminal.cells import (
    cell_at,
    column_of,
    cut,
    index_at,
    pieces,
    row_of,
    text_between,
    width,
)
from codeexec.tui.panes.terminal.places import FilePlace, file_at, link_at
from codeexec.tui.panes.terminal.selection import Point, RowSelection

RED = CellStyle(foreground=1)
MIXED = TerminalRow((Span("ab", 2), Span("日本", 4, RED), Span("e\u0301👩‍💻x", 4)))
"""Columns: a0 b1 日2 本4 é6 👩‍💻7 x9."""


def test_pieces_have_the_columns_of_their_spans() -> None:
    assert [(piece.column, piece.text, piece.cells) for piece in pieces(MIXED)] == [
        (0, "ab", 2),
        (2, "日本", 4),
        (6, "e\u0301👩‍💻x", 4),
    ]
    assert width(MIXED) == 10


def test_text_that_is_measured_otherwise_is_made_as_wide_as_the_terminal_has_it() -> None:
    row = TerminalRow((Span("日", 1), Span("x", 1)))
    assert [piece.column for piece in pieces(row)] == [0, 1]
    assert [len(piece.text) for piece in pieces(row)] == [1, 1]


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (0, 10, "ab日本e\u0301👩‍💻x"),
        (1, 3, "b日"),
        (3, 6, "本"),
        (6, 8, "e\u0301👩‍💻"),
        (9, 40, "x"),
    ],
)
def test_text_between_columns(start: int, end: int, text: str) -> None:
    assert text_between(MIXED, start, end) == text


def test_a_wide_character_that_is_cut_is_blank() -> None:
    wide = list(pieces(MIXED))[1]
    piece = cut(wide, 3, 6)
    assert piece is not None and (piece.column, piece.text, piece.cells) == (3, " 本", 3)


def test_the_character_that_covers_a_cell() -> None:
    assert cell_at(MIXED, 3)[:3] == (2, "日", 2)
    assert cell_at(MIXED, 7)[:3] == (7, "👩‍💻", 2)
    assert cell_at(MIXED, 8)[:3] == (7, "👩‍💻", 2)
    assert cell_at(MIXED, 30) == (30, " ", 1, None)


def test_columns_and_indexes_are_inverse() -> None:
    text = MIXED.text
    assert column_of(MIXED, text.index("本")) == 4
    assert column_of(MIXED, text.index("x")) == 9
    assert index_at(MIXED, 5) == text.index("本")
    assert index_at(MIXED, 30) == len(text)


ROWS = {
    0: TerminalRow((Span("$ cat a", 7),)),
    1: TerminalRow((Span("first row is lo", 15),), is_wrapped=True),
    2: TerminalRow((Span("ng   ", 5),)),
    3: TerminalRow((Span("last", 4),)),
}


def selection(anchor: tuple[int, int], cursor: tuple[int, int]) -> RowSelection:
    return RowSelection(ROWS.__getitem__, Point(*cursor), Point(*anchor))


def test_rows_that_the_terminal_wrapped_are_one_line() -> None:
    assert selection((1, 6), (3, 1)).text() == "row is long\nla"
    assert selection((3, 1), (1, 6)).text() == "row is long\nla"
    assert selection((0, 2), (0, 4)).text() == "cat"


def test_columns_that_are_selected() -> None:
    chosen = selection((1, 6), (3, 1))
    assert chosen.columns(0) is None and chosen.columns(3) == (0, 2)
    start, end = chosen.columns(2) or (1, 1)
    assert start == 0 and end > 1_000_000


def test_a_double_click_selects_a_path() -> None:
    row = row_of("see src/main.rs:4:5, it fails")
    chosen = RowSelection(lambda _: row)
    chosen.select_word(Point(0, 9))
    assert chosen.text() == "src/main.rs:4:5"
    chosen.select_row(0)
    assert chosen.text() == "see src/main.rs:4:5, it fails"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("src/main.rs:4:5: error", FilePlace("src/main.rs", 4, 5)),
        ("./a b.py:12", FilePlace("b.py", 12)),
        ("/tmp/x/Makefile:3: *** missing", FilePlace("/tmp/x/Makefile", 3)),
        ('  File "/tmp/a b.py", line 7, in f', FilePlace("/tmp/a b.py", 7)),
        ("~/notes.md:2", FilePlace("~/notes.md", 2)),
        ("12:30", None),
        ("nothing here", None),
    ],
)
def test_files_with_a_line(text: str, place: FilePlace | None) -> None:
    row = row_of(text)
    at = text.find(place.path) if place is not None else 1
    assert file_at(row, at) == place


def test_web_addresses_only() -> None:
    row = row_of("see https://example.org/a_(b), or file:///etc/passwd")
    assert link_at(row, 8) == "https://example.org/a_(b"
    assert link_at(row, 1) == "" and link_at(row, 40) == ""
    linked = TerminalRow((Span("here", 4, CellStyle(link="https://example.org/")),))
    assert link_at(linked, 2) == "https://example.org/"
    spoofed = TerminalRow((Span("here", 4, CellStyle(link="file:///etc/passwd")),))
    assert link_at(spoofed, 2) == ""
    assert file_at(spoofed, 2) == FilePlace("/etc/passwd", 1)
