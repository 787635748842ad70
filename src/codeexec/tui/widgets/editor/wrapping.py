"""Lines to rows of the screen and back, with and without soft wrap."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING

from codeexec.tui.widgets.editor.columns import LONG, is_plain, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_STRIDE = 256


@lru_cache(maxsize=1024)
def _breaks(line: str, width: int, tab: int) -> tuple[int, ...]:
    """The columns at which rows begin; the first is 0. Breaks after a blank where it can."""
    plain = is_plain(line)
    cells: Sequence[int] = range(len(line) + 1) if plain else shown(line, tab)[0]
    starts = [0]
    while cells[-1] - cells[starts[-1]] > width:
        start = starts[-1]
        limit = bisect_right(cells, cells[start] + width, lo=start) - 1
        while limit > start + 1 and not plain and cells[limit] == cells[limit - 1]:
            limit -= 1
        blank = max(line.rfind(" ", start, limit), line.rfind("\t", start, limit))
        starts.append(blank + 1 if blank > start + (limit - start) // 3 else max(limit, start + 1))
    return tuple(starts)


def row_starts(line: str, width: int, tab: int) -> Sequence[int]:
    """Where the rows of a line begin; a very long line is cut without looking at it."""
    narrow = len(line) <= width // 2 and "\t" not in line
    if narrow or (len(line) <= width and is_plain(line)):
        return (0,)
    if len(line) > LONG:
        # Half the width always suffices, be every character a wide one.
        step = width if line.isascii() else max(1, width // 2)
        return range(0, len(line), step)
    return _breaks(line, width, tab)


class RowMap:
    """Which rows of the screen each line has. Without a width each has one."""

    def __init__(self, lines: list[str], tab: int) -> None:
        self._lines = lines
        self._tab = tab
        self.width = 0
        self._counts: list[int] = []
        self._sums = [0]

    def set_width(self, width: int) -> None:
        """Wrap at `width` cells; 0 does not wrap."""
        self.width = width
        self._counts = [self._count(line) for line in self._lines] if width else []
        self._sums = [0]

    def _count(self, line: str) -> int:
        return len(row_starts(line, self.width, self._tab))

    def splice(self, first: int, removed: int, inserted: int) -> bool:
        """Lines have changed (they already have in the buffer); True if rows moved."""
        if not self.width:
            return removed != inserted
        fresh = [self._count(line) for line in self._lines[first : first + inserted]]
        old = self._counts[first : first + removed]
        if fresh == old:
            return False
        self._counts[first : first + removed] = fresh
        del self._sums[first // _STRIDE + 1 :]
        return True

    def _grow(self, block: int) -> None:
        while len(self._sums) <= block:
            at = (len(self._sums) - 1) * _STRIDE
            self._sums.append(self._sums[-1] + sum(self._counts[at : at + _STRIDE]))

    @property
    def total(self) -> int:
        return self.first_row(len(self._lines))

    def first_row(self, line: int) -> int:
        """The row at which `line` begins."""
        if not self.width:
            return line
        block = line // _STRIDE
        self._grow(block)
        return self._sums[block] + sum(self._counts[block * _STRIDE : line])

    def starts(self, line: int) -> Sequence[int]:
        """The columns at which the rows of `line` begin."""
        return row_starts(self._lines[line], self.width, self._tab) if self.width else (0,)

    def row_of(self, line: int, column: int) -> int:
        if not self.width:
            return line
        return self.first_row(line) + bisect_right(self.starts(line), column) - 1

    def line_at(self, row: int) -> tuple[int, int]:
        """The line that is on `row`, and which of its rows that is; the last line beyond it."""
        last = len(self._lines) - 1
        if not self.width:
            return min(max(row, 0), last), 0
        row = max(row, 0)
        self._grow(last // _STRIDE)
        block = bisect_right(self._sums, row) - 1
        rest = row - self._sums[block]
        for line in range(block * _STRIDE, len(self._lines)):
            if rest < self._counts[line]:
                return line, rest
            rest -= self._counts[line]
        return last, self._counts[last] - 1
