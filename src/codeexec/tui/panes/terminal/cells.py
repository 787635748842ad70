"""Rows of a terminal as cells: which text stands in which columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size, split_graphemes

from codeexec.domain.terminals import CellStyle, Span, TerminalRow


class CellRun(NamedTuple):
    """Text of one style from a column on; `cells` is its width, also as rich measures it."""

    column: int
    text: str
    cells: int
    style: CellStyle | None

    @property
    def end(self) -> int:
        """The column behind it."""
        return self.column + self.cells


def pieces(row: TerminalRow) -> Iterator[CellRun]:
    """The spans of a row with their columns; each as wide as the terminal has it."""
    column = 0
    for span in row.spans:
        text = span.text
        if not (text.isascii() and len(text) == span.cells) and cell_len(text) != span.cells:
            text = set_cell_size(text, span.cells)
        yield CellRun(column, text, span.cells, span.style)
        column += span.cells


def width(row: TerminalRow) -> int:
    """Columns up to the last cell that is not blank."""
    return sum(span.cells for span in row.spans)


def cut(piece: CellRun, start: int, end: int) -> CellRun | None:
    """What of a piece stands in the columns `start` to `end`; of a wide character that is cut
    there, a blank."""
    start, end = max(start, piece.column), min(end, piece.end)
    if start >= end:
        return None
    if piece.text.isascii():
        text = piece.text[start - piece.column : end - piece.column]
        return CellRun(start, text, end - start, piece.style)
    parts: list[str] = []
    column = piece.column
    for first, last, cells in split_graphemes(piece.text)[0]:
        if start <= column and column + cells <= end:
            parts.append(piece.text[first:last])
        else:
            parts.append(" " * max(min(column + cells, end) - max(column, start), 0))
        column += cells
    return CellRun(start, "".join(parts), end - start, piece.style)


def text_between(row: TerminalRow, start: int, end: int) -> str:
    """The text in the columns `start` to `end`; a wide character belongs to its first column."""
    parts: list[str] = []
    for piece in pieces(row):
        column = piece.column
        if piece.text.isascii():
            parts.append(piece.text[max(start - column, 0) : max(end - column, 0)])
            continue
        for first, last, cells in split_graphemes(piece.text)[0]:
            if start <= column < end:
                parts.append(piece.text[first:last])
            column += cells
    return "".join(parts)


def cell_at(row: TerminalRow, column: int) -> CellRun:
    """The character that covers a column; a blank where there is none."""
    for piece in pieces(row):
        if piece.column <= column < piece.end:
            if piece.text.isascii():
                return CellRun(column, piece.text[column - piece.column], 1, piece.style)
            at = piece.column
            for first, last, cells in split_graphemes(piece.text)[0]:
                if at <= column < at + cells:
                    return CellRun(at, piece.text[first:last], cells, piece.style)
                at += cells
    return CellRun(column, " ", 1, None)


def column_of(row: TerminalRow, index: int) -> int:
    """The column of the character with that index in the text of the row."""
    column = 0
    for span in row.spans:
        if index < len(span.text):
            return column + (index if span.text.isascii() else cell_len(span.text[:index]))
        index -= len(span.text)
        column += span.cells
    return column + index


def index_at(row: TerminalRow, column: int) -> int:
    """The index in the text of the row of the character that covers a column; behind the last one
    for blanks at its end."""
    index = 0
    for piece in pieces(row):
        if column >= piece.end:
            index += len(piece.text)
            continue
        if piece.text.isascii():
            return index + column - piece.column
        at = piece.column
        for first, _, cells in split_graphemes(piece.text)[0]:
            if at <= column < at + cells:
                return index + first
            at += cells
    return index


def row_of(text: str) -> TerminalRow:
    """A row of plain text."""
    return TerminalRow((Span(text, cell_len(text)),) if text else ())
