"""Output rows beyond the snapshot's tail, cached by page, and line heights of rows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from itertools import accumulate

from codeexec.domain.outputs import Run, iter_rows

PAGE = 250
"""Rows that are asked for at once."""

KEPT_PAGES = 40
"""Pages in memory, whatever the number of rows that were printed."""

PageKey = tuple[str, int]
"""An execution and the number of a page of it."""


class RowPages:
    """The pages read last. A row that is not here is noted as wanted."""

    def __init__(self) -> None:
        self._pages: OrderedDict[PageKey, list[Run]] = OrderedDict()
        self._wanted: dict[PageKey, None] = {}
        self._asked: set[PageKey] = set()

    def get(self, execution_id: str, row: int) -> Run | None:
        number, at = divmod(row, PAGE)
        key = (execution_id, number)
        page = self._pages.get(key)
        if page is not None:
            self._pages.move_to_end(key)
            if at < len(page):
                return page[at]
        if key not in self._asked:
            self._wanted[key] = None
        return None

    def take_wanted(self) -> list[PageKey]:
        """Pages to ask for now, each told once."""
        pages = list(self._wanted)
        self._wanted.clear()
        self._asked.update(pages)
        return pages

    def put(self, execution_id: str, start: int, runs: Iterable[Run]) -> None:
        """Rows that were read; `start` is where a page begins."""
        key = (execution_id, start // PAGE)
        self._asked.discard(key)
        self._pages[key] = list(iter_rows(runs))
        self._pages.move_to_end(key)
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)

    def give_up(self, execution_id: str, start: int) -> None:
        """The page could not be read: it may be wanted again."""
        self._asked.discard((execution_id, start // PAGE))

    def pages_of(self, execution_id: str) -> list[tuple[int, list[Run]]]:
        """The first row and the rows of each page of an execution that is in memory."""
        return [
            (number * PAGE, rows)
            for (name, number), rows in self._pages.items()
            if name == execution_id
        ]

    def forget(self, execution_id: str, row: int = 0) -> None:
        """Rows from `row` on are not what they were."""
        first = row // PAGE
        for key in [k for k in self._pages if k[0] == execution_id and k[1] >= first]:
            del self._pages[key]


class Heights:
    """Lines on screen of the rows of one execution: one each, but for those told otherwise."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._extra: list[int] = []
        self._sums: list[int] = []

    def set(self, row: int, lines: int, *, is_hidden: bool = False) -> bool:
        """Row `row` takes `lines` lines (at least one), or none if it is hidden; whether that is
        news."""
        at = bisect_left(self._rows, row)
        is_stored = at < len(self._rows) and self._rows[at] == row
        extra = -1 if is_hidden else max(lines, 1) - 1
        if is_stored and self._extra[at] == extra:
            return False
        if is_stored and not extra:
            del self._rows[at], self._extra[at]
        elif is_stored:
            self._extra[at] = extra
        elif extra:
            self._rows.insert(at, row)
            self._extra.insert(at, extra)
        else:
            return False
        self._sums[at:] = accumulate(self._extra[at:], initial=self._sums[at - 1] if at else 0)
        # `accumulate` says its initial value first, which belongs to the row before.
        del self._sums[at]
        return True

    def cut(self, row: int) -> None:
        """Forget what was told of rows from `row` on."""
        at = bisect_left(self._rows, row)
        del self._rows[at:], self._extra[at:], self._sums[at:]

    def top(self, row: int) -> int:
        """The first line of a row; of the row after the last: how many lines there are."""
        at = bisect_left(self._rows, row)
        return row + (self._sums[at - 1] if at else 0)

    def locate(self, line: int) -> tuple[int, int]:
        """The row that a line belongs to, and which of its lines it is."""
        # First lines of the tall rows ascend, so the last one at or above the line is it.
        at = bisect_right(range(len(self._rows)), line, key=self._top_of) - 1
        if at < 0:
            return line, 0
        top = self._top_of(at)
        if line - top <= self._extra[at]:
            return self._rows[at], line - top
        return line - self._sums[at], 0

    def _top_of(self, at: int) -> int:
        return self._rows[at] + (self._sums[at - 1] if at else 0)
