"""Rows of a table: from memory, or read page by page from a kernel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from codeexec.documents.displays.table_values import sorted_page
from codeexec.domain.requests import TablePage

PAGE = 200
"""Rows asked for at once."""

KEPT_PAGES = 16
"""Pages remembered; the one that was used longest ago is let go first."""


class TableSource(Protocol):
    """Rows in the order of a column (`sort` empty: their own), `start` counted from 0.

    Raises CodeexecError when they cannot be had.
    """

    async def read(self, start: int, count: int, sort: str, descending: bool) -> TablePage: ...


class WholeTable:
    """A table that is all here, such as that of an HTML display."""

    def __init__(self, page: TablePage) -> None:
        self._page = page
        self._order: tuple[str, bool] = ("", False)
        self._sorted = page

    async def read(self, start: int, count: int, sort: str, descending: bool) -> TablePage:
        if (sort, descending) != self._order:
            self._order = (sort, descending)
            self._sorted = sorted_page(self._page, sort, descending)
        whole = self._sorted
        stop = start + count
        return TablePage(
            names=whole.names,
            types=whole.types,
            index=whole.index[start:stop],
            cells=whole.cells[start:stop],
            start=start,
            rows=len(whole.cells),
            columns=len(whole.names),
        )


class PagedTable:
    """A table that is read by a call, such as a request to the session's kernel."""

    def __init__(self, read: Callable[[int, int, str, bool], Awaitable[TablePage]]) -> None:
        self._read = read

    async def read(self, start: int, count: int, sort: str, descending: bool) -> TablePage:
        return await self._read(start, count, sort, descending)


class TablePages:
    """The pages at hand of one table in one order."""

    def __init__(self) -> None:
        self._pages: dict[int, TablePage] = {}
        self._stale: set[int] = set()

    def put(self, number: int, page: TablePage) -> None:
        self._pages.pop(number, None)
        self._pages[number] = page
        self._stale.discard(number)
        while len(self._pages) > KEPT_PAGES:
            del self._pages[next(iter(self._pages))]

    def clear(self) -> None:
        self._pages.clear()
        self._stale.clear()

    def doubt(self) -> None:
        """What is here may be out of date: show it, but read it again."""
        self._stale = set(self._pages)

    def __contains__(self, number: object) -> bool:
        return number in self._pages

    def row(self, at: int) -> tuple[str, tuple[str, ...]] | None:
        """The title and the cells of a row, or None while it is not here."""
        number, within = divmod(at, PAGE)
        page = self._pages.get(number)
        if page is None or within >= len(page.cells):
            return None
        return (page.index[within] if page.index else str(at)), page.cells[within]

    def missing(self, first: int, last: int) -> list[int]:
        """The numbers of the pages that rows `first` to `last` need and that are not here, or
        are in doubt."""
        numbers = range(first // PAGE, last // PAGE + 1)
        return [n for n in numbers if n not in self._pages or n in self._stale]
