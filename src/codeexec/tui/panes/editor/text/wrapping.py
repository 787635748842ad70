"""Map lines to screen rows and back, with soft wrap and blocks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text.blocks import Block, Blocks
from codeexec.tui.panes.editor.text.columns import LONG, is_plain, shown

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
    """Which rows of the screen each line has, with the blocks of rows that stand between lines.

    Without a width each line has one row. A row belongs to a line or to a block.
    """

    def __init__(self, lines: list[str], tab: int) -> None:
        self._lines = lines
        self._tab = tab
        self.width = 0
        self.blocks = Blocks()
        self.blocks.rows_of = self._rows_of
        self._counts: list[int] = []
        self._sums = [0]
        self._starts: list[int] = []
        self._starts_version = -1

    def set_width(self, width: int) -> None:
        """Wrap at `width` cells; 0 does not wrap."""
        self.width = width
        self._counts = [self._count(line) for line in self._lines] if width else []
        self._sums = [0]
        if self.blocks.hides_lines:
            self.blocks.recount()

    def _count(self, line: str) -> int:
        return len(row_starts(line, self.width, self._tab))

    def splice(self, first: int, removed: int, inserted: int) -> bool:
        """Lines have changed (they already have in the buffer); True if rows moved."""
        if not self.width:
            self.blocks.splice(first, removed, inserted)
            return removed != inserted
        fresh = [self._count(line) for line in self._lines[first : first + inserted]]
        old = self._counts[first : first + removed]
        is_moved = fresh != old
        if is_moved:
            self._counts[first : first + removed] = fresh
            del self._sums[first // _STRIDE + 1 :]
        self.blocks.splice(first, removed, inserted)
        if is_moved and self.blocks.hides_lines:
            self.blocks.recount()
        return is_moved

    def _rows_of(self, first: int, end: int) -> int:
        """Rows that these lines have, shown or hidden."""
        return sum(self._counts[first:end]) if self.width else end - first

    def _grow(self, stride: int) -> None:
        while len(self._sums) <= stride:
            at = (len(self._sums) - 1) * _STRIDE
            self._sums.append(self._sums[-1] + sum(self._counts[at : at + _STRIDE]))

    @property
    def total(self) -> int:
        """All rows, those of blocks included."""
        return self._text_rows_above(len(self._lines)) + self.blocks.total

    def first_row(self, line: int) -> int:
        """The row at which `line` begins; for a hidden line, a row at or below its block."""
        return self._text_rows_above(line) + self.blocks.rows_above(line)

    def block_over(self, line: int) -> Block | None:
        """The block that stands in place of `line`."""
        lines = self.blocks.lines()
        for index in range(bisect_left(lines, line), len(lines)):
            block = self.blocks.at(index)
            if block.hidden and block.line + 1 - block.hidden <= line:
                return block
            if block.line > line:
                break
        return None

    def _text_rows_above(self, line: int) -> int:
        if not self.width:
            return line
        stride = line // _STRIDE
        self._grow(stride)
        return self._sums[stride] + sum(self._counts[stride * _STRIDE : line])

    def starts(self, line: int) -> Sequence[int]:
        """The columns at which the rows of `line` begin."""
        return row_starts(self._lines[line], self.width, self._tab) if self.width else (0,)

    def row_of(self, line: int, column: int) -> int:
        """The row that shows the column of a line; for a hidden line the first of its block."""
        if (block := self.block_over(line)) is not None:
            return self._start_of(self.blocks.index(block))
        part = bisect_right(self.starts(line), column) - 1 if self.width else 0
        return self.first_row(line) + part

    def line_at(self, row: int) -> tuple[int, int]:
        """The line that is on `row`, and which of its rows that is; the last line beyond it.

        For a row of a block it is the last row of the line above.
        """
        if not self.blocks:
            return self._text_line_at(row)
        index, above = self._blocks_above(row)
        if index and row < above:
            line = self.blocks.at(index - 1).line
            return line, len(self.starts(line)) - 1
        return self._text_line_at(row - self.blocks.rows_above(self._line_above(index) + 1))

    def block_at(self, row: int) -> tuple[Block, int] | None:
        """The block that is on `row`, and which of its rows that is; None for a row of text."""
        index, end = self._blocks_above(row)
        if index and row < end:
            block = self.blocks.at(index - 1)
            return block, row - (end - block.height)
        return None

    def text_row(self, row: int, direction: int) -> int:
        """The row itself if it is one of text, else the next one above (-1) or below (1)."""
        while (place := self.block_at(row)) is not None:
            block, offset = place
            row += block.height - offset if direction > 0 else -offset - 1
        return row

    def _blocks_above(self, row: int) -> tuple[int, int]:
        """How many blocks begin at or above `row`, and the row after the last of these."""
        if self.width:
            low = bisect_right(range(len(self.blocks.lines())), row, key=self._start_of)
        else:
            low = bisect_right(self._block_starts(), row)
        if not low:
            return 0, 0
        return low, self._start_of(low - 1) + self.blocks.at(low - 1).height

    def _block_starts(self) -> list[int]:
        """The rows at which the blocks begin, of lines that are not wrapped."""
        if self._starts_version != self.blocks.version:
            self._starts_version = self.blocks.version
            self._starts = self.blocks.starts()
        return self._starts

    def _start_of(self, index: int) -> int:
        """The row at which the block with this index begins."""
        block = self.blocks.at(index)
        line = min(block.line, len(self._lines) - 1)
        return self._text_rows_above(line + 1 - block.hidden) + self.blocks.height_before(index)

    def _line_above(self, index: int) -> int:
        """The line that the last of the first `index` blocks stands below; -1 without a block."""
        return self.blocks.at(index - 1).line if index else -1

    def _text_line_at(self, row: int) -> tuple[int, int]:
        """`line_at` as if there were no blocks."""
        last = len(self._lines) - 1
        if not self.width:
            return min(max(row, 0), last), 0
        row = max(row, 0)
        self._grow(last // _STRIDE)
        stride = bisect_right(self._sums, row) - 1
        remaining = row - self._sums[stride]
        for line in range(stride * _STRIDE, len(self._lines)):
            if remaining < self._counts[line]:
                return line, remaining
            remaining -= self._counts[line]
        return last, self._counts[last] - 1
