"""Data table widget: scrolls rows and columns, sorts, and searches column names.

Only what is seen is painted, and only pages that are seen are read, so that a million rows cost
what a screenful does. The index and the header stay in view.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codeexec.documents.displays.table_values import NULLS
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import TablePage
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import one_line
from codeexec.tui.widgets.table_columns import GAP, Columns, fitted
from codeexec.tui.widgets.table_pages import PAGE, TablePages, TableSource, WholeTable

UP, DOWN = " ↑", " ↓"


class DataTableView(ScrollView, can_focus=True):
    """Shows a `TableSource`, or a `TablePage` as a whole."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--index",
        "table--null",
        "table--cursor",
        "table--row",
        "table--match",
        "table--prompt",
    }

    DEFAULT_CSS = """
    DataTableView {
        height: 1fr;
        & > .table--header { background: $panel; text-style: bold; }
        & > .table--index { color: $text-muted; }
        & > .table--null { color: $text-muted; text-style: italic; }
        & > .table--row { background: $panel; }
        & > .table--cursor { background: $block-cursor-blurred-background; }
        &:focus > .table--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
        }
        & > .table--match { background: $panel; color: $text-accent; text-style: bold underline; }
        & > .table--prompt { background: $panel; color: $text-accent; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("table")]

    class RowsChanged(Message):
        """The visible rows were read in this order, or reading failed: `fault` says why."""

        def __init__(self, table: DataTableView, sort: str, descending: bool, fault: str) -> None:
            super().__init__()
            self.table = table
            self.sort = sort
            self.descending = descending
            self.fault = fault

        @property
        def control(self) -> DataTableView:
            return self.table

    def __init__(
        self,
        source: TableSource | TablePage | None = None,
        *,
        shows_types: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._source = WholeTable(source) if isinstance(source, TablePage) else source
        self._pages = TablePages()
        self._head_rows = 2 if shows_types else 1
        self._columns = Columns(shows_types=self._head_rows > 1)
        self._rows = 0
        self._sort, self._descending = "", False
        self._cursor = (0, 0)
        self._fault = ""
        self._search: str | None = None
        self._matches: list[int] = []

    # -- what is shown -----------------------------------------------------------------

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column, counted from 0."""
        return self._cursor

    @property
    def order(self) -> tuple[str, bool]:
        """The column that sorts the rows (or nothing), and whether from the greatest down."""
        return self._sort, self._descending

    @property
    def size_of_table(self) -> tuple[int, int]:
        """Rows and columns of the whole table."""
        return self._rows, len(self._columns.names)

    def cell_text(self, column: int | None = None) -> str | None:
        """The text of a column in the row of the cursor, of the cursor's own where none is named;
        None while it is not here."""
        row = self._pages.row(self._cursor[0])
        column = self._cursor[1] if column is None else column
        return row[1][column] if row is not None and column < len(row[1]) else None

    def show(self, source: TableSource | TablePage) -> None:
        """Show another table from its beginning."""
        self._source = WholeTable(source) if isinstance(source, TablePage) else source
        self._sort, self._descending = "", False
        self._cursor, self._fault, self._matches = (0, 0), "", []
        self._columns = Columns(shows_types=self._head_rows > 1)
        self.scroll_to(0, 0, animate=False)
        self._read_again()

    def sort_by(self, name: str, descending: bool = False) -> None:
        """Put the rows in the order of a column; an empty name restores their own."""
        self._sort, self._descending = name, descending
        self._read_again()

    def look_again(self) -> None:
        """Read what is in view anew; what was there before stays until it comes."""
        self._pages.doubt()
        self._read_missing()

    def find_column(self, text: str) -> bool:
        """Go to the first column from the cursor on whose name holds the text, in any case."""
        sought = text.casefold()
        self._matches = [
            at
            for at, name in enumerate(self._columns.names)
            if sought and sought in name.casefold()
        ]
        self.refresh()
        if not self._matches:
            return False
        column = next((at for at in self._matches if at >= self._cursor[1]), self._matches[0])
        self._go(self._cursor[0], column)
        return True

    # -- reading -----------------------------------------------------------------------

    def on_mount(self) -> None:
        self._read_again()

    def on_resize(self) -> None:
        self._read_missing()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._read_missing()

    def _read_again(self) -> None:
        self._pages.clear()
        self._read_missing()
        self.refresh()

    def _read_missing(self) -> None:
        if self._source is not None and self.is_mounted:
            self._read(self._source)

    @work(group="pages", exclusive=True)
    async def _read(self, source: TableSource) -> None:
        """Read the pages in view, and say when they are there."""
        top = self.scroll_offset.y
        last = max(min(top + self.size.height, self._rows) - 1, top, 0)
        missing = self._pages.missing(min(top, last), last)
        for number in missing:
            try:
                page = await source.read(number * PAGE, PAGE, self._sort, self._descending)
            except CodeexecError as fault:
                self._fault = str(fault)
                break
            self._fault = ""
            self._pages.put(number, page)
            self._rows = page.rows
            self._columns.measure(page)
            self.virtual_size = Size(self._columns.extent, self._rows + self._head_rows)
        if missing:
            self.refresh()
            self.post_message(self.RowsChanged(self, self._sort, self._descending, self._fault))

    # -- keys and mouse ----------------------------------------------------------------

    def action_move(self, down: int, right: int) -> None:
        self._go(self._cursor[0] + down, self._cursor[1] + right)

    def action_page(self, pages: int) -> None:
        """Scroll by as many rows as are seen; the cursor stays where it is on the screen."""
        height = max(self.size.height - self._head_rows - 1, 1)
        self.scroll_to(y=self.scroll_offset.y + pages * height, animate=False, force=True)
        self._go(self._cursor[0] + pages * height, self._cursor[1])

    def action_first(self) -> None:
        self._go(0, self._cursor[1])

    def action_last(self) -> None:
        self._go(self._rows - 1, self._cursor[1])

    def action_sort(self) -> None:
        self._turn_order(self._cursor[1])

    def action_search(self) -> None:
        self._search = ""
        self.refresh()

    def action_next_match(self) -> None:
        later = [at for at in self._matches if at > self._cursor[1]] or self._matches
        if later:
            self._go(self._cursor[0], later[0])

    def on_key(self, event: events.Key) -> None:
        """While a column is searched, keys are the text that is searched for."""
        if self._search is None:
            return
        event.stop()
        event.prevent_default()
        if event.key in ("enter", "escape"):
            if event.key == "escape":
                self._matches = []
            self._search = None
        elif event.key == "backspace":
            self._search = self._search[:-1]
            self.find_column(self._search)
        elif event.is_printable and event.character:
            self._search += event.character
            self.find_column(self._search)
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key is a command while it is text."""
        return self._search is None

    def on_click(self, event: events.Click) -> None:
        column = self._columns.at(event.x, self.scroll_offset.x)
        if event.y < self._head_rows:
            if column is not None and event.button == 1:
                self._turn_order(column)
            return
        row = event.y - self._head_rows + self.scroll_offset.y
        if row < self._rows:
            self._go(row, self._cursor[1] if column is None else column)

    def _turn_order(self, column: int) -> None:
        """Up, then down, then as it was."""
        if column >= len(self._columns.names):
            return
        name = self._columns.names[column]
        if self._sort != name:
            self.sort_by(name)
        elif not self._descending:
            self.sort_by(name, descending=True)
        else:
            self.sort_by("")

    def _go(self, row: int, column: int) -> None:
        row = min(max(row, 0), max(self._rows - 1, 0))
        column = min(max(column, 0), max(len(self._columns.names) - 1, 0))
        self._cursor = (row, column)
        self._reveal(row, column)
        self.refresh()

    def _reveal(self, row: int, column: int) -> None:
        """Scroll the cell into the part of the window that header and index leave free."""
        if not self._columns.names:
            return
        free = self.scrollable_content_region.size
        index = self._columns.frozen
        x, y = self.scroll_offset
        left, right = self._columns.edges[column] - index, self._columns.edges[column + 1] - index
        if column < self._columns.frozen_count:
            pass  # it is in view
        elif left < x:
            x = left
        elif right > x + free.width - index:
            x = min(right - (free.width - index), left)
        y = min(max(y, row - (free.height - self._head_rows - 1)), row)
        self.scroll_to(x, y, animate=False, force=True)

    # -- painting ----------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        plain = self.rich_style
        if self._search is not None and y == self.size.height - 1:
            style = self.get_component_rich_style("table--prompt")
            return Strip(
                [Segment(set_cell_size(f"/{one_line(self._search)}▏", width), style)], width
            )
        if self._fault and y == (1 if self._columns.names else 0):
            return Strip([Segment(set_cell_size(one_line(self._fault), width), plain)], width)
        if not self._columns.names:
            return Strip.blank(width, plain)
        if y == 0:
            return self._header(width)
        if y < self._head_rows:
            return self._type_row(width)
        row = y - self._head_rows + self.scroll_offset.y
        if row >= self._rows:
            return Strip.blank(width, plain)
        return self._row(row, width)

    def _header(self, width: int) -> Strip:
        style = self.get_component_rich_style("table--header")
        match = self.get_component_rich_style("table--match")
        cells = []
        for column in self._in_view(width):
            name = self._columns.names[column]
            text = self._columns.text(column, name, self._mark(name))
            cells.append((text, match if column in self._matches else style, style))
        return self._joined("", cells, style, style, width)

    def _mark(self, name: str) -> str:
        """The arrow of a column that sorts the rows."""
        if name != self._sort:
            return ""
        return DOWN if self._descending else UP

    def _in_view(self, width: int) -> list[int]:
        """The columns that are painted: frozen ones, and those that are scrolled to."""
        frozen = min(self._columns.frozen_count, len(self._columns.names))
        return [*range(frozen), *self._columns.seen(self.scroll_offset.x, width)]

    def _type_row(self, width: int) -> Strip:
        header = self.get_component_rich_style("table--header")
        style = header + Style(
            color=self.get_component_rich_style("table--index").color, bold=False
        )
        cells = []
        for column in self._in_view(width):
            types = self._columns.types
            text = self._columns.text(column, types[column] if column < len(types) else "")
            cells.append((text, style, style))
        return self._joined("", cells, style, style, width)

    def _row(self, row: int, width: int) -> Strip:
        at_row, at_column = self._cursor
        is_current = row == at_row
        plain = self.rich_style
        ground = plain + self.get_component_rich_style("table--row") if is_current else plain
        index = ground + Style(color=self.get_component_rich_style("table--index").color)
        null = self.get_component_rich_style("table--null")
        entry = self._pages.row(row)
        if entry is None:
            return self._joined("·", [], index, ground, width)
        title, values = entry
        cells = []
        for column in self._in_view(width):
            value = values[column]
            style = ground
            if value in NULLS:
                style = ground + Style(color=null.color, italic=null.italic)
            if is_current and column == at_column:
                style = self.get_component_rich_style("table--cursor")
            text = self._columns.text(column, value)
            cells.append((text, style, ground))
        return self._joined(title, cells, index, ground, width)

    def _joined(
        self,
        title: str,
        cells: list[tuple[str, Style, Style]],
        index: Style,
        ground: Style,
        width: int,
    ) -> Strip:
        """The index, and behind it the columns cut to what is seen of them."""
        held = min(self._columns.frozen_count, len(self._columns.names))
        frozen = self._columns.frozen
        margin = self._columns.edges[0]
        segments = [Segment(fitted(title, self._columns.index_width).ljust(margin), index)]
        for text, style, gap_style in cells[:held]:
            segments += [Segment(text, style), Segment(" " * (GAP - 1), gap_style)]
            segments.append(Segment("│", index))
        scrolling = []
        for text, style, gap_style in cells[held:]:
            scrolling += [Segment(text, style), Segment(" " * GAP, gap_style)]
        columns = self._columns.seen(self.scroll_offset.x, width)
        hidden = (
            self.scroll_offset.x + frozen - self._columns.edges[columns.start] if columns else 0
        )
        body = Strip(scrolling).crop(hidden, hidden + max(width - frozen, 0))
        pad = Segment(" " * max(width - frozen - body.cell_length, 0), ground)
        return Strip([*segments, *body, pad]).crop(0, width)

    def region_of(self, row: int, column: int) -> Region:
        """Where a cell is within the table's whole extent, in cells."""
        y = row + self._head_rows
        return Region(self._columns.edges[column], y, self._columns.widths[column], 1)
