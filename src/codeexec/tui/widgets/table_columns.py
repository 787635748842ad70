"""Column layout of a table: widths measured from the values seen so far, and edges."""

from __future__ import annotations

from bisect import bisect_right

from rich.cells import cell_len, set_cell_size

from codeexec.documents.displays.table_values import is_numeric
from codeexec.domain.requests import TablePage
from codeexec.tui.render.plain import one_line

MAX_WIDTH = 40
"""The widest column, in cells; longer text ends in an ellipsis."""

GAP = 2
MARK_WIDTH = 2
"""Cells kept beside a name for the arrow of the order."""

_MIN_WIDTH = 3
_TYPE_WIDTH = 14
"""A longer name of a type is cut."""


class Columns:
    """Columns behind a frozen index; a column is as wide as what was seen of it, and only grows."""

    def __init__(self, *, shows_types: bool = False) -> None:
        self._shows_types = shows_types
        self.names: tuple[str, ...] = ()
        self.index_width = 0
        self.widths: list[int] = []
        self.edges: list[int] = [0]
        self.is_right: list[bool] = []
        self.types: tuple[str, ...] = ()
        self.frozen_count = 0
        """Columns on the left that do not scroll."""

    def measure(self, page: TablePage) -> None:
        """Take in what a page holds."""
        if page.names != self.names:
            self.names, self.types = page.names, page.types
            types = page.types if self._shows_types else ()
            mark = MARK_WIDTH + bool(types)  # there orders have numbers
            self.widths = [
                min(max(cell_len(name) + mark, _MIN_WIDTH), MAX_WIDTH) for name in page.names
            ]
            for at, kind in enumerate(types[: len(self.widths)]):
                self.widths[at] = max(self.widths[at], min(cell_len(kind), _TYPE_WIDTH))
            self.is_right = [is_numeric(page, column) for column in range(len(page.names))]
        if page.cells:
            for at, column in enumerate(zip(*page.cells, strict=True)):
                self.widths[at] = max(self.widths[at], min(max(map(cell_len, column)), MAX_WIDTH))
        titles = page.index or (str(max(page.rows - 1, 0)),)
        widest = min(max(map(cell_len, titles)), MAX_WIDTH)
        self.index_width = max(self.index_width, widest)
        self.edges = [self.index_width + GAP]
        for width in self.widths:
            self.edges.append(self.edges[-1] + width + GAP)

    @property
    def frozen(self) -> int:
        """Cells on the left that do not scroll: the index, its gap and the frozen columns."""
        return self.edges[min(self.frozen_count, len(self.names))]

    @property
    def extent(self) -> int:
        """Cells of the index and all columns."""
        return self.edges[-1]

    def at(self, x: int, scrolled: int) -> int | None:
        """The column under a cell of the window; None for the index and what is behind."""
        if x < self.edges[0]:
            return None
        column = bisect_right(self.edges, x if x < self.frozen else x + scrolled) - 1
        return column if column < len(self.names) else None

    def seen(self, scrolled: int, width: int) -> range:
        """The columns that scroll of which at least a cell is in a window of that width."""
        first = max(bisect_right(self.edges, scrolled + self.frozen) - 1, self.frozen_count)
        last = bisect_right(self.edges, scrolled + width)
        return range(first, min(last, len(self.names)))

    def text(self, column: int, value: str, mark: str = "") -> str:
        """A value as wide as its column, numbers to the right."""
        width = self.widths[column]
        fitted_value = fitted(value, width - len(mark)) + mark
        blank = " " * (width - cell_len(fitted_value))
        return blank + fitted_value if self.is_right[column] else fitted_value + blank


def fitted(text: str, width: int) -> str:
    """On one line, and no wider than that."""
    text = one_line(text)
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)) + "…"
