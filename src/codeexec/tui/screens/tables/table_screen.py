"""Data table of a variable or a file, on the whole screen or in the place of an output: filter,
order, search, columns, copies, code."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.geometry import Region
from textual.widgets import Input, Static

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import one_line, plain_words
from codeexec.tui.screens.tables.facts_panel import FactsPanel
from codeexec.tui.screens.tables.kernel_table import KernelTable
from codeexec.tui.screens.tables.origins import TableOrigin
from codeexec.tui.screens.tables.table_entry import TableEntry
from codeexec.tui.screens.tables.table_modal import TableModal
from codeexec.tui.screens.tables.table_reader import POLL, TableReader
from codeexec.tui.screens.tables.table_view import ViewState
from codeexec.tui.screens.tables.table_words import (
    as_markdown,
    as_tsv,
    condition_of,
    joined_filter,
    table_title,
    view_line,
)
from codeexec.tui.screens.tables.values_screen import ValuesScreen
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.dialogs import Choice, Chooser
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.table import DataTableView
from codeexec.tui.widgets.table_pages import PagedTable

_HINTS = (
    Hint("f", "filter", "filter"),
    Hint("/", "search", "search"),
    Hint("s", "sort", "sort"),
    Hint("i", "column", "facts"),
    Hint("?", "keys", "help"),
    Hint("esc", "close", "close"),
)
_WIDE_HINTS = (
    *_HINTS[:4],
    Hint("v", "values", "values"),
    Hint("y", "copy", "copy('tsv')"),
    Hint("w", "write", "write"),
    Hint("e", "code", "code"),
    *_HINTS[4:],
)

_FEW_HINTS = (_HINTS[0], *_HINTS[-2:])

MOST_COPIED = 1000


class TableScreen(TableModal[str]):
    """Table of a variable or a file; reads it again after a run has changed it. Dismissed with code
    for the editor, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("table_screen")]

    DEFAULT_CSS = """
    TableScreen #head { height: 1; padding: 0 1; background: $panel; }
    TableScreen #title { width: 1fr; text-style: bold; }
    TableScreen #keys { width: auto; padding: 0 0 0 2; color: $text-muted; LINKS }
    TableScreen #view { height: 1; display: none; padding: 0 1; background: $panel; }
    TableScreen KernelTable { height: 1fr; padding: 0 1; }
    """.replace("LINKS", LINKS)

    def __init__(self, origin: TableOrigin, place: Region | None = None) -> None:
        super().__init__(place)
        self._origin = origin
        self.view = ViewState()
        self._reader = TableReader(
            origin, self.view, self._say_working, self._follow_work, self._note_question
        )
        self._asks = ""
        """What takes long, and is begun by a key."""
        self._waits = False
        """No rows of this view come before that."""
        self._before: tuple[str, tuple[q.SortKey, ...]] = ("", ())
        """Filter and order of the view before this one."""
        self._was_idle = True
        self._in_doubt = False
        self._working = ""
        self._is_stopped = False
        self._sought = ""
        self._title = Static(plain_words(one_line(origin.name)), id="title")
        self._table = KernelTable(PagedTable(self._reader.read))
        self._view_line = Static(id="view")
        self._facts = FactsPanel()
        self._entry = TableEntry()

    def compose(self) -> ComposeResult:
        with self.window:
            with Horizontal(id="head"):
                yield self._title
                yield Static(hint_line(_HINTS), id="keys")
            yield self._view_line
            yield self._table
            yield self._facts
            yield self._entry

    def on_mount(self) -> None:
        self._table.focus()

    def on_resize(self, event: events.Resize) -> None:
        self._say()

    def _hints(self, title_width: int) -> Sequence[Hint]:
        """As many keys as there is room for beside the title."""
        room = self.columns - title_width - 5
        rows = (_WIDE_HINTS, _HINTS, _FEW_HINTS)
        return next((row for row in rows if hint_line(row).cell_length <= room), _HINTS[-1:])

    # -- rows ------------------------------------------------------------------------------

    @work(group="work", exclusive=True)
    async def _follow_work(self) -> None:
        """Read again when what goes on in the kernel is done."""
        view = self.view.request()
        while self.view.request() == view:
            await asyncio.sleep(POLL)
            try:
                answer = await self._reader.ask(q.TableRows(0, 0), view)
            except CodeexecError:
                return  # the table says so when it is read
            if not answer.working:
                self._say_working("")
                self._table.look_again()
                return

    def _renew(self, *, from_top: bool = True) -> None:
        """The view is another one."""
        self._table.sort_keys = tuple(
            replace(key, column=one_line(key.column)) for key in self.view.order
        )
        self._table.read_anew(from_top=from_top)
        self._say()

    def show_frame(self, frame: Frame) -> None:
        """Read again after each run, which may have changed it; till then it is of before."""
        views = (frame.view(key) for key in frame.changed)
        self._in_doubt |= frame.variables_changed or any(v and not v.is_open for v in views)
        if not self._table.is_attached:
            return  # a frame may come before the screen is made
        kernel = self._origin.kernel
        if kernel is None:
            if self._in_doubt:
                self._in_doubt = False
                self._read_changed_file()
            return
        is_idle = frame.snapshot.kernel_named(kernel).state == "idle"
        if is_idle and self._in_doubt:
            self._in_doubt = False
            self.action_reload()
        if is_idle != self._was_idle:
            self._was_idle = is_idle
            self._say()

    @work(group="changed", exclusive=True)
    async def _read_changed_file(self) -> None:
        if await self._origin.has_changed():
            self.action_reload()

    # -- what is said ----------------------------------------------------------------------

    @on(DataTableView.RowsChanged)
    def note_change(self, event: DataTableView.RowsChanged) -> None:
        event.stop()
        self._say()

    def _say_working(self, words: str) -> None:
        if words != self._working:
            self._is_stopped &= bool(words)
            self._working = words
            self._say()

    def _say(self) -> None:
        """Its name, size, filter and order, and what goes on."""
        size, is_old = self._table.size_of_table, not self._was_idle
        title = table_title(self._origin.name, self.view, size, is_old=is_old)
        self._title.update(title)
        self.query_one("#keys", Static).update(hint_line(self._hints(title.cell_length)))
        words = view_line(self.view, self._working, self._reader.note, self._asks)
        self._view_line.display = bool(words.plain)
        self._view_line.update(words)

    def _note_question(self, asks: str, waits: bool) -> None:
        if (asks, waits) != (self._asks, self._waits):
            self._asks, self._waits = asks, waits
            self._say()

    def action_begin_long(self) -> None:
        """Begin what takes long."""
        if self._asks:
            self.view.allows_long = True
            self._note_question("", False)
            self._table.look_again()

    def _choose_view(self, filter: str, order: tuple[q.SortKey, ...]) -> None:
        self._before = (self.view.filter, self.view.order)
        self.view.choose(filter, order)
        self._note_question("", False)
        self._renew()

    def _show_error(self, error: CodeexecError) -> None:
        self.notify(str(error), severity="error", markup=False)

    # -- order -----------------------------------------------------------------------------

    @on(KernelTable.OrderRequested)
    def turn_order(self, event: KernelTable.OrderRequested) -> None:
        event.stop()
        self._turn_order(event.column)

    def action_sort(self) -> None:
        self._table.action_sort()

    def action_add_order(self) -> None:
        if self._has_columns:
            self._turn_order(self._table.cursor[1], adds=True)

    def _turn_order(self, column: int, *, adds: bool = False) -> None:
        self._before = (self.view.filter, self.view.order)
        self.view.turn_order(column, adds=adds)
        self._note_question("", False)
        self._renew()

    @property
    def _has_columns(self) -> bool:
        return bool(self._table.column_names)

    # -- filter ----------------------------------------------------------------------------

    def action_filter(self) -> None:
        self._entry.open("filter", self.view.filter, 'price > 10 & city ~ "ber"')

    def action_filter_cell(self, excluded: bool = False) -> None:
        """Only rows with the value under the cursor, or without it."""
        text = self._table.cell_text()
        if text is None:
            return
        column = self._table.cursor[1]
        kind = self._table.type_of(column)
        condition = condition_of(self.view.name_at(column), kind, text, excluded=excluded)
        self._apply_filter(joined_filter(self.view.filter, condition))

    def action_unfilter(self) -> None:
        """All rows, in their own order."""
        self._choose_view("", ())

    @work(group="filter", exclusive=True)
    async def _apply_filter(self, text: str) -> None:
        """Take a filter that can be read; else say what is wrong, and where."""
        view = replace(self.view.request(), filter=text, allows_long=False)
        try:
            answer = await self._reader.ask(q.TableRows(0, 0), view)
        except CodeexecError as error:
            self._show_error(error)
            return
        if answer.fault:
            self._entry.open("filter", text)
            self._entry.show_fault(answer.fault, answer.at)
            return
        self._close_entry()
        self._choose_view(text.strip(), self.view.order)

    @on(Input.Submitted)
    def take_entry(self, event: Input.Submitted) -> None:
        event.stop()
        match self._entry.purpose:
            case "filter":
                self._apply_filter(event.value)
            case "find":
                self._sought = event.value
                self._close_entry()
                self._find(from_cursor=True)
            case "write to":
                self._close_entry()
                if event.value.strip():
                    self._write(event.value.strip())

    def _close_entry(self) -> None:
        self._entry.close()
        self._table.focus()

    # -- search ----------------------------------------------------------------------------

    @on(KernelTable.SearchRequested)
    def search(self, event: KernelTable.SearchRequested) -> None:
        event.stop()
        if event.is_next and self._sought:
            self._find()
        else:
            self.action_search()

    def action_search(self) -> None:
        self._entry.open("find", self._sought, "a text in any column")

    @work(group="find", exclusive=True)
    async def _find(self, from_cursor: bool = False) -> None:
        if not self._sought:
            return
        row, column = self._table.cursor
        # The kernel counts columns as the variable has them.
        at = self.view.shown[column] if self.view.shown else 0
        try:
            answer = await self._reader.ask_to_end(
                q.FindValue(self._sought, row, at - 1 if from_cursor else at)
            )
            if answer.row < 0:  # tables that are read by pages are searched up to their end
                answer = await self._reader.ask_to_end(q.FindValue(self._sought))
        except CodeexecError as error:
            self._show_error(error)
            return
        if answer.row < 0:
            self.notify(f"{self._sought} is in no cell of this view.", markup=False)
            return
        shown = self.view.shown
        self._table.go_to(answer.row, shown.index(answer.column) if answer.column in shown else 0)

    # -- columns ---------------------------------------------------------------------------

    def action_hide(self) -> None:
        if self._has_columns and self.view.hide(self._table.cursor[1]):
            self._renew(from_top=False)
            self._table.action_move(0, 0)

    def action_show_all(self) -> None:
        self.view.show_all()
        self._renew(from_top=False)

    def action_freeze(self) -> None:
        """Keep the columns up to the cursor in view; again: let them go."""
        count = self._table.cursor[1] + 1
        self._table.freeze(0 if self._table.frozen_count == count else count)

    def action_move_column(self, by: int) -> None:
        if self._has_columns:
            row, column = self._table.cursor
            to = self.view.move(column, by)
            self._renew(from_top=False)
            self._table.go_to(row, to)

    @work(group="choose", exclusive=True)
    async def action_go_column(self) -> None:
        choices = [
            Choice(str(at), name, self._table.type_of(at))
            for at, name in enumerate(self._table.column_names)
        ]
        chosen = await self.app.push_screen_wait(Chooser("Go to a column", choices))
        if chosen is not None:
            self._table.go_to(self._table.cursor[0], int(chosen))

    # -- one column ------------------------------------------------------------------------

    @work(group="facts", exclusive=True)
    async def action_facts(self) -> None:
        """Facts about the column under the cursor; again: away with them."""
        if not self._has_columns:
            return
        name = self.view.name_at(self._table.cursor[1])
        if self._facts.column == name:
            self._facts.close()
        else:
            await self._facts.describe(self._reader, name)

    @work(group="choose", exclusive=True)
    async def action_values(self) -> None:
        """How often each value of the column is there; the one that is chosen becomes a filter."""
        if not self._has_columns:
            return
        column = self._table.cursor[1]
        name, kind = self.view.name_at(column), self._table.type_of(column)
        try:
            answer = await self._reader.ask_to_end(q.CountValues(name))
        except CodeexecError as error:
            self._show_error(error)
            return
        if answer.page is None:
            return
        chosen = await self.app.push_screen_wait(
            ValuesScreen(name, answer.page, answer.note, self.place)
        )
        if chosen is not None:
            self._apply_filter(joined_filter(self.view.filter, condition_of(name, kind, chosen)))

    # -- out of the table ------------------------------------------------------------------

    @work(group="copy", exclusive=True)
    async def action_copy(self, form: str) -> None:
        try:
            answer = await self._reader.ask_to_end(q.TableRows(0, MOST_COPIED))
        except CodeexecError as error:
            self._show_error(error)
            return
        if answer.page is None:
            return
        page = self.view.arranged(answer.page)
        self.app.copy_to_clipboard(as_tsv(page) if form == "tsv" else as_markdown(page))
        words = "TSV" if form == "tsv" else "Markdown"
        count = len(page.cells)
        if count < page.rows:
            first = f"The first {count:,} of {page.rows:,} rows"
            self.notify(f"{first} copied as {words}. w writes all into a file.")
        else:
            self.notify(f"{count:,} rows copied as {words}.")

    def action_write(self) -> None:
        self._entry.open(
            "write to",
            f"{self._origin.copy_stem}.csv",
            f".csv, .tsv or .parquet, {self._origin.copies_go_to}",
        )

    @work(group="write", exclusive=True)
    async def _write(self, path: str) -> None:
        try:
            answer = await self._reader.ask_to_end(q.WriteTable(path, self.view.columns))
        except CodeexecError as error:
            self._entry.open("write to", path)
            self._entry.show_fault(str(error), -1)
            return
        self.notify(f"Written: {answer.text} ({answer.count:,} bytes)", markup=False)

    @work(group="code", exclusive=True)
    async def action_code(self) -> None:
        try:
            answer = await self._reader.ask_to_end(q.TableCode(self.view.columns))
        except CodeexecError as error:
            self._show_error(error)
            return
        self.dismiss(answer.text.rstrip("\n"))

    # -- the rest --------------------------------------------------------------------------

    def action_reload(self) -> None:
        self.view.revision += 1
        self._table.look_again()

    async def action_help(self) -> None:
        await self.run_action("app.help")

    def action_close(self) -> None:
        """What is open first: the line, then work in the kernel, then facts."""
        if self._entry.purpose:
            self._close_entry()
        elif self._asks and self._waits:
            self._choose_view(*self._before)
        elif self._working and not self._is_stopped:
            self._is_stopped = True  # the same key once more closes the table
            self._stop_work()
        elif self._facts.column:
            self._facts.close()
        else:
            self.dismiss(None)

    @work(group="find", exclusive=True)
    async def _stop_work(self) -> None:
        """Cancel what the kernel computes for this table, and the order that needs it."""
        self.workers.cancel_group(self, "work")
        for group in ("write", "copy", "facts", "choose"):
            self.workers.cancel_group(self, group)
        self._say_working("")
        try:
            await self._reader.ask(q.CancelTable())
        except CodeexecError as error:
            self._show_error(error)
        if self.view.order:
            self._choose_view(self.view.filter, ())
