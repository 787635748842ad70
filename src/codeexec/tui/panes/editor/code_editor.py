"""The code editor widget: maps keys and mouse to actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.geometry import Offset

from codeexec.tui.commands.editor import bindings
from codeexec.tui.panes.editor.docs import Docs
from codeexec.tui.panes.editor.edit_actions import EditActions
from codeexec.tui.panes.editor.find_actions import FindActions
from codeexec.tui.panes.editor.messages import RunScope
from codeexec.tui.panes.editor.motion_actions import MotionActions
from codeexec.tui.panes.editor.popups import CompletionList
from codeexec.tui.panes.editor.run_actions import RunActions
from codeexec.tui.panes.editor.text import edits
from codeexec.tui.panes.editor.text.motions import word_at
from codeexec.tui.panes.editor.text.text import Location, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual import events
    from textual.binding import BindingType

_WHEEL = 3
"""Rows of a popup that one notch of the wheel scrolls."""

__all__ = ["CodeEditor", "ModalKeys", "RunScope"]


class ModalKeys(Protocol):
    """A layer that sees keys first, such as vim's."""

    def handle(self, editor: CodeEditor, key: str, character: str | None) -> bool:
        """Act on a key; False leaves it to the editor."""


class CodeEditor(MotionActions, EditActions, FindActions, RunActions):
    """A fast editor for code in cells; what it wants done is posted as its messages.

    `auto_complete` asks for completions while one types. `modal` sees keys first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    auto_complete = True
    modal: ModalKeys | None = None
    _keymap: Mapping[str, str] | None = None
    _actions: dict[str, list[str]]
    _dragging = False
    _drag_unit = 1
    _drag_origin: Selection | None = None

    async def on_key(self, event: events.Key) -> None:
        if self._popup_key(event.key) or (
            self.modal is not None and self.modal.handle(self, event.key, event.character)
        ):
            event.stop()
            event.prevent_default()
        elif event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            self.type(event.character)
        else:
            # Textual would ask bindings only when the key has come back from the screen: then
            # characters that came with it, over a slow line or pasted, would overtake it.
            for action in self._own_keys().get(event.key, ()):
                if await self.app.run_action(action, default_namespace=self):
                    event.stop()
                    event.prevent_default()
                    return

    def _own_keys(self) -> dict[str, list[str]]:
        """Keys and actions of our own, as the keymap of the program has them."""
        keymap = self.app._keymap
        if keymap is not self._keymap:
            mine = self._bindings.copy()
            mine.apply_keymap(keymap)
            self._keymap = keymap
            self._actions = {
                key: [binding.action for binding in key_bindings if not binding.priority]
                for key, key_bindings in mine.key_to_bindings.items()
            }
        return self._actions

    def type(self, character: str) -> None:
        """Type a character, as a key does."""
        self.perform(lambda model: edits.type_text(model, character))
        if self.auto_complete and self.popup is None and not self.model.read_only:
            self.complete_while_typing()

    def _popup_key(self, key: str) -> bool:
        """A key that belongs to an open popup; others go on to the text."""
        popup = self.popup
        if key == "escape":
            self.dismiss_popup()
            return popup is not None
        if popup is None:
            return False
        is_list = isinstance(popup, CompletionList)
        page = popup.page
        steps = {"pageup": -page, "pagedown": page, **({"up": -1, "down": 1} if is_list else {})}
        if key in steps:
            popup.move(steps[key])
            self._refresh_popup()
        elif isinstance(popup, CompletionList) and key in ("enter", "tab"):
            if key == "enter" and not popup.is_picked:
                self.dismiss_popup()
                return False
            self.accept_completion()
        else:
            return False
        return True

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.insert(event.text)

    # Mouse: press and drag select; twice by words, three times by lines. A cell's mark runs it.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if (place := self.model.rows.block_at(event.y + self.scroll_offset.y)) is not None:
            event.stop()
            event.prevent_default()
            block, block_row = place
            x = event.x - self.painter.gutter
            self.post_message(self.BlockPressed(block.key, block_row, x, event.button))
            return
        if event.button == 3:
            self._point(self.location_at(event.x, event.y))
        if event.button != 1:
            return
        event.stop()
        event.prevent_default()
        if self._placed is not None:
            row = self._placed.row_at(event.x, event.y)
            if row is not None and isinstance(self.popup, Docs):
                return  # it is read, not pointed through
            if row is not None and isinstance(self.popup, CompletionList):
                self.popup.move(self.popup.top + row - self.popup.chosen)
                self.accept_completion()
                return
            self.close_popup()
        at = self.location_at(event.x, event.y)
        if event.x == 0 and at.line == self.model.cells.span(self.model.cells.at(at.line))[0]:
            self.move_to(at)
            self.action_run_cell()
            return
        self._drag_unit = 3 if event.x < self.painter.gutter else 1
        self._dragging = True
        self.capture_mouse()
        if event.shift:
            self.move_to(at, select=True)
            self._drag_origin = Selection.at(self.model.selection.anchor)
        else:
            self._begin_drag(at)

    def _point(self, at: Location) -> None:
        """Have the cursor where the right button is pressed; a selection there stays."""
        selection = self.model.selection
        if not selection.start <= at <= selection.end:
            self.move_to(at)

    def _scroll_popup(self, event: events.MouseEvent, step: int) -> None:
        """The wheel over a popup scrolls that, not the text below."""
        if self._placed is not None and self._placed.row_at(event.x, event.y) is not None:
            event.stop()
            event.prevent_default()
            if self.popup is not None:
                self.popup.move(step)
                self._refresh_popup()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll_popup(event, _WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll_popup(event, -_WHEEL)

    def _begin_drag(self, at: Location) -> None:
        self._drag_origin = self._unit_at(at)
        self.model.select(*self._drag_origin)
        self.sync()

    def _unit_at(self, at: Location) -> Selection:
        lines = self.model.lines
        if self._drag_unit == 2:
            start, end = word_at(lines[at.line], at.column)
            return Selection(Location(at.line, start), Location(at.line, end))
        if self._drag_unit == 3:
            below = Location(at.line + 1, 0)
            end_of_line = Location(at.line, len(lines[at.line]))
            has_next = at.line + 1 < len(lines)
            return Selection(Location(at.line, 0), below if has_next else end_of_line)
        return Selection.at(at)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if not self._dragging or self._drag_origin is None:
            return
        event.stop()
        y = event.y
        unit = self._unit_at(self.location_at(event.x, y))
        origin = self._drag_origin
        if unit.start < origin.start:
            self.model.select(origin.end, unit.start)
        else:
            self.model.select(origin.start, max(unit.end, origin.end))
        self.sync()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._dragging:
            event.stop()
            self._dragging = False
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        if (
            event.button != 1
            or self.model.rows.block_at(event.y + self.scroll_offset.y) is not None
        ):
            return
        event.stop()
        event.prevent_default()
        if event.chain in (2, 3) and event.x >= self.painter.gutter:
            self._drag_unit = event.chain
            self._begin_drag(self.location_at(event.x, event.y))

    # How it looks.

    def action_toggle_wrap(self) -> None:
        self.set_soft_wrap(not self.soft_wrap)

    def set_soft_wrap(self, wrap: bool) -> None:
        """Show long lines on several rows, or scroll sideways."""
        self.soft_wrap = wrap
        self._resize_text()
        self.scroll_to(x=0, animate=False)
        self.reveal(center=True)
        self.refresh()

    def action_toggle_numbers(self) -> None:
        self.show_numbers(not self.painter.show_numbers)

    def show_numbers(self, visible: bool) -> None:
        """Have numbers at the lines, or not."""
        self.painter.show_numbers = visible
        self._resize_text()
        self.refresh()

    def set_read_only(self, read_only: bool) -> None:
        self.model.read_only = read_only

    @property
    def cursor_offset(self) -> Offset:
        """Cell and row of the cursor in the widget."""
        return self.cell_of(self.model.cursor)
