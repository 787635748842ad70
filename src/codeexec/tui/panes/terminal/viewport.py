"""Which rows of a terminal are in view: the last ones, or those that the reader scrolled to."""

from __future__ import annotations

from codeexec.tui.panes.terminal.rows import RowStore


class RowWindow:
    """`height` is that of the pane, in rows."""

    def __init__(self, rows: RowStore) -> None:
        self._rows = rows
        self.height = 0
        self._top: int | None = None

    @property
    def follows(self) -> bool:
        """Whether the screen is shown, not a place in the scrollback."""
        return self._top is None

    @property
    def top(self) -> int:
        """The number of the first row in view."""
        last = self._last
        return last if self._top is None else min(max(self._top, self._rows.first), last)

    @property
    def _last(self) -> int:
        """The first row in view while the screen is shown. Of a screen that is higher than the
        pane, as another client has it, the part with the cursor."""
        screen = self._rows.screen
        hidden = max(len(screen.rows) - self.height, 0)
        above = min(hidden, max(screen.cursor.row - self.height + 1, 0)) if hidden else 0
        return screen.history + above

    def scroll(self, by: int) -> bool:
        """Move by rows; whether that changed what is in view."""
        return self.go_to(self.top + by)

    def go_to(self, number: int) -> bool:
        """Have that row at the top, as far as there are rows."""
        old_place = (self.top, self.follows)
        number = max(number, self._rows.first)
        self._top = None if number >= self._last else number
        return (self.top, self.follows) != old_place

    def reveal(self, number: int) -> bool:
        """Scroll as little as needed to have a row in view."""
        if number < self.top:
            return self.go_to(number)
        if number >= self.top + self.height:
            return self.go_to(number - self.height + 1)
        return False

    def follow(self) -> bool:
        """Show the screen."""
        return self.go_to(self._last)

    def bar(self) -> tuple[int, int] | None:
        """First and last row of the pane that the thumb of the scroll bar covers; None where
        everything is in view, or a program has the whole screen."""
        total = self._rows.end - self._rows.first
        is_alone = self.follows and self._rows.screen.modes.is_alternate
        if total <= self.height or self.height < 1 or is_alone:
            return None
        size = max(self.height * self.height // total, 1)
        room = self.height - size
        hidden = max(self._last - self._rows.first, 1)
        start = round((self.top - self._rows.first) * room / hidden)
        return min(start, room), min(start, room) + size - 1

    def row_at_bar(self, y: int) -> int:
        """The row to have at the top when the scroll bar is pressed at `y`."""
        hidden = self._last - self._rows.first
        return self._rows.first + round(hidden * y / max(self.height - 1, 1))
