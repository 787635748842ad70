"""Geometry of an editor: which text is at which cell of the widget, how far it is scrolled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView

from codeexec.tui.panes.editor.text.columns import to_cell, to_column, width
from codeexec.tui.panes.editor.text.text import Location

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.code_editor import CodeEditor

_STEP = 64
"""Cells by which the text gets wider at once, as seen by the scrollbar."""


_PATIENCE = 30.0
"""Seconds in which the rows of a page may come to which it is to be scrolled."""


class _WantedTop(NamedTuple):
    """`until` is in seconds on the monotonic clock."""

    line: int
    row: int
    with_cursor: bool
    cursor: Location
    until: float


class Viewport:
    """Rows and columns of the editor's model on the editor's screen region."""

    def __init__(self, editor: CodeEditor) -> None:
        self._editor = editor
        self._widest = 0
        self._wanted: _WantedTop | None = None
        """What is to be shown as soon as there are rows enough."""
        self._height = 0
        """Rows that were seen before the editor had another size."""
        self._reveals_cursor = False
        """Whether the cursor is to be seen after another size: not if what is seen was chosen
        since."""
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

    @property
    def top(self) -> tuple[int, int]:
        """The line at the top of the screen, and how many rows below its first row the first row
        on screen is: rows of the line itself, or of a block below it."""
        if self._wanted is not None:
            return self._wanted.line, self._wanted.row
        return self._top()

    def _top(self) -> tuple[int, int]:
        rows, y = self._editor.model.rows, self._editor.scroll_offset.y
        line, _ = rows.line_at(y)
        return line, y - rows.first_row(line)

    @property
    def shows_cursor(self) -> bool:
        """Whether the row of the cursor is on screen, or will be when the rows are there."""
        if self._wanted is not None:
            return self._wanted.with_cursor
        cursor = self._editor.model.cursor
        row = self._editor.model.rows.row_of(cursor.line, cursor.column)
        return not self._height or 0 <= row - self._editor.scroll_offset.y < self._height

    def show_top(self, line: int, row: int, *, with_cursor: bool = True) -> None:
        """Scroll to what was `top`, and from there to the cursor if that is wanted. Where the
        editor has no size yet, or a block is not made yet, it is shown as soon as that is there,
        unless the user goes elsewhere."""
        until = time.monotonic() + _PATIENCE
        self._reveals_cursor = False
        self._wanted = _WantedTop(line, row, with_cursor, self._editor.model.cursor, until)
        self.retry_top()

    def retry_top(self) -> None:
        """The rows have changed: show what `show_top` was called with, if it was not yet."""
        editor, wanted = self._editor, self._wanted
        height = editor.scrollable_content_region.height
        if wanted is None or not height:
            return
        if editor.model.cursor != wanted.cursor or time.monotonic() > wanted.until:
            self._wanted = None
            return
        rows = editor.model.rows
        y = rows.first_row(min(max(wanted.line, 0), len(editor.model.lines) - 1)) + wanted.row
        self._scroll_to(max(0, min(y, rows.total - height)))
        if self._top() == (wanted.line, wanted.row):
            self._wanted = None
        if wanted.with_cursor:
            self._reveal(center=False)

    def _scroll_to(self, y: int) -> None:
        if y != self._editor.scroll_offset.y:
            self._editor.scroll_to(y=y, animate=False, force=True, immediate=True)

    def resized(self) -> None:
        """The editor has another size: the cursor is kept on screen if it was there."""
        shows_cursor = self.shows_cursor
        self._height = self._editor.scrollable_content_region.height
        self.resize_text()
        if self._wanted is not None:
            self._editor.call_after_refresh(self.retry_top)
        elif shows_cursor:
            self._reveals_cursor = True
            self._editor.call_after_refresh(self._reveal_after_resize)

    def _reveal_after_resize(self) -> None:
        if self._reveals_cursor:
            self._reveals_cursor = False
            self.reveal()

    def reveal(self, *, center: bool = False) -> None:
        """Scroll so that the cursor is seen, with a little room around it; or to what is wanted,
        while the cursor is where it was then."""
        wanted = self._wanted
        self.retry_top()
        if wanted is None or wanted.cursor != self._editor.model.cursor:
            self._reveal(center=center)

    def _reveal(self, *, center: bool) -> None:
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
        if height:
            self._scroll_to(target)

    def scroll_rows(self, count: int) -> None:
        """Scroll down (or up, when negative) and leave the cursor where it is."""
        self._wanted, self._reveals_cursor = None, False
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
