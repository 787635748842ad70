"""The mouse over a terminal: for the program that asks for it, else for selecting and scrolling."""

from __future__ import annotations

from typing import Protocol

from textual import events

from codeexec.domain.terminals import KeyPress
from codeexec.tui.panes.terminal.program_input import ProgramInput
from codeexec.tui.panes.terminal.screen_view import ScreenView
from codeexec.tui.panes.terminal.selection import Point
from codeexec.tui.panes.terminal.typing import mouse_action

_ARROWS = 3
"""Arrow keys of a notch of the wheel, for programs on the alternate screen."""


class MouseHost(Protocol):
    """What the mouse does with a pane."""

    def enter_by_mouse(self) -> None:
        """A click without a drag: keys go to the program from now on."""

    def open_at(self, cell: Point) -> bool:
        """Open what stands in a cell; whether anything did."""

    def copy_selected(self) -> None:
        """Put what was selected by the mouse on the clipboard."""


class MouseController:
    """Acts on the view of a pane, and types into its program."""

    def __init__(self, view: ScreenView, program: ProgramInput, host: MouseHost) -> None:
        self._view = view
        self._program = program
        self._host = host
        self._held = 0
        self._is_of_program = False
        self._pressed: Point | None = None
        self._drags_bar = False
        self._told = (-1, -1)
        """The cell that the program was told last: it is told of moves to another one alone."""

    def handle(self, event: events.MouseEvent, cell: Point) -> None:
        """Take what the mouse did over a cell."""
        match event:
            case events.MouseScrollUp() | events.MouseScrollDown():
                self._scroll(event, cell)
            case events.MouseDown():
                self._press(event, cell)
            case events.MouseUp():
                self._release(event, cell)
            case events.MouseMove():
                self._move(event, cell)

    def _wants(self, event: events.MouseEvent) -> bool:
        """Whether the program asked for the mouse; Shift selects all the same."""
        view, modes = self._view, self._view.store.screen.modes
        return (
            bool(modes.mouse) and not event.shift and view.port.follows and self._program.may_type
        )

    def _tell(self, event: events.MouseEvent, cell: Point) -> None:
        screen = self._view.store.screen
        row = min(max(cell.row - screen.history, 0), max(len(screen.rows) - 1, 0))
        column = min(cell.column, max(screen.columns - 1, 0))
        if isinstance(event, events.MouseMove) and (column, row) == self._told:
            return
        self._told = column, row
        action = mouse_action(event, column, row, self._held)
        if action is not None:
            self._program.type(action)

    def _press(self, event: events.MouseDown, cell: Point) -> None:
        view = self._view
        if event.x >= view.size.width - 1 and view.port.bar() is not None:
            self._drags_bar = True
            view.capture_mouse()
            self._drag_bar(event)
        elif self._wants(event):
            self._held, self._is_of_program = event.button, True
            view.capture_mouse()
            self._host.enter_by_mouse()
            self._tell(event, cell)
        elif event.button == 1:
            self._pressed = cell
            view.capture_mouse()

    def _move(self, event: events.MouseMove, cell: Point) -> None:
        view, modes = self._view, self._view.store.screen.modes
        if self._drags_bar:
            self._drag_bar(event)
        elif self._is_of_program:
            if modes.mouse in ("drag", "move"):
                self._tell(event, cell)
        elif self._pressed is not None:
            self._select(event, cell)
        elif modes.mouse == "move" and self._wants(event) and view.has_focus:
            self._tell(event, cell)

    def _select(self, event: events.MouseMove, cell: Point) -> None:
        """Select from where the button was pressed; beyond the edge the view scrolls."""
        view = self._view
        if event.y < 0:
            view.port.scroll(-1)
        elif event.y >= view.size.height:
            view.port.scroll(1)
        if cell != self._pressed or not view.selection.is_empty:
            view.selection.anchor, view.selection.cursor = self._pressed, cell
            view.refresh()

    def _release(self, event: events.MouseUp, cell: Point) -> None:
        view, pressed = self._view, self._pressed
        view.release_mouse()
        is_of_program, self._is_of_program = self._is_of_program, False
        was_bar, self._drags_bar = self._drags_bar, False
        self._pressed = None
        if is_of_program:
            self._tell(event, cell)
            self._held = 0
        elif pressed is not None and not was_bar:
            if not view.selection.is_empty and pressed != cell:
                self._host.copy_selected()
            elif not self._host.open_at(cell):
                view.selection.clear()
                view.refresh()
                self._host.enter_by_mouse()

    def choose(self, chain: int, cell: Point) -> None:
        """A double click selects a word, a triple click a row."""
        selection = self._view.selection
        if chain == 2:
            selection.select_word(cell)
        elif chain > 2:
            selection.select_row(cell.row)
        if chain > 1 and not selection.is_empty:
            self._view.refresh()
            self._host.copy_selected()

    def _drag_bar(self, event: events.MouseEvent) -> None:
        self._view.port.go_to(self._view.port.row_at_bar(event.y))
        self._view.refresh()

    def _scroll(self, event: events.MouseEvent, cell: Point) -> None:
        view, screen = self._view, self._view.store.screen
        is_up = isinstance(event, events.MouseScrollUp)
        if self._wants(event):
            self._tell(event, cell)
        elif screen.modes.is_alternate and view.port.follows and self._program.may_type:
            for _ in range(_ARROWS):
                self._program.type(KeyPress("up" if is_up else "down"))
        else:
            step = round(view.app.scroll_sensitivity_y) or 1
            if view.port.scroll(-step if is_up else step):
                view.refresh()
