"""Operates widgets: sends what the user sets to the kernel, one message of a widget at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.outputs import Display
from codeexec.tui.output.ipywidgets.board import WidgetBoard, model_of
from codeexec.tui.output.ipywidgets.messages import WidgetPressed
from codeexec.tui.session.ask import ask
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.dialogs import Choice, Chooser
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.output.ipywidgets.drawing import Control
    from codeexec.tui.output.ipywidgets.operate import Effect


class WidgetController:
    """The board of widgets is that of the console and of all pages."""

    def __init__(
        self, surface: Surface, state: WorkbenchState, panes: PaneSet, layout: LayoutController
    ) -> None:
        self._surface = surface
        self._state = state
        self._panes = panes
        self._layout = layout
        self.board = WidgetBoard()
        panes.console.view.output.board = self.board
        panes.documents.pages.board = self.board
        self._sent: dict[str, str] = {}
        """By model: the message that the kernel has not handled; empty: it is on its way."""
        self._unsent: dict[str, dict[str, object]] = {}
        """By model: what was set while the message before was not handled."""

    def actions(self) -> Mapping[str, Handler]:
        return {"operate_widgets": InWorker(self.operate)}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {WidgetPressed: InWorker(self.press)}

    def follow(self, frame: Frame) -> None:
        """Take a frame before the panes do."""
        self.board.take(frame.snapshot)
        for model, message_id in list(self._sent.items()):
            view = frame.snapshot.comms.get(model)
            is_handled = view is not None and message_id in view.handled
            if not is_handled and self.board.is_alive(model):
                continue
            del self._sent[model]
            if (state := self._unsent.pop(model, None)) and self.board.is_alive(model):
                self._send(model, q.CommUpdate(state))
            else:
                self.board.settle(model)

    # -- opening -----------------------------------------------------------------------------

    async def operate(self) -> None:
        """Open the widgets of the selected card, or of the cell with the caret."""
        models = map(self._known, reversed(self._displays_here()))
        model = next(filter(None, models), "")
        if model:
            await self.open(model)
        else:
            self._surface.show_error(
                UsageError(
                    "Nothing here shows a widget that can be operated.",
                    "Select the card or the cell that shows one.",
                )
            )

    def _displays_here(self) -> tuple[Display, ...]:
        """The displays where the user is; those of the last execution that shows a widget where
        there are none."""
        sheet = self._panes.documents.sheet
        if self._layout.here == "editor" and sheet is not None:
            page = self._panes.documents.pages.page_of(sheet.editor)
            cells = sheet.editor.model.cells
            block = (
                page.outputs.get(cells.key(cells.at(sheet.editor.model.cursor.line)))
                if (page is not None)
                else None
            )
            if block is not None and any(map(self._known, block.view.displays)):
                return block.view.displays
        card = self._panes.console.view.cursor.selected
        if card is not None and any(map(self._known, card.view.displays)):
            return card.view.displays
        views = reversed(self._state.snapshot.executions.values())
        return next((view.displays for view in views if any(map(self._known, view.displays))), ())

    def _known(self, display: Display) -> str:
        model = model_of(display)
        return model if self.board.knows(model) else ""

    def shows(self, display: Display) -> bool:
        """Whether a display is a widget that can be opened here."""
        return bool(self._known(display))

    async def open(self, model: str, focus: Control | None = None) -> None:
        """Give the keys to a widget."""
        from codeexec.tui.screens.widgets import WidgetScreen  # seldom needed: not at the start

        bodies = self._panes.console.view.output.painter.bodies
        screen = WidgetScreen(
            self.board, model, partial(bodies.draw_widget, self.board), self.do, focus
        )
        await self._surface.ask_user(screen)

    async def press(self, event: WidgetPressed) -> None:
        """A click on a control in a pane."""
        from codeexec.tui.output.ipywidgets.operate import press  # seldom needed

        effect = press(self.board, event.pressed, event.x)
        if effect is not None:
            await self.do(effect)

    # -- doing -------------------------------------------------------------------------------

    async def do(self, effect: Effect) -> None:
        """Carry out what a key or a click does."""
        from codeexec.tui.output.ipywidgets import operate  # seldom needed: not at the start

        match effect:
            case operate.SetState(model, state):
                self._set(model, state)
            case operate.Click(model):
                self._send(model, q.CommMessage({"event": "click"}))
            case operate.OpenChild(model, index):
                self.board.select(model, index)
                if self.board.is_alive(model):
                    self._set(model, {"selected_index": None if index < 0 else index})
            case operate.AskText(model, text):
                await self._ask_text(model, text)
            case operate.AskOption(model, options):
                choices = [Choice(str(at), name) for at, name in enumerate(options)]
                title = str(self.board.state(model).get("description") or "Choose")
                chosen = await self._surface.ask_user(Chooser(title, choices))
                if chosen is not None:
                    self._set(model, {"index": int(chosen)})
        self._draw()

    async def _ask_text(self, model: str, text: str) -> None:
        state = self.board.state(model)
        title = str(state.get("description") or "Value")
        from codeexec.tui.output.ipywidgets.operate import entered  # both are seldom needed
        from codeexec.tui.screens.widget_entry import WidgetEntry

        kind, hint = self.board.kind(model), str(state.get("placeholder") or "")[:200]
        has_lines, is_hidden = kind == "Textarea", kind == "Password"
        typed = await self._surface.ask_user(
            WidgetEntry(title, text, hint, has_lines=has_lines, is_hidden=is_hidden)
        )
        if typed is None:
            return
        try:
            effect = entered(self.board, model, typed)
        except UsageError as error:
            self._surface.show_error(error)
            return
        self._set(model, effect.state)
        if kind in ("Text", "Password", "Combobox"):
            self._send(model, q.CommMessage({"event": "submit"}))

    def _set(self, model: str, state: Mapping[str, object]) -> None:
        """Show values at once. While a message waits for the kernel, only the last values of what
        is set meanwhile are sent after it."""
        self.board.set(model, state)
        if model in self._sent:
            self._unsent.setdefault(model, {}).update(state)
        else:
            self._send(model, q.CommUpdate(dict(state)))

    def _send(self, model: str, message: q.CommUpdate | q.CommMessage) -> None:
        if isinstance(message, q.CommUpdate):
            self._sent[model] = ""
        self._surface.start(partial(self._call, model, message), "widgets")

    async def _call(self, model: str, message: q.CommUpdate | q.CommMessage) -> None:
        reply = await ask(self._surface, self._state.session, q.SendComm(model, message))
        if not isinstance(message, q.CommUpdate):
            return
        if reply is None:
            self._sent.pop(model, None)
            self._unsent.pop(model, None)
            self.board.settle(model)
            self._draw()
        else:
            self._sent[model] = reply.message_id
            if self._state.last is not None:
                self.follow(self._state.last)  # it may be handled already

    def _draw(self) -> None:
        self._panes.console.view.draw_widgets()
        self._panes.documents.pages.draw_widgets()
