"""Base editor widget: shows its model and posts changes; has no commands."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from rich.style import Style
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView

from codeexec.languages.catalog import text as plain_text
from codeexec.tui.panes.editor.docs import Docs
from codeexec.tui.panes.editor.messages import EditorMessages
from codeexec.tui.panes.editor.painting import Painter
from codeexec.tui.panes.editor.popups import CompletionList, Placed, place
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.panes.editor.text.columns import to_cell, to_column
from codeexec.tui.panes.editor.text.columns import width as line_width
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.motions import identifier_before
from codeexec.tui.panes.editor.text.syntax import syntax_for
from codeexec.tui.panes.editor.text.text import Location, TextChange

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.strip import Strip

    from codeexec.languages.model import Language
    from codeexec.tui.panes.editor.messages import CodeQuestion
    from codeexec.tui.panes.editor.popups import Popup
    from codeexec.tui.panes.editor.text.blocks import BlockContent, Blocks

_SLICE = 0.002
"""Seconds of parsing between two looks at the keyboard."""
_PAUSE = 0.04
"""Seconds without a key before a parse that takes longer than a key may."""
_PATIENCE = 0.5
"""Seconds after which colours are caught up with even while keys keep coming."""
_LONGEST = 0.5
"""Seconds without a key before a parse that takes so long or longer."""


_STEP = 64
"""Cells by which the text gets wider at once, as seen by the scrollbar."""


class EditorBase(EditorMessages, ScrollView, can_focus=True):
    """Shows an `EditorModel`: `sync` brings the screen up to it after anything happened."""

    DEFAULT_CSS = """
    EditorBase {
        overflow-x: auto;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        background: $background;
        color: $foreground;
    }
    """

    ALLOW_SELECT = False
    """The selection of the screen is not ours: the editor has its own."""

    def __init__(
        self,
        text: str = "",
        language: Language | None = None,
        *,
        styles: EditorStyles | None = None,
        read_only: bool = False,
        model: EditorModel | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`model` is a view of a text that another editor shows too, in place of `text`."""
        super().__init__(id=id, classes=classes)
        self._own_styles = styles
        self._popup: Popup | None = None
        self._asked: CodeQuestion | None = None
        self._placed: Placed | None = None
        self._base = Style.null()
        self.soft_wrap = False
        if model is None:
            model = EditorModel(text, language or plain_text())
            model.read_only = read_only
        self._take(model)

    def _take(self, model: EditorModel) -> None:
        """Show this model from now on."""
        self.model = model
        model.listeners.append(self._note_change)
        model.on_settled = self._show_others_changes
        self._syntax = syntax_for(model.language, model.buffer)
        styles = self._own_styles or EditorStyles(lambda _: Style.null())
        self.painter = Painter(self.model, self._syntax, styles)
        self._seen_version = self.model.buffer.version
        self._seen_selection = self.model.selection
        self._seen_cell = 0
        self._seen_gutter = self.painter.gutter
        self._dirty: list[tuple[int, int]] = []
        self._moved_from: int | None = None
        self._shift_above = 0
        self._parsing = False
        self.typed_at = self._stale_since = 0.0
        longest = max(self.model.lines, key=len)
        self._widest = line_width(longest, self.model.tab)

    def load(self, text: str, language: Language | None = None, *, read_only: bool = False) -> None:
        """Show another text, without a history; the cursor goes to its beginning."""
        model = EditorModel(text, language or self.model.language)
        model.read_only = read_only
        self.show_model(model)

    def show_model(self, model: EditorModel) -> None:
        """Show another model in place of the one before, from its beginning."""
        self.dismiss_popup()
        self.model.close()
        self._take(model)
        self._restyle()
        self._resize_text()
        self.scroll_to(0, 0, animate=False)
        self._schedule_parse()
        self.refresh()

    @property
    def text(self) -> str:
        return self.model.buffer.text()

    # What has changed, and what of it is on screen.

    def _note_change(self, change: TextChange) -> None:
        self._syntax.changed(change)
        first, last = change.start.line, change.new_end.line
        if change.line_shift:
            above = self._moved_from
            self._moved_from = first if above is None else min(first, above)
            self._shift_diagnostics(change)
            if change.old_end.line <= self.scroll_offset.y:
                self._shift_above += change.line_shift
        self._dirty.append((first, last))
        cells = self.model.cells
        # A separator that came or went at the first line changes the cell above it, too.
        low = cells.at(max(first - 1, 0))
        self.painter.touch(cells.key(index) for index in range(low, cells.at(last) + 1))
        for line in (first, last):
            if len(self.model.lines[line]) > self._widest // 2:
                width = line_width(self.model.lines[line], self.model.tab)
                self._widest = max(width, self._widest)

    def _shift_diagnostics(self, change: TextChange) -> None:
        diagnostics = self.painter.diagnostics
        shift, last = change.line_shift, change.old_end.line
        if any(line > change.start.line for line in diagnostics):
            self.painter.diagnostics = {
                line + (shift if line >= last and line > change.start.line else 0): diagnostic
                for line, diagnostic in diagnostics.items()
            }

    def put_block(self, key: str, line: int, content: BlockContent, height: int) -> None:
        """Show `height` rows of `content` below a line; replaces the block with the same key.

        Edits move the block with its line. Rows above the top of the screen do not move the text.
        """
        self.painter.block_contents[key] = content
        self._change_blocks(lambda blocks: blocks.put(key, line, height))

    def remove_block(self, key: str) -> None:
        """Remove a block, if there is one with this key."""
        self.painter.block_contents.pop(key, None)
        self._change_blocks(lambda blocks: blocks.remove(key))

    def _change_blocks(self, change: Callable[[Blocks], object]) -> None:
        rows = self.model.rows
        line, part = rows.line_at(rows.text_row(self.scroll_offset.y, 1))
        top = rows.first_row(line) + part
        change(rows.blocks)
        self._resize_text()
        shift = rows.first_row(line) + part - top
        if shift:
            self.scroll_to(y=self.scroll_offset.y + shift, animate=False, force=True)
        self._place_popup()
        self.refresh()

    def perform(self, command: Callable[[EditorModel], object]) -> None:
        """Let a command act on the model, and show what it did."""
        command(self.model)
        self.sync()

    def _show_others_changes(self) -> None:
        """Show what another view has changed, with the same lines on screen as before."""
        shift = self._shift_above
        self.sync(reveal=False)
        if shift and not self.soft_wrap:
            y = self.scroll_offset.y + shift
            self.call_after_refresh(self.scroll_to, y=y, animate=False, force=True)

    def sync(self, *, reveal: bool = True) -> None:
        """Bring the screen up to the model, and tell what changed."""
        model, painter = self.model, self.painter
        changed = model.buffer.version != self._seen_version
        moved = model.selection != self._seen_selection
        if not changed and not moved:
            return
        if changed:
            if getattr(self._syntax, "is_quick", False):
                self._syntax.work(_SLICE)
                painter.forget_colors()
            elif self._moved_from is None:
                # Until the text is parsed again no other line can look different.
                for first, last in self._dirty:
                    painter.forget_colors(range(first, last + 1))
            else:
                painter.forget_colors()
            self._schedule_parse()
        previous_brackets = painter.brackets
        painter.match_brackets()
        self._refresh_changes(previous_brackets, changed)
        self._seen_version = model.buffer.version
        if reveal:
            self.reveal()
        self._follow_popup()
        if changed:
            self.post_message(self.TextChanged(model.buffer.version))
        if moved:
            self._seen_selection = model.selection
            self.post_message(self.CursorMoved(model.selection))

    def _refresh_changes(self, brackets: tuple[Location, ...], changed: bool) -> None:
        model = self.model
        cell = model.cells.at(model.cursor.line)
        if self.painter.gutter != self._seen_gutter:
            self._seen_gutter = self.painter.gutter
            self._resize_text()  # another width to wrap at
        total = Size(self._text_width(), model.rows.total)
        if changed and total.width != self.virtual_size.width:
            self.virtual_size = total
            # The bar below may have come or gone, and with it a row.
            self.call_after_refresh(self.reveal)
        elif changed and total != self.virtual_size:
            # The vertical bar is always there, so that more lines need no new layout.
            self.set_reactive(ScrollView.virtual_size, total)
            self.vertical_scrollbar.window_virtual_size = total.height
        if cell != self._seen_cell or self._moved_from is not None or (self.soft_wrap and changed):
            self.refresh()
        else:
            for first, last in self._dirty:
                self._refresh_text(first, last)
            old, new = self._seen_selection, model.selection
            lines = [at.line for pair in (old, new) for at in pair]
            if old.is_empty and new.is_empty:
                self._refresh_text(old.cursor.line, old.cursor.line)
                self._refresh_text(new.cursor.line, new.cursor.line)
            else:
                self._refresh_text(min(lines), max(lines))
            for at in (*brackets, *self.painter.brackets):
                self._refresh_text(at.line, at.line)
        self._seen_cell = cell
        self._dirty.clear()
        self._moved_from = None
        self._shift_above = 0

    def _refresh_text(self, first: int, last: int) -> None:
        rows = self.model.rows
        top = rows.first_row(min(first, len(self.model.lines) - 1)) - self.scroll_offset.y
        end = rows.first_row(min(last + 1, len(self.model.lines))) - self.scroll_offset.y
        top, end = max(0, top), min(self.size.height, end)
        if top < end:
            self.refresh(Region(0, top, self.size.width, end - top))

    def _text_width(self) -> int:
        """0 for what fits: a width that is never exceeded need not be followed."""
        if self.soft_wrap or not self.size:
            return 0
        needed, room = self._widest + self.painter.gutter + 2, self.scrollable_content_region.width
        # In steps, as another width means another layout of the screen.
        return 0 if needed <= room else -(-needed // _STEP) * _STEP

    def _resize_text(self) -> None:
        rows = self.model.rows
        room = max(8, self.scrollable_content_region.width - self.painter.gutter - 1)
        wrap_width = room if self.soft_wrap else 0
        if wrap_width != rows.width:
            rows.set_width(wrap_width)
        self.virtual_size = Size(self._text_width(), rows.total)

    # Parsing, in pauses of typing.

    @property
    def is_parsing(self) -> bool:
        """Whether colours and symbols are not yet those of the text as it is."""
        return self._parsing or not self.is_attached

    def _schedule_parse(self) -> None:
        self.typed_at = monotonic()
        if not self._parsing and self.is_attached:
            self._parsing = True
            self._stale_since = self.typed_at
            self.set_timer(_PAUSE, self._parse)

    def _parse(self) -> None:
        now, cost = monotonic(), self._syntax.cost
        # What takes longer than the next key is far is begun again by each key, and never done.
        wait = self.typed_at + max(_PAUSE, min(cost, _LONGEST)) - now
        if wait > 0 and (now < self._stale_since + _PATIENCE or cost > _PAUSE):
            self.set_timer(wait, self._parse)
        elif self._syntax.work(_SLICE):
            self._parsing = False
            for line in self.painter.recolor():
                self._refresh_text(line, line)
        else:
            self.set_timer(0.001, self._parse)

    # Where things are.

    def cell_of(self, location: Location) -> Offset:
        """Row and cell of a place, from the top left of the widget, gutter and scroll applied."""
        model = self.model
        line = model.lines[location.line]
        row = model.rows.row_of(location.line, location.column)
        cell = to_cell(line, location.column, model.tab)
        if self.soft_wrap:
            start = model.rows.starts(location.line)[row - model.rows.first_row(location.line)]
            cell -= to_cell(line, start, model.tab)
            scroll = 0
        else:
            scroll = self.scroll_offset.x
        return Offset(self.painter.gutter + cell - scroll, row - self.scroll_offset.y)

    def location_at(self, x: int, y: int) -> Location:
        """The place that is shown at a cell of the widget."""
        model = self.model
        line, part = model.rows.line_at(y + self.scroll_offset.y)
        if y + self.scroll_offset.y >= model.rows.total:
            return model.buffer.end
        text = model.lines[line]
        cell = max(0, x - self.painter.gutter)
        if not self.soft_wrap:
            return Location(line, to_column(text, cell + self.scroll_offset.x, model.tab))
        starts = model.rows.starts(line)
        first = to_cell(text, starts[part], model.tab)
        column = to_column(text, first + cell, model.tab)
        if part + 1 < len(starts):
            column = min(column, starts[part + 1] - 1)
        return Location(line, column)

    @property
    def page(self) -> int:
        """Rows that are seen at once."""
        return max(1, self.scrollable_content_region.height)

    def reveal(self, *, center: bool = False) -> None:
        """Scroll so that the cursor is seen, with a little room around it."""
        region = self.scrollable_content_region
        if not region.height:
            return
        at = self.cell_of(self.model.cursor)
        x, y = self.scroll_offset
        margin = min(2, (region.height - 1) // 2)
        top, bottom = margin, region.height - 1 - margin
        if center or not -region.height <= at.y <= 2 * region.height:
            wanted_y = y + at.y - region.height // 2
        else:
            wanted_y = y + min(0, at.y - top) + max(0, at.y - bottom)
        wanted_x = x
        gutter = self.painter.gutter
        if not self.soft_wrap and not gutter <= at.x < region.width - 1:
            room = max(1, region.width - gutter)
            wanted_x = max(0, x + at.x - gutter - (room * 2 // 3 if at.x > gutter else room // 3))
        highest = max(0, self.model.rows.total - region.height)
        wanted_y = min(max(0, wanted_y), highest)
        if (wanted_x, wanted_y) != (x, y):
            self.scroll_to(wanted_x, wanted_y, animate=False, force=True)
        if self.has_focus:
            self.app.cursor_position = self.cursor_screen_offset

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the cursor is on the screen, for input methods."""
        return self.content_region.offset + self.cell_of(self.model.cursor)

    # Painting.

    def render_lines(self, crop: Region) -> list[Strip]:
        # Looked up once for all lines: it goes through all ancestors, 0.1 ms a time.
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        height = self.size.height
        self.painter.prepare(self.scroll_offset.y, height)
        row = y + self.scroll_offset.y
        scroll = 0 if self.soft_wrap else self.scroll_offset.x
        base = self._base or self.rich_style
        strip = self.painter.row(row, scroll, self.size.width, base)
        return self._placed.over(strip, y) if self._placed is not None else strip

    def _restyle(self) -> None:
        variables = self.app.theme_variables
        self.painter.styles = self._own_styles or EditorStyles.from_variables(variables)

    def use_styles(self, styles: EditorStyles | None) -> None:
        """Paint with these styles; with None, with those of the app's theme."""
        self._own_styles = styles
        self._restyle()
        self._place_popup()
        self.refresh()

    def on_mount(self) -> None:
        self._restyle()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.use_styles(self._own_styles))
        self._resize_text()
        # What can be read without colours is on screen before they are worked out.
        self.call_after_refresh(self._schedule_parse)

    def on_resize(self) -> None:
        self._resize_text()
        self._place_popup()
        self.call_after_refresh(self.reveal)

    def on_focus(self) -> None:
        self.painter.focused = True
        self.refresh()

    def on_blur(self) -> None:
        self.painter.focused = False
        self.dismiss_popup()
        self.refresh()

    # Popups.

    @property
    def popup(self) -> Popup | None:
        return self._popup

    def open_popup(self, popup: Popup) -> None:
        self._popup = popup
        self._place_popup()
        self.refresh()

    def close_popup(self) -> None:
        if self._popup is not None:
            self._popup = self._placed = None
            self.refresh()

    def dismiss_popup(self) -> None:
        """Close what is open, and drop the answer to what was asked and not answered yet."""
        self._asked = None
        self.close_popup()

    def _refresh_popup(self) -> None:
        self._place_popup()
        self.refresh()

    def _place_popup(self) -> None:
        if self._popup is None or not self.size:
            return
        start = self._popup.start if isinstance(self._popup, CompletionList) else self.model.cursor
        at = self.cell_of(start)
        region = self.scrollable_content_region
        x = at.x - 1 if isinstance(self._popup, CompletionList) else at.x
        size = (region.width, region.height)
        self._placed = place(self._popup, x, at.y, size, self.painter.styles)

    def _follow_request(self) -> None:
        """Give up what was asked about a word once the cursor is anywhere else."""
        question = self._asked
        if question is None:
            return
        cursor, at = self.model.cursor, question.location(question.offset)
        head = question.code[: question.offset].rpartition("\n")[2]
        column = at.column - len(identifier_before(head, len(head)))
        typed = self.model.line[column : cursor.column]
        if isinstance(question, self.InspectRequested):
            stays = cursor == at and question.version == self.model.buffer.version
        else:
            stays = cursor.line == at.line and cursor.column >= column and _is_word(typed)
        if not stays:
            self._asked = None

    def _follow_popup(self) -> None:
        """Filter the completions by what is typed now; gone when the cursor left the word."""
        self._follow_request()
        popup = self._popup
        if isinstance(popup, Docs):
            self.close_popup()
        elif popup is not None:
            cursor, start = self.model.cursor, popup.start
            typed = self.model.line[start.column : cursor.column]
            stays = cursor.line == start.line and cursor.column >= start.column
            if stays and _is_word(typed) and self.model.selection.is_empty and popup.filter(typed):
                self._place_popup()
                self.refresh()
            else:
                self.close_popup()


def _is_word(typed: str) -> bool:
    """Whether a completion may still replace what is typed: part of a name, a magic or a path."""
    return all(sign.isalnum() or sign in "_.%/" for sign in typed)
