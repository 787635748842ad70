"""Mouse in the editor: selects text by dragging, points into popups and blocks, and runs cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from codeexec.tui.panes.editor.docs import Docs
from codeexec.tui.panes.editor.messages import BlockPressed, RunScope
from codeexec.tui.panes.editor.popups import CompletionList
from codeexec.tui.panes.editor.text.motions import word_at
from codeexec.tui.panes.editor.text.text import Location, Selection

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.code_editor import CodeEditor

_WHEEL = 3
"""Rows of a popup or of a block that one notch of the wheel scrolls."""

_ACROSS = 6
"""Columns of a block that one notch scrolls."""


class Mouse:
    """A press and a drag select; by words after two clicks, by lines after three or in the gutter.

    A press on a cell's mark runs the cell.
    """

    def __init__(self, editor: CodeEditor) -> None:
        self._editor = editor
        self._is_dragging = False
        self._clicks = 1  # 2 selects by words, 3 by lines
        self._origin = Selection.at(Location(0, 0))

    def handle(self, event: events.MouseEvent) -> None:
        match event:
            case events.MouseDown():
                self._press(event)
            case events.MouseMove():
                self._drag(event)
            case events.MouseUp() if self._is_dragging:
                event.stop()
                self._is_dragging = False
                self._editor.release_mouse()
            case events.Click():
                self._click(event)
            case events.MouseScrollDown() | events.MouseScrollUp():
                self._scroll(
                    event, _WHEEL if isinstance(event, events.MouseScrollDown) else -_WHEEL
                )
            case events.MouseScrollLeft():
                self._scroll_block(event, -_ACROSS, 0)
            case events.MouseScrollRight():
                self._scroll_block(event, _ACROSS, 0)

    def _press(self, event: events.MouseDown) -> None:
        editor = self._editor
        place = editor.model.rows.block_at(event.y + editor.scroll_offset.y)
        if place is not None:
            _take(event)
            block, row = place
            x = event.x - editor.painter.gutter
            editor.post_message(BlockPressed(block.key, row, x, event.button, shift=event.shift))
        elif self._press_cell(event):
            _take(event)
        elif event.button == 3:
            self._point(editor.viewport.location_at(event.x, event.y))
        elif event.button == 1:
            _take(event)
            if not self._press_popup(event):
                self._press_text(event)

    def _press_cell(self, event: events.MouseDown) -> bool:
        """Let the layer over the text have a press that means a whole cell."""
        editor = self._editor
        layer = editor.text_layer
        if layer is None or event.x == 0 or editor.popups.row_at(event.x, event.y) is not None:
            return False
        line = editor.viewport.location_at(event.x, event.y).line
        return layer.press_line(line, event.button, shift=event.shift)

    def _point(self, at: Location) -> None:
        """Have the cursor where the right button is pressed; a selection there stays."""
        selection = self._editor.model.selection
        if not selection.start <= at <= selection.end:
            self._editor.move_to(at)

    def _press_popup(self, event: events.MouseDown) -> bool:
        """Handle a press on an open popup; a press beside it closes it and goes on to the text."""
        editor = self._editor
        row = editor.popups.row_at(event.x, event.y)
        popup = editor.popups.current
        if row is None:
            editor.popups.close()
            return False
        if isinstance(popup, CompletionList):
            popup.move(popup.top + row - popup.chosen)
            editor.completion.accept()
        return isinstance(popup, CompletionList | Docs)

    def _press_text(self, event: events.MouseDown) -> None:
        editor = self._editor
        cells = editor.model.cells
        at = editor.viewport.location_at(event.x, event.y)
        if event.x == 0 and at.line == cells.span(cells.at(at.line))[0]:
            editor.move_to(at)
            editor.action_run_cells(RunScope.CELL)
            return
        self._clicks = 3 if event.x < editor.painter.gutter else 1
        self._is_dragging = True
        editor.capture_mouse()
        if event.shift:
            editor.move_to(at, select=True)
            self._origin = Selection.at(editor.model.selection.anchor)
        else:
            self._begin_selection(at)

    def _begin_selection(self, at: Location) -> None:
        self._origin = self._unit_at(at)
        self._editor.perform(lambda model: model.select(*self._origin))

    def _unit_at(self, at: Location) -> Selection:
        """The text that the number of clicks selects at a place."""
        lines = self._editor.model.lines
        if self._clicks == 2:
            start, end = word_at(lines[at.line], at.column)
            return Selection(Location(at.line, start), Location(at.line, end))
        if self._clicks == 3:
            below = Location(at.line + 1, 0)
            end_of_line = Location(at.line, len(lines[at.line]))
            has_next = at.line + 1 < len(lines)
            return Selection(Location(at.line, 0), below if has_next else end_of_line)
        return Selection.at(at)

    def _drag(self, event: events.MouseMove) -> None:
        if not self._is_dragging:
            return
        event.stop()
        editor, origin = self._editor, self._origin
        unit = self._unit_at(editor.viewport.location_at(event.x, event.y))
        if unit.start < origin.start:
            ends = origin.end, unit.start
        else:
            ends = origin.start, max(unit.end, origin.end)
        editor.perform(lambda model: model.select(*ends))

    def _click(self, event: events.Click) -> None:
        editor = self._editor
        if event.button != 1:
            return
        place = editor.model.rows.block_at(event.y + editor.scroll_offset.y)
        if place is not None:
            if event.chain == 2:
                x = event.x - editor.painter.gutter
                editor.post_message(BlockPressed(place[0].key, place[1], x, 1, is_double=True))
            return
        _take(event)
        if event.chain in (2, 3) and event.x >= editor.painter.gutter:
            self._clicks = event.chain
            self._begin_selection(editor.viewport.location_at(event.x, event.y))

    def _scroll(self, event: events.MouseEvent, step: int) -> None:
        """The wheel over a popup scrolls that, not the text below; over a block it does so with
        Shift (sideways) or Ctrl, so that the text is never held up by a block."""
        popups = self._editor.popups
        if popups.current is not None and popups.row_at(event.x, event.y) is not None:
            _take(event)
            popups.current.move(step)
            popups.redraw()
        elif event.shift:
            self._scroll_block(event, step * _ACROSS // _WHEEL, 0)
        elif event.ctrl:
            self._scroll_block(event, 0, step)

    def _scroll_block(self, event: events.MouseEvent, across: int, down: int) -> None:
        editor = self._editor
        place = editor.model.rows.block_at(event.y + editor.scroll_offset.y)
        layer = editor.text_layer
        if place and layer is not None and layer.scroll_block(place[0].key, across, down):
            _take(event)


def _take(event: events.MouseEvent) -> None:
    """Keep an event from the widgets around the editor, and from Textual's defaults."""
    event.stop()
    event.prevent_default()
