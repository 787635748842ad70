"""Rows of one terminal as the pane has them: the screen, and pages of the scrollback."""

from __future__ import annotations

from codeexec.domain.terminals import EMPTY_ROW, TerminalRow, TerminalScreen

PAGE = 200
"""Rows of a page."""
_KEPT = 20
"""Pages that are held: 4,000 rows."""


class RowStore:
    """Rows by their number over all that the terminal has shown. `missing` are the pages that were
    asked for and are not there."""

    def __init__(self) -> None:
        self.screen = TerminalScreen()
        self.missing: set[int] = set()
        self._pages: dict[int, dict[int, TerminalRow]] = {}

    @property
    def first(self) -> int:
        """The number of the oldest row that can be read."""
        return self.screen.first

    @property
    def end(self) -> int:
        """The number behind the last row of the screen."""
        return self.screen.history + len(self.screen.rows)

    def take(self, screen: TerminalScreen) -> bool:
        """Take a newer screen; whether rows of the scrollback may have got other numbers."""
        is_reflowed = screen.columns != self.screen.columns or screen.history < self.screen.history
        if is_reflowed:
            self.forget()
        self.screen = screen
        return is_reflowed

    def forget(self) -> None:
        """Let go of all rows that are not on the screen."""
        self._pages.clear()
        self.missing.clear()

    def row(self, number: int) -> TerminalRow:
        """A row; an empty one, and its page becomes `missing`, while it is not there."""
        history = self.screen.history
        if number >= history:
            place = number - history
            return self.screen.rows[place] if place < len(self.screen.rows) else EMPTY_ROW
        page = number // PAGE
        row = self._pages.get(page, {}).get(number)
        if row is None:
            self.missing.add(page)
            return EMPTY_ROW
        return row

    def has(self, number: int) -> bool:
        """Whether the row need not be asked for."""
        in_page = number in self._pages.get(number // PAGE, {})
        return number >= self.screen.history or number < self.first or in_page

    def put(self, start: int, rows: tuple[TerminalRow, ...]) -> None:
        """Take rows of the scrollback from number `start` on."""
        for number, row in enumerate(rows, start):
            if number < self.screen.history:
                page = number // PAGE
                self._pages.setdefault(page, {})[number] = row
                self.missing.discard(page)
        while len(self._pages) > _KEPT:
            self._pages.pop(next(iter(self._pages)))
