"""A data frame of the kernel on the whole screen, read page by page, in the order of a column."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.events import Variable
from codeexec.tui.commands import bindings
from codeexec.tui.feed import Frame
from codeexec.tui.widgets.artifacts.row_list import one_line
from codeexec.tui.widgets.table import DataTableView
from codeexec.tui.widgets.table_pages import PagedTable


class TableScreen(ModalScreen[None]):
    """Shows a variable; follows it when a run has changed it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("table_screen")]

    DEFAULT_CSS = """
    TableScreen { background: $surface; }
    TableScreen #head { height: 1; padding: 0 1; background: $panel; }
    TableScreen #title { width: 1fr; text-style: bold; }
    TableScreen #keys { width: auto; padding: 0 0 0 2; color: $text-muted; }
    TableScreen DataTableView { height: 1fr; padding: 0 1; }
    """

    def __init__(self, session: SessionClient, name: str) -> None:
        super().__init__()
        self._session = session
        self.variable_name = name
        self._seen: Variable | None = None
        self._fault = ""
        self._names: dict[str, str] = {}
        self._was_idle = True

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Static(Content(one_line(self.variable_name)), id="title")
            yield Static("s sort  / column  r again  esc close", id="keys")
        yield DataTableView(PagedTable(self._read))

    def on_mount(self) -> None:
        self.query_one(DataTableView).focus()

    async def _read(self, start: int, count: int, sort: str, descending: bool) -> q.TablePage:
        sort = self._names.get(sort, sort)
        page = await self._session.call(
            q.ReadTable(self.variable_name, start, count, sort, descending)
        )
        # Values are a program's: what they hold must not speak to the terminal.
        self._names = {one_line(name): name for name in page.names}
        return replace(
            page,
            names=tuple(map(one_line, page.names)),
            index=tuple(map(one_line, page.index)),
            cells=tuple(tuple(map(one_line, row)) for row in page.cells),
        )

    def show_frame(self, frame: Frame) -> None:
        """Read again what has changed, or what a busy kernel could not tell."""
        snapshot = frame.snapshot
        found = next((v for v in snapshot.variables if v.name == self.variable_name), None)
        is_idle = snapshot.kernel.state == "idle"
        changed = self._seen is not None and found is not None and found != self._seen
        self._seen = found or self._seen
        if is_idle and (changed or (self._fault and not self._was_idle)):
            self.action_reload()
        self._was_idle = is_idle

    @on(DataTableView.Changed)
    def note_change(self, event: DataTableView.Changed) -> None:
        event.stop()
        self._fault = event.fault
        rows, columns = event.table.size_of_table
        name = one_line(self.variable_name)
        words = f"{name}  {rows:,}×{columns:,}" if columns else name
        if event.sort:
            words += f"  by {event.sort} {'↓' if event.descending else '↑'}"
        self.query_one("#title", Static).update(Content(words))

    def action_reload(self) -> None:
        table = self.query_one(DataTableView)
        table.sort_by(*table.order)

    def action_close(self) -> None:
        self.dismiss(None)
