"""Table of a kernel's variable: orders by several columns, and frozen columns."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from codeexec.domain.requests import SortKey
from codeexec.tui.widgets.table import DOWN, UP, DataTableView
from codeexec.tui.widgets.table_pages import TableSource


class KernelTable(DataTableView):
    """The table of `TableScreen`, which asks the kernel for orders and searches."""

    @dataclass
    class OrderRequested(Message):
        """Sort by this column, or the other way round."""

        column: int

    @dataclass
    class SearchRequested(Message):
        """Search in the values; `is_next`: for the same text again."""

        is_next: bool

    def __init__(self, source: TableSource) -> None:
        super().__init__(source, shows_types=True)
        self.sort_keys: tuple[SortKey, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that are shown, from the left."""
        return self._columns.names

    @property
    def is_searched(self) -> bool:
        return self._search is not None

    def type_of(self, column: int) -> str:
        types = self._columns.types
        return types[column] if column < len(types) else ""

    def go_to(self, row: int, column: int) -> None:
        self._go(row, column)

    def read_anew(self, *, from_top: bool = False) -> None:
        """Read the rows in view, of which no old one may be shown."""
        if from_top:
            self._cursor = (0, self._cursor[1])
            self.scroll_to(y=0, animate=False)
        self._read_again()

    @property
    def frozen_count(self) -> int:
        return self._columns.frozen_count

    def freeze(self, count: int) -> None:
        """Keep so many columns on the left in view."""
        self._columns.frozen_count = count
        self.scroll_to(x=0, animate=False)
        self.refresh()

    def action_search(self) -> None:
        self.post_message(self.SearchRequested(False))

    def action_next_match(self) -> None:
        self.post_message(self.SearchRequested(True))

    def _turn_order(self, column: int) -> None:
        if column < len(self._columns.names):
            self.post_message(self.OrderRequested(column))

    def _mark(self, name: str) -> str:
        for number, key in enumerate(self.sort_keys, 1):
            if key.column == name:
                arrow = DOWN if key.descending else UP
                return f"{arrow}{number}" if len(self.sort_keys) > 1 else arrow
        return ""
