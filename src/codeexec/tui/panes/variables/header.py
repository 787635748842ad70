"""The line above the variables: titles of the columns, and which of them the list is sorted by."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from codeexec.tui.panes.variables.outline import Order, VariableColumns
from codeexec.tui.render.plain import padded

_INDENT = 1
"""Cells of a list before its rows, in which the cursor's bar stands."""


class ColumnHeader(Static):
    """A click on a title sorts by it."""

    DEFAULT_CSS = """
    ColumnHeader { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: clip; }
    """

    @dataclass
    class OrderChosen(Message):
        """Sort by this column, or the other way round where that is so already."""

        order: Order

    def __init__(self, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._ends: list[tuple[int, Order | None]] = []
        """Columns by the cell behind each; None: the list cannot be sorted by it."""

    def show(
        self, columns: VariableColumns, order: Order, descending: bool, is_counting: bool
    ) -> None:
        """Titles for columns as wide as those of the rows."""
        listed: list[tuple[str, int, Order | None]] = [
            ("Name", columns.name + 2, "name"),
            ("Type", columns.type + 2, "type"),
        ]
        if columns.shape:
            listed.append(("Shape", columns.shape + 1, None))
        if columns.size:
            listed.append(("Size", columns.size + 2, "size"))
        listed.append(("counting memory…" if is_counting else "Value", 16, None))
        text = Content(" " * _INDENT)
        self._ends = []
        end = _INDENT
        for title, width, by in listed:
            is_sorted = by == order
            words = f"{title} {'↓' if descending else '↑'}" if is_sorted else title
            if by == "size":  # above numbers, which end at the right
                words = words.rjust(columns.size)
            text += Content.styled(padded(words, width), "$text-accent" if is_sorted else "")
            end += width
            self._ends.append((end, by))
        if self.content != text:
            self.update(text)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        order = next((by for end, by in self._ends if event.x < end), None)
        if order is not None:
            self.post_message(self.OrderChosen(order))

    @property
    def words(self) -> str:
        """The line as it is read."""
        return str(self.content)

    def column_of(self, order: Order) -> int:
        """The first cell of a column that the list can be sorted by."""
        start = _INDENT
        for end, by in self._ends:
            if by == order:
                return start
            start = end
        return cell_len(self.words)
