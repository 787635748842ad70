"""List of rows that paints only visible ones, so that its cost does not grow with its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codeexec.domain.text.printable import printable
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import fitted

Ink = Literal["text", "muted", "accent", "ok", "warn", "error", "title"]
"""What a piece of a row is painted with."""

Pieces = list[tuple[str, Ink]]


class ListRow(Protocol):
    """A row: returns its content for a width in cells."""

    def pieces(self, width: int) -> Pieces: ...


@dataclass(frozen=True, slots=True)
class TextRow:
    """A row of one piece."""

    text: str
    ink: Ink = "text"

    def pieces(self, width: int) -> Pieces:
        return [(fitted(self.text, width), self.ink)]


class RowList(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows with a cursor. The pane around it binds the keys that go from row to row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--cursor",
        "rows--text",
        "rows--muted",
        "rows--accent",
        "rows--ok",
        "rows--warn",
        "rows--error",
        "rows--title",
    }

    DEFAULT_CSS = """
    RowList {
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        & > .rows--cursor { background: $surface-active; }
        &:focus > .rows--cursor { background: $screen-selection-background; }
        & > .rows--text { color: $text; }
        & > .rows--muted { color: $text-muted; }
        & > .rows--accent { color: $text-accent; }
        & > .rows--ok { color: $text-success; }
        & > .rows--warn { color: $text-warning; }
        & > .rows--error { color: $text-error; }
        & > .rows--title { color: $text; text-style: bold; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("rows")]

    @dataclass
    class Moved(Message):
        """The user moved the cursor to a row."""

        rows: RowList
        at: int

        @property
        def control(self) -> RowList:
            return self.rows

    @dataclass
    class RowChosen(Message):
        """The user double-clicked a row."""

        rows: RowList
        at: int

        @property
        def control(self) -> RowList:
            return self.rows

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[ListRow] = ()
        self._cursor = 0
        self._plain: Style | None = None

    @property
    def cursor(self) -> int:
        """The current row, counted from 0."""
        return self._cursor

    @property
    def rows(self) -> Sequence[ListRow]:
        return self._rows

    def show(self, rows: Sequence[ListRow], cursor: int) -> None:
        """Show these, with the cursor there; where the reader has scrolled to stays."""
        grown = len(rows) != len(self._rows)
        self._rows = rows
        moved = cursor != self._cursor
        self._cursor = min(max(cursor, 0), max(len(rows) - 1, 0))
        if grown:
            self.virtual_size = Size(0, len(rows))
            self.refresh(layout=True)
        if moved or grown:
            self._keep_in_view()
        self.refresh()

    def step(self, by: int) -> None:
        """Move the cursor as a person would."""
        self.go(self._cursor + by)

    def go(self, at: int) -> None:
        at = min(max(at, 0), len(self._rows) - 1)
        if self._rows and at != self._cursor:
            self._cursor = at
            self._keep_in_view()
            self.refresh()
            self.post_message(self.Moved(self, at))

    def _keep_in_view(self) -> None:
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True)

    def on_resize(self) -> None:
        self._keep_in_view()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows)

    # -- keys and mouse ----------------------------------------------------------------

    def action_page(self, pages: int) -> None:
        self.step(pages * max(self.size.height - 1, 1))

    def on_click(self, event: events.Click) -> None:
        at = event.y + self.scroll_offset.y
        if at < len(self._rows):
            self.go(at)
            if event.chain == 2 and event.button == 1:
                self.post_message(self.RowChosen(self, at))

    # -- painting ----------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        # Looked up once for all lines: it goes through all ancestors, 0.1 ms a time.
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        at = y + self.scroll_offset.y
        plain = self._plain or self.rich_style
        if at >= len(self._rows) or width < 2:
            return Strip.blank(width, plain)
        is_current = at == self._cursor
        ground = Style()
        if is_current:
            ground = Style(bgcolor=self.get_component_rich_style("rows--cursor").bgcolor)
        # A list that a field steers is as good as one that has the keys itself.
        bar = "▌" if is_current and (self.has_focus or not self.can_focus) else " "
        segments = [Segment(bar, self._paint("accent", plain + ground))]
        room = width - 2 - self.scrollbar_size_vertical * self.show_vertical_scrollbar
        for text, ink in self._rows[at].pieces(room):
            segments.append(Segment(printable(text), self._paint(ink, plain + ground)))
        return Strip(segments).adjust_cell_length(width, plain + ground)

    def _paint(self, ink: Ink, ground: Style) -> Style:
        style = self.get_component_rich_style(f"rows--{ink}", partial=True)
        return ground + Style(color=style.color, bold=style.bold, italic=style.italic)
