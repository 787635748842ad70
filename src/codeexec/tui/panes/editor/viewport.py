"""Geometry of an editor: which text is at which cell of the widget, how far it is scrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView

from codeexec.tui.panes.editor.text.columns import to_cell, to_column, width
from codeexec.tui.panes.editor.text.text import Location

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.code_editor import CodeEditor

_STEP = 64
"""Cells by which the text gets wider at once, as seen by the scrollbar."""


class Viewport:
    """Rows and columns of the editor's model on the editor's screen region."""

    def __init__(self, editor: CodeEditor) -> None:
        self._editor = editor
        self._widest = 0
        self.soft_wrap = False

    @property
    def page(self) -> int:
        """Rows that are seen at once."""
        return max(1, self._editor.scrollable_content_region.height)

    # The size of the text.

    def measure(self) -> None:
        """Measure the widest line of another text."""
        model = self._editor.model
        self._widest = width(max(model.lines, key=len), model.tab)

    def note_line(self, line: int) -> None:
        """A line has changed, and may be the widest now."""
        model = self._editor.model
        text = model.lines[line]
        if len(text) > self._widest // 2:
            self._widest = max(width(text, model.tab), self._widest)

    @property
    def text_width(self) -> int:
        """0 for what fits: a width that is never exceeded need not be followed."""
        editor = self._editor
        if self.soft_wrap or not editor.size:
            return 0
        needed = self._widest + editor.painter.gutter + 2
        room = editor.scrollable_content_region.width
        # In steps, as another width means another layout of the screen.
        return 0 if needed <= room else -(-needed // _STEP) * _STEP

    def resize_text(self) -> None:
        """Wrap the text at the width that there is now, and tell the scrollbars its size."""
        editor = self._editor
        rows = editor.model.rows
        room = max(8, editor.scrollable_content_region.width - editor.painter.gutter - 1)
        wrap_width = room if self.soft_wrap else 0
        if wrap_width != rows.width:
            rows.set_width(wrap_width)
        editor.virtual_size = Size(self.text_width, rows.total)

    def fit_size(self) -> bool:
        """Tell the scrollbars the size of the text; whether it has another width, which takes a
        layout of the screen."""
        editor = self._editor
        total = Size(self.text_width, editor.model.rows.total)
        if total.width != editor.virtual_size.width:
            editor.virtual_size = total
            return True
        if total != editor.virtual_size:
            # The vertical bar is always there, so that more lines need no new layout.
            editor.set_reactive(ScrollView.virtual_size, total)
            editor.vertical_scrollbar.window_virtual_size = total.height
        return False

    # Cells and places in the text.

    def cell_of(self, location: Location) -> Offset:
        """Row and cell of a place, from the top left of the widget, gutter and scroll applied."""
        editor, model = self._editor, self._editor.model
        line = model.lines[location.line]
        row = model.rows.row_of(location.line, location.column)
        cell = to_cell(line, location.column, model.tab)
        if self.soft_wrap:
            start = model.rows.starts(location.line)[row - model.rows.first_row(location.line)]
            cell -= to_cell(line, start, model.tab)
            scroll = 0
        else:
            scroll = editor.scroll_offset.x
        return Offset(editor.painter.gutter + cell - scroll, row - editor.scroll_offset.y)

    def location_at(self, x: int, y: int) -> Location:
        """The place that is shown at a cell of the widget."""
        editor, model = self._editor, self._editor.model
        row = y + editor.scroll_offset.y
        line, part = model.rows.line_at(row)
        if row >= model.rows.total:
            return model.buffer.end
        text = model.lines[line]
        cell = max(0, x - editor.painter.gutter)
        if not self.soft_wrap:
            return Location(line, to_column(text, cell + editor.scroll_offset.x, model.tab))
        starts = model.rows.starts(line)
        first = to_cell(text, starts[part], model.tab)
        column = to_column(text, first + cell, model.tab)
        if part + 1 < len(starts):
            column = min(column, starts[part + 1] - 1)
        return Location(line, column)

    @property
    def cursor_on_screen(self) -> Offset:
        """The cell of the cursor on the whole screen, for input methods."""
        return self._editor.content_region.offset + self.cell_of(self._editor.model.cursor)

    # What is seen.

    def reveal(self, *, center: bool = False) -> None:
        """Scroll so that the cursor is seen, with a little room around it."""
        editor = self._editor
        region = editor.scrollable_content_region
        if not region.height:
            return
        at = self.cell_of(editor.model.cursor)
        scroll = editor.scroll_offset
        target = (self._scroll_x(at.x, region), self._scroll_y(at.y, region, center=center))
        if target != (scroll.x, scroll.y):
            editor.scroll_to(*target, animate=False, force=True)
        if editor.has_focus:
            editor.app.cursor_position = self.cursor_on_screen

    def _scroll_x(self, x: int, region: Region) -> int:
        """How far to scroll sideways for a cursor in column `x` of the widget."""
        scroll, gutter = self._editor.scroll_offset.x, self._editor.painter.gutter
        if self.soft_wrap or gutter <= x < region.width - 1:
            return scroll
        room = max(1, region.width - gutter)
        return max(0, scroll + x - gutter - (room * 2 // 3 if x > gutter else room // 3))

    def _scroll_y(self, y: int, region: Region, *, center: bool) -> int:
        """How far to scroll down for a cursor in row `y` of the widget."""
        scroll = self._editor.scroll_offset.y
        margin = min(2, (region.height - 1) // 2)
        top, bottom = margin, region.height - 1 - margin
        if center or not -region.height <= y <= 2 * region.height:
            target = scroll + y - region.height // 2
        else:
            target = scroll + min(0, y - top) + max(0, y - bottom)
        highest = max(0, self._editor.model.rows.total - region.height)
        return min(max(0, target), highest)

    def reveal_rows(self, first: int, last: int) -> None:
        """Scroll so that these rows are seen, or as many of them as there is room for."""
        editor = self._editor
        height = editor.scrollable_content_region.height
        y = editor.scroll_offset.y
        target = min(max(y, last + 1 - height), first)
        target = max(0, min(target, editor.model.rows.total - height))
        if height and target != y:
            editor.scroll_to(y=target, animate=False, force=True, immediate=True)

    def scroll_rows(self, count: int) -> None:
        """Scroll down (or up, when negative) and leave the cursor where it is."""
        self._editor.scroll_to(y=self._editor.scroll_offset.y + count, animate=False)

    def refresh_lines(self, first: int, last: int) -> None:
        """Have the rows of these lines drawn again, as far as they are seen."""
        editor, model = self._editor, self._editor.model
        rows, y = model.rows, editor.scroll_offset.y
        top = rows.first_row(min(first, len(model.lines) - 1)) - y
        end = rows.first_row(min(last + 1, len(model.lines))) - y
        top, end = max(0, top), min(editor.size.height, end)
        if top < end:
            editor.refresh(Region(0, top, editor.size.width, end - top))
