"""Cursor and selection of a reader in the rows of a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from codeexec.domain.terminals import TerminalRow
from codeexec.tui.panes.terminal.cells import column_of, index_at, text_between, width

_FAR = 1 << 30
_WORD = re.compile(r"[\w./~:@%+=-]+|\S")


class Point(NamedTuple):
    """A cell: the number of its row, and its column."""

    row: int
    column: int


@dataclass
class RowSelection:
    """Where the reader is, and from where they select. `rows` gives rows by number."""

    rows: Callable[[int], TerminalRow]
    cursor: Point | None = None
    """None: the reader has not moved; the program's cursor is shown."""
    anchor: Point | None = None
    """The other end of what is selected, or None."""

    @property
    def is_empty(self) -> bool:
        return self.anchor is None or self.cursor is None

    def clear(self) -> None:
        """The reader is no longer anywhere."""
        self.cursor = self.anchor = None

    def ends(self) -> tuple[Point, Point] | None:
        """The first cell that is selected, and the last one."""
        if self.anchor is None or self.cursor is None:
            return None
        return min(self.anchor, self.cursor), max(self.anchor, self.cursor)

    def columns(self, number: int) -> tuple[int, int] | None:
        """Columns of a row that are selected, or None."""
        ends = self.ends()
        if ends is None or not ends[0].row <= number <= ends[1].row:
            return None
        start = ends[0].column if number == ends[0].row else 0
        end = ends[1].column + 1 if number == ends[1].row else _FAR
        return start, end

    def text(self) -> str:
        """What is selected; rows that were wrapped by the terminal are one line."""
        ends = self.ends()
        if ends is None:
            return ""
        parts: list[str] = []
        for number in range(ends[0].row, ends[1].row + 1):
            row = self.rows(number)
            text = text_between(row, *(self.columns(number) or (0, 0)))
            is_last = number == ends[1].row
            goes_on = row.is_wrapped and not is_last
            parts.append(text if goes_on else text.rstrip() + ("" if is_last else "\n"))
        return "".join(parts)

    def select_word(self, at: Point) -> None:
        """Select the word, the path or the address at a cell."""
        row = self.rows(at.row)
        index = index_at(row, at.column)
        for match in _WORD.finditer(row.text):
            if match.start() <= index < match.end():
                self.anchor = Point(at.row, column_of(row, match.start()))
                self.cursor = Point(at.row, column_of(row, match.end()) - 1)
                return

    def select_row(self, number: int) -> None:
        """Select a whole row."""
        self.anchor = Point(number, 0)
        self.cursor = Point(number, max(width(self.rows(number)) - 1, 0))
