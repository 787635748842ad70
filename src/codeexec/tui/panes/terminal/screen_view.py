"""The screen of one terminal as a widget: rows, cursor, selection, gutter and scroll bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from codeexec.domain.events import Artifact
from codeexec.domain.terminals import TerminalRow, TerminalScreen
from codeexec.tui.output.cell_pictures import CellPictures, placed_parts
from codeexec.tui.panes.terminal.cells import width as row_width
from codeexec.tui.panes.terminal.gutter import CommandMark
from codeexec.tui.panes.terminal.painting import CellPainter, Highlight
from codeexec.tui.panes.terminal.rows import RowStore
from codeexec.tui.panes.terminal.selection import Point, RowSelection
from codeexec.tui.panes.terminal.viewport import RowWindow
from codeexec.tui.theme.theme import Theme

GUTTER = 1
"""Columns at the left for the marks of commands."""
SCROLL_BAR = 1
"""Columns at the right."""


class ScreenView(Widget, can_focus=True):
    """`grab` is asked for each key before any binding has it, and returns whether it took the key;
    `is_inside` says whether keys go to the program."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ScreenView { height: 1fr; }
    """

    class RowsMissing(Message):
        """Rows of the scrollback are in view that are not here."""

    class Resized(Message):
        """The view has another size, or is shown or hidden."""

    class MouseUsed(Message):
        """The mouse over the view; `cell` is the cell of the terminal below it."""

        def __init__(self, event: events.MouseEvent, cell: Point) -> None:
            super().__init__()
            self.event = event
            self.cell = cell

    class FocusMoved(Message):
        """The view has got the keys, or lost them."""

    def __init__(
        self,
        theme: Theme,
        grab: Callable[[events.Key | events.Paste], bool],
        is_inside: Callable[[], bool],
    ) -> None:
        super().__init__(id="terminal-screen")
        self.pictures: CellPictures | None = None
        self._painter = CellPainter(theme)
        self._grab = grab
        self._is_inside = is_inside
        self.store = RowStore()
        self.port = RowWindow(self.store)
        self.selection = RowSelection(self.store.row)
        self.match_marks: Mapping[int, Sequence[Highlight]] = {}
        self._marks: Mapping[int, CommandMark] = {}
        self._has_terminal = False
        self._placeholder: tuple[str, ...] = ()
        self._cursor_row = -1

    # -- keys ------------------------------------------------------------------------------------

    @property
    def grabs(self) -> bool:
        return self._is_inside()

    def grab(self, event: events.Key | events.Paste) -> bool:
        return self._grab(event)

    def on_focus(self) -> None:
        self.refresh()
        self.post_message(self.FocusMoved())

    def on_blur(self) -> None:
        self.refresh()
        self.post_message(self.FocusMoved())

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def columns(self) -> int:
        """Columns that there are for the terminal."""
        return max(self.size.width - GUTTER - SCROLL_BAR, 0)

    def use(self, theme: Theme) -> None:
        self._painter = CellPainter(theme)
        if self.pictures is not None:
            self.pictures.clear()
        self.refresh()

    def take_artifacts(self, artifacts: tuple[Artifact, ...]) -> None:
        """Note which pictures the session has."""
        if self.pictures is not None:
            self.pictures.take(artifacts)

    def show_words(self, *lines: str) -> None:
        """Show words in place of a terminal."""
        self._has_terminal = False
        self._placeholder = lines
        self.refresh()

    def begin(self) -> None:
        """Show another terminal, whose screen will come."""
        self._has_terminal = True
        self.store.forget()
        self.store.screen = TerminalScreen()
        self.selection.clear()
        self.match_marks, self._marks = {}, {}
        self.port.follow()
        self.refresh()

    def take(self, screen: TerminalScreen) -> None:
        """Show a newer screen; only what differs is painted."""
        old_screen, top, bar = self.store.screen, self.port.top, self.port.bar()
        if self.store.take(screen):
            self.selection.clear()
        if (self.port.top, self.port.bar()) != (top, bar) or screen.history != old_screen.history:
            self.refresh()
            return
        changed = {screen.history + number for number in screen.changed}
        if screen.cursor != old_screen.cursor or self._cursor_row != self._row_of_cursor():
            changed |= {old_screen.history + old_screen.cursor.row, self._row_of_cursor()}
        for number in changed:
            self._refresh_row(number)

    def show_marks(self, marks: Mapping[int, CommandMark]) -> None:
        """Show marks of commands by their rows."""
        for number in {row for row, _ in self._marks.items() ^ marks.items()}:
            self._refresh_row(number)
        self._marks = marks

    def put(self, start: int, rows: tuple[TerminalRow, ...]) -> None:
        """Take rows of the scrollback."""
        self.store.put(start, rows)
        self.refresh()

    def _row_of_cursor(self) -> int:
        screen = self.store.screen
        return screen.history + screen.cursor.row

    def _refresh_row(self, number: int) -> None:
        y = number - self.port.top
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # -- painting --------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        if not self._has_terminal:
            return self._placeholder_line(y)
        number = self.port.top + y
        columns = self.columns
        if number >= self.store.end or columns < 1:
            return Strip.blank(self.size.width, self.rich_style)
        row = self.store.row(number)
        if self.store.missing:
            self.post_message(self.RowsMissing())
        strip = self._painter.strip(row, columns, self._highlights(number))
        strip = self._with_pictures(strip, row)
        strip = self._with_cursors(strip, row, number)
        # The rows of a program on the alternate screen are those of no command.
        mark = None if self.is_of_program(number) else self._marks.get(number)
        if mark is not None:
            strip = self._with_words(strip, row, mark)
        edge = self._gutter(mark), *strip, self._bar(y)
        return Strip(edge, self.size.width).apply_style(self.rich_style)

    def _with_pictures(self, strip: Strip, row: TerminalRow) -> Strip:
        """The strip with what it shows of pictures, once they are painted."""
        if self.pictures is None:
            return strip
        ground, width = self._painter.theme.color("surface"), strip.cell_length
        is_whole = self.screen.is_active
        for placed in placed_parts(row):
            if placed.start >= width:
                break
            cut = placed._replace(end=min(placed.end, width))
            if (cells := self.pictures.strip(cut, ground, is_whole=is_whole)) is not None:
                end = cut.start + cells.cell_length
                strip = Strip.join([strip.crop(0, cut.start), cells, strip.crop(end, width)])
        return strip

    def is_of_program(self, number: int) -> bool:
        """Whether a row is one of the alternate screen."""
        screen = self.store.screen
        return screen.modes.is_alternate and number >= screen.history

    def _highlights(self, number: int) -> list[Highlight]:
        highlights = list(self.match_marks.get(number, ()))
        if (selected := self.selection.columns(number)) is not None:
            highlights.append(Highlight(*selected, "selection"))
        return highlights

    def _with_cursors(self, strip: Strip, row: TerminalRow, number: int) -> Strip:
        """The strip with the cursor of the program, or of the reader."""
        cursor, reader = self.store.screen.cursor, self.selection.cursor
        if reader is not None:
            if number == reader.row and self.has_focus:
                return self._painter.with_cursor(strip, row, reader.column, "block", is_lit=True)
            return strip
        if number == self._row_of_cursor():
            self._cursor_row = number
            if cursor.is_visible:
                is_lit = self.has_focus and self._is_inside()
                column, shape = cursor.column, cursor.shape
                return self._painter.with_cursor(strip, row, column, shape, is_lit=is_lit)
        return strip

    def _with_words(self, strip: Strip, row: TerminalRow, mark: CommandMark) -> Strip:
        """The strip with words at its right end, if nothing stands there."""
        start = strip.cell_length - len(mark.words)
        if not mark.words or row_width(row) >= start - 1:
            return strip
        style = self._painter.theme.style("muted")
        return Strip.join([strip.crop(0, start), Strip([Segment(mark.words, style)])])

    def _gutter(self, mark: CommandMark | None) -> Segment:
        if mark is None:
            return Segment(" " * GUTTER)
        return Segment(mark.sign.ljust(GUTTER), self._painter.theme.style(mark.meaning))

    def _bar(self, y: int) -> Segment:
        thumb = self.port.bar()
        if thumb is None:
            return Segment(" ")
        is_thumb = thumb[0] <= y <= thumb[1]
        meaning = "border.focused" if not self.port.follows else "border"
        return Segment("▐" if is_thumb else " ", self._painter.theme.style(meaning))

    def _placeholder_line(self, y: int) -> Strip:
        width, lines = self.size.width, self._placeholder
        at = y - max((self.size.height - len(lines)) // 2, 0)
        text = lines[at].center(width)[:width] if 0 <= at < len(lines) else ""
        style = self.rich_style + self._painter.theme.style("muted")
        return Strip([Segment(text.ljust(width), style)], width)

    # -- size and mouse --------------------------------------------------------------------------

    def on_resize(self) -> None:
        self.port.height = self.size.height
        self.post_message(self.Resized())

    def on_show(self) -> None:
        self.post_message(self.Resized())

    def on_hide(self) -> None:
        self.post_message(self.Resized())

    def cell_at(self, x: int, y: int) -> Point:
        """The cell of the terminal at a place of the widget, the nearest one outside of it."""
        column = min(max(x - GUTTER, 0), max(self.columns - 1, 0))
        y = min(max(y, 0), max(self.size.height - 1, 0))
        return Point(min(self.port.top + y, max(self.store.end - 1, 0)), column)

    def _note_mouse(self, event: events.MouseEvent) -> None:
        if self._has_terminal:
            self.post_message(self.MouseUsed(event, self.cell_at(event.x, event.y)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._note_mouse(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self._note_mouse(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._note_mouse(event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self._note_mouse(event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self._note_mouse(event)
