"""The variables pane: names of the kernel with type, shape and value; opened, searched, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.errors import Busy, CodeexecError
from codeexec.domain.events import Variable
from codeexec.domain.snapshot import KernelView
from codeexec.tui.commands.table import bindings
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.panes.variables.header import ColumnHeader
from codeexec.tui.panes.variables.insides import Insides
from codeexec.tui.panes.variables.last_run import LastRun
from codeexec.tui.panes.variables.outline import (
    ORDERS,
    SESSION_PREFIX,
    Key,
    Order,
    alive,
    columns_for,
    listed,
    ordered,
    outline,
)
from codeexec.tui.panes.variables.sizes import measured
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.ask import CopyRequested, Failed, TitleNoted
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.field import Field
from codeexec.tui.widgets.label_text import tell
from codeexec.tui.widgets.row_list import ListRow, RowList

R = TypeVar("R")
_EMPTY = "Variables appear here"
_TITLE_ROOM = 13
"""Cells of the line of the title that the title itself takes."""

_LEAST_HEIGHT = 5
"""Rows of a pane that has a line of titles."""


def build(context: BuildContext) -> VariablesPane:
    return VariablesPane(context.session, id="variables")


class VariablesPane(Vertical):
    """`show_frame` takes frames; what is inside of a variable is asked of the session."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("variables")]

    DEFAULT_CSS = """
    VariablesPane RowList { height: 1fr; }
    VariablesPane #sought { height: 1; border: none; padding: 0 1; display: none;
        background: transparent; }
    VariablesPane #sought.open { display: block; }
    VariablesPane #word { height: auto; display: none; padding: 0 1; color: $text-muted; }
    VariablesPane #word.said { display: block; }
    VariablesPane #word.asks { color: $text-warning; text-style: bold; }
    VariablesPane #nothing { height: 1fr; display: none; padding: 0 2; content-align: center middle;
        text-align: center; color: $text-muted; }
    VariablesPane.-empty #nothing { display: block; }
    VariablesPane.-empty RowList { display: none; }
    VariablesPane.-empty ColumnHeader, VariablesPane.-low ColumnHeader { display: none; }
    """

    @dataclass
    class VariableTableRequested(Message):
        """Show this variable as a table (`TableScreen`)."""

        name: str

    def __init__(self, session: SessionClient | None = None, id: str | None = None) -> None:
        super().__init__(id=id)
        self._session = session
        self._variables: tuple[Variable, ...] = ()
        self._kernel = KernelView()
        self._insides = Insides()
        self._last_run = LastRun()
        self._keys: list[Key] = []
        self._order: Order = "name"
        self._descending = False
        self._sizes: Mapping[str, q.VariableSize] = {}
        """With all that is in a variable; known where the list is sorted by size."""
        self._is_counting = False
        self._sought = ""
        self._current: Key = ("", "")
        self._asks = ""
        self._trouble = ""
        self._field = Field(
            id="sought", compact=True, placeholder="name or type", select_on_focus=False
        )
        self._header = ColumnHeader(id="columns")
        self._list = RowList(id="names")
        self._nothing = Static(_EMPTY, id="nothing")
        self._word = Static("", id="word")

    def compose(self) -> ComposeResult:
        yield from (self._field, self._header, self._list, self._nothing, self._word)

    def on_mount(self) -> None:
        self._arrange()

    # -- what comes in -------------------------------------------------------------------

    def connect(self, session: SessionClient) -> None:
        """Ask this session from now on."""
        self._session = session

    def show_frame(self, frame: Frame) -> None:
        """Follow what is."""
        snapshot = frame.snapshot
        has_begun = self._last_run.follow(frame, self._variables)
        changed = alive(snapshot) != self._variables
        became_idle = snapshot.kernel.state == "idle" and self._kernel.state != "idle"
        if snapshot.kernel.generation != self._kernel.generation:
            self._insides.keep(set())
        self._kernel = snapshot.kernel
        if became_idle:
            self._trouble = ""
        if changed:
            self._variables = alive(snapshot)
            self._insides.keep({variable.name for variable in self._variables})
        if (changed or became_idle or has_begun) and self._list.is_attached:
            self._arrange()
            self._measure_soon()
            if self._insides.details and snapshot.kernel.state == "idle":
                self.run_worker(self._look_again(), group="details", exclusive=True)

    def take_focus(self) -> None:
        self._list.focus()

    @property
    def rows(self) -> Sequence[ListRow]:
        """What is listed now."""
        return self._list.rows

    @property
    def current(self) -> Variable | None:
        """The variable under the cursor; of an open one's parts, the variable itself."""
        name = self._current[0]
        return next((variable for variable in self._variables if variable.name == name), None)

    # -- what is shown -------------------------------------------------------------------

    def _arrange(self) -> None:
        """Bring the list in line with what is and with what the person has set."""
        changes = self._last_run.changes(self._variables)
        variables = listed(
            ordered(self._variables, self._order, self._descending, self._sizes), self._sought
        )
        details, by_size = self._insides.details, self._order == "size"
        columns = columns_for(variables, details, self.size.width, has_size=by_size)
        rows = outline(variables, details, columns, self._sizes, changes.new | changes.changed)
        self._header.show(columns, self._order, self._descending, self._is_counting)
        self.post_message(TitleNoted("variables", changes.words(self.size.width - _TITLE_ROOM)))
        keys = [key for key, _ in rows]
        at = (
            keys.index(self._current)
            if self._current in keys
            else min(self._list.cursor, len(keys) - 1)
        )
        if keys:
            self._current = keys[max(at, 0)]
        self._keys = keys
        self._list.show([row for _, row in rows], max(at, 0))
        self.set_class(not rows, "-empty")
        message = f"No name or type has “{self._sought}”" if self._sought else _EMPTY
        tell(self._nothing, message)
        self._say()

    def _say(self) -> None:
        """A question, what is in the way, or nothing."""
        message = (
            f"Delete the variable “{one_line(self._asks)}”? y / n" if self._asks else self._trouble
        )
        word = self._word
        tell(word, message)
        word.set_class(bool(message), "said")
        word.set_class(bool(self._asks), "asks")

    def on_resize(self) -> None:
        self.set_class(self.size.height < _LEAST_HEIGHT, "-low")
        if self.is_mounted:
            self._arrange()

    # -- asking the kernel ---------------------------------------------------------------

    async def _ask(self, request: q.Request[R]) -> R | None:
        """The answer; a kernel that is busy is said quietly, other refusals as what they are."""
        if self._session is None:
            return None
        try:
            return await self._session.call(request)
        except Busy:
            self._trouble = "The kernel is busy: what is listed is from before"
        except CodeexecError as error:
            self.post_message(Failed(error))
        self._say()
        return None

    async def _open(self, name: str) -> None:
        detail = await self._ask(q.InspectVariable(name))
        if detail is not None and any(variable.name == name for variable in self._variables):
            self._insides.details[name] = detail
            self._arrange()

    async def _look_again(self) -> None:
        if await self._insides.look_again(self._session):
            self._arrange()

    # -- memory --------------------------------------------------------------------------

    def on_show(self) -> None:
        self._measure_soon()

    def _measure_soon(self) -> None:
        """Have the kernel count while the list is sorted by size, and is seen."""
        is_seen = all(node.display for node in self.ancestors_with_self if isinstance(node, Widget))
        can_count = self._kernel.state == "idle" and "sizes" in self._kernel.capabilities
        if self._order == "size" and is_seen and can_count and self._session is not None:
            self.run_worker(self._measure(self._session), group="sizes", exclusive=True)

    async def _measure(self, session: SessionClient) -> None:
        self._is_counting = True
        try:
            async for sizes in measured(session):
                self._sizes = dict(sizes)
                self._arrange()
        except Busy:
            return  # the end of that run asks again
        except CodeexecError as error:
            self.post_message(Failed(error))
        finally:
            self._is_counting = False
        self._arrange()

    def _sort(self, order: Order) -> None:
        """By this column, of sizes the largest first; the other way round where it is so."""
        if order == self._order:
            self._descending = not self._descending
        else:
            self._order, self._descending = order, order == "size"
        self._sizes = self._sizes if order == "size" else {}
        self._arrange()
        self._measure_soon()

    @on(ColumnHeader.OrderChosen)
    def sort_by_title(self, event: ColumnHeader.OrderChosen) -> None:
        event.stop()
        self._sort(event.order)

    def action_sort_by_size(self) -> None:
        self._sort("size")

    # -- keys and mouse ------------------------------------------------------------------

    @on(RowList.Moved)
    def follow_cursor(self, event: RowList.Moved) -> None:
        event.stop()
        self._stop_asking()
        if event.at < len(self._keys):
            self._current = self._keys[event.at]

    @on(RowList.RowChosen)
    def open_chosen(self, event: RowList.RowChosen) -> None:
        event.stop()
        self.action_open()

    def on_key(self, event: events.Key) -> None:
        """While a question is open, a key is its answer."""
        if not self._asks:
            return
        event.stop()
        event.prevent_default()
        name = self._asks
        self._stop_asking()
        if event.key in ("y", "Y"):
            self.run_worker(self._delete(name), group="delete")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key is a command while it is an answer, or text that is searched for."""
        if action == "back":
            return True
        return not self._asks and not self._field.has_focus

    def action_step(self, by: int) -> None:
        self._list.step(by)

    def action_end(self, side: int) -> None:
        self._list.go(0 if side < 0 else len(self._list.rows) - 1)

    def action_open(self) -> None:
        """A data frame or an array as a table; of anything else, what is inside."""
        variable = self.current
        if variable is None:
            return
        if variable.kind == "session":
            return
        if variable.kind == "table" or (variable.kind == "array" and variable.shape.count("x") < 2):
            self.post_message(self.VariableTableRequested(variable.name))
        else:
            self.action_expand(variable.name not in self._insides.details)

    def action_expand(self, opens: bool) -> None:
        name = self._current[0]
        if self.current is not None and self.current.kind == "session":
            return  # its text is all that it has
        if opens and name and name not in self._insides.details:
            self.run_worker(self._open(name), group="open", exclusive=True)
        elif not opens and self._insides.details.pop(name, None) is not None:
            self._current = (name, "")
            self._arrange()

    def action_sort(self) -> None:
        """By the next column; of sizes the largest first."""
        self._sort(ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)])

    def action_reverse(self) -> None:
        self._descending = not self._descending
        self._arrange()

    def action_refresh_variables(self) -> None:
        self.run_worker(self._refresh(), group="refresh", exclusive=True)

    def action_delete(self) -> None:
        variable = self.current
        if variable is not None:
            self._asks = variable.name
            self._say()

    def action_copy_name(self) -> None:
        if self.current is not None:
            self.post_message(CopyRequested(self.current.name, "Its name"))

    async def _refresh(self) -> None:
        await self._ask(q.RefreshVariables())

    async def _delete(self, name: str) -> None:
        chosen = next((each for each in self._variables if each.name == name), None)
        if chosen is not None and chosen.kind == "session":
            own = name.removeprefix(SESSION_PREFIX)
            await self._ask(q.SetSessionVariables(remove=(own,)))
            return
        await self._ask(q.DeleteVariable(name))

    def _stop_asking(self) -> None:
        if self._asks:
            self._asks = ""
            self._say()

    def action_search(self) -> None:
        field = self._field
        field.add_class("open")
        field.focus()

    def action_back(self) -> None:
        """From the search to the list, and everything in it."""
        field = self._field
        field.value = ""
        field.remove_class("open")
        if not self._list.has_focus:
            self._list.focus()

    @on(Input.Changed, "#sought")
    def seek(self, event: Input.Changed) -> None:
        event.stop()
        self._sought = event.value.strip()
        self._arrange()

    @on(Input.Submitted, "#sought")
    def end_search(self, event: Input.Submitted) -> None:
        event.stop()
        self._list.focus()
        if not self._sought:
            self._field.remove_class("open")
