"""How often each value of a column is there; the chosen one becomes a filter of the table."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.geometry import Region
from textual.widgets import Static

from codeexec.domain.requests import TablePage
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import one_line, plain_words
from codeexec.tui.screens.tables.table_modal import TableModal
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.table import DataTableView

_HINTS = (
    Hint("enter", "only these rows", "choose"),
    Hint("s", "sort", "sort"),
    Hint("esc", "back", "close"),
)


class ValuesScreen(TableModal[str | None]):
    """Dismissed with the text of the chosen value."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("table_values")]

    DEFAULT_CSS = """
    ValuesScreen #head { height: 1; padding: 0 1; background: $panel; }
    ValuesScreen #title { width: 1fr; text-style: bold; }
    ValuesScreen #keys { width: auto; padding: 0 0 0 2; color: $text-muted; LINKS }
    ValuesScreen DataTableView { height: 1fr; padding: 0 1; }
    """.replace("LINKS", LINKS)

    def __init__(self, column: str, page: TablePage, note: str, place: Region | None) -> None:
        super().__init__(place)
        page = replace(
            page,
            names=tuple(map(one_line, page.names)),
            cells=tuple(tuple(map(one_line, row)) for row in page.cells),
        )
        self._rows = page
        self._words = f"{one_line(column)}  {page.rows:,} values {one_line(note)}"
        self._table = DataTableView(page)

    def compose(self) -> ComposeResult:
        with self.window:
            with Horizontal(id="head"):
                yield Static(plain_words(self._words), id="title")
                yield Static(hint_line(_HINTS), id="keys")
            yield self._table

    def on_mount(self) -> None:
        self._table.focus()

    def action_sort(self) -> None:
        self._table.action_sort()

    def action_choose(self) -> None:
        text = self._table.cell_text(0)
        if text is not None:
            self.dismiss(text)

    def action_close(self) -> None:
        self.dismiss(None)
