"""Full-screen data table of a kernel variable, read page by page."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import one_line, plain_words
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal
from codeexec.tui.widgets.table import DataTableView
from codeexec.tui.widgets.table_pages import PagedTable

_HINTS = (
    Hint("s", "sort", "sort"),
    Hint("/", "column", "search"),
    Hint("r", "again", "reload"),
    Hint("esc", "close", "close"),
)


class TableScreen(Modal[None]):
    """Table of a variable; reads it again after a run has changed it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("table_screen")]

    DEFAULT_CSS = """
    TableScreen { background: $surface; }
    TableScreen #head { height: 1; padding: 0 1; background: $panel; }
    TableScreen #title { width: 1fr; text-style: bold; }
    TableScreen #keys { width: auto; padding: 0 0 0 2; color: $text-muted; LINKS }
    TableScreen DataTableView { height: 1fr; padding: 0 1; }
    """.replace("LINKS", LINKS)

    def __init__(self, session: SessionClient, name: str, kernel: str = "") -> None:
        """`kernel` is the kernel of the session that has the variable."""
        super().__init__()
        self._kernel = kernel
        self._session = session
        self.variable_name = name
        self._names: dict[str, str] = {}
        self._was_idle = True
        self._in_doubt = False
        self._title = Static(plain_words(one_line(name)), id="title")
        self._table = DataTableView(PagedTable(self._read))

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield self._title
            yield Static(hint_line(_HINTS), id="keys")
        yield self._table

    def on_mount(self) -> None:
        self._table.focus()

    async def _read(self, start: int, count: int, sort: str, descending: bool) -> q.TablePage:
        sort = self._names.get(sort, sort)
        page = await self._session.call(
            q.ReadTable(self.variable_name, start, count, sort, descending, self._kernel)
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
        """Read again after each run, which may have changed it; till then it is of before."""
        views = (frame.view(key) for key in frame.changed)
        self._in_doubt |= frame.variables_changed or any(v and not v.is_open for v in views)
        if not self._table.is_attached:
            return  # a frame may come before the screen is made
        is_idle = frame.snapshot.kernel_named(self._kernel).state == "idle"
        if is_idle and self._in_doubt:
            self._in_doubt = False
            self._table.look_again()
        if is_idle != self._was_idle:
            self._was_idle = is_idle
            self._say()

    @on(DataTableView.RowsChanged)
    def note_change(self, event: DataTableView.RowsChanged) -> None:
        event.stop()
        self._say()

    def _say(self) -> None:
        """Its name, size and order, and whether a run may be changing it now."""
        table = self._table
        rows, columns = table.size_of_table
        sort, descending = table.order
        name = one_line(self.variable_name)
        title = f"{name}  {rows:,}×{columns:,}" if columns else name
        if sort:
            title += f"  by {sort} {'↓' if descending else '↑'}"
        old = "" if self._was_idle else "  ▶ as before the run"
        self._title.update(
            Content.assemble(plain_words(title), Content.styled(old, "$text-warning"))
        )

    def action_reload(self) -> None:
        self._table.look_again()

    def action_sort(self) -> None:
        self._table.action_sort()

    def action_search(self) -> None:
        self._table.action_search()

    def action_close(self) -> None:
        self.dismiss(None)
