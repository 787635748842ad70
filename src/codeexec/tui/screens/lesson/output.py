"""The output of the block that was run last, live."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codeexec.domain.outputs import Run
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.layout import output_width
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.loader import OutputLoader, requests_of
from codeexec.tui.output.view import OutputView
from codeexec.tui.session.requester import Requester
from codeexec.tui.theme.theme import Theme

_MOST_PICTURE_ROWS = 60

_ENLARGEMENT = 2
"""Times their own size that pictures take: they are seen from the last row of a room."""


class LessonOutput(ScrollView, can_focus=False):
    """Follows the end until it is scrolled up."""

    DEFAULT_CSS = """
    LessonOutput {
        background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden; height: 1fr;
    }
    """

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id)
        self.output = OutputContext(theme, picture_rows=12, enlargement=_ENLARGEMENT)
        self.requester = Requester(self)
        self.loader = OutputLoader(self.requester, self)
        self._view: OutputView | None = None
        self._follows = True

    def use(self, theme: Theme) -> None:
        self.output.use(theme)
        self._measure()

    def show(self, execution: ExecutionView | None, rewritten: int | None = None) -> None:
        """Show an execution as it is now, or nothing."""
        shown = self._view.execution if self._view is not None else None
        if execution is None:
            self._view = None
        elif self._view is None or shown is None or shown.execution_id != execution.execution_id:
            self._begin(execution)
        elif shown is execution:
            return
        else:
            self._view.update(execution, rewritten)
        self._settle()

    def _begin(self, execution: ExecutionView) -> None:
        self._view = OutputView(execution, self.output)
        self._view.measure()
        self._follows = True

    @property
    def columns(self) -> int:
        """Width of a line of output."""
        return self.output.width

    def on_resize(self, event: events.Resize) -> None:
        self.output.width = output_width(event.size.width)
        self.output.picture_rows = max(min(event.size.height - 1, _MOST_PICTURE_ROWS), 4)
        self._measure()

    def _measure(self) -> None:
        self.output.pictures.clear()
        if self._view is not None:
            # Pictures are painted for a height: again, for this one.
            self._begin(self._view.execution)
        self._settle()

    def _settle(self) -> None:
        """The height may have changed: stay at the end."""
        height = self._view.height if self._view is not None else 0
        self.virtual_size = Size(self.size.width, height)
        if self._follows:
            # The scrollbar of what has just grown too long is not there before the next layout.
            end = max(height - self.size.height, 0)
            self.scroll_to(0, end, animate=False, immediate=True, force=True)
        self.refresh()

    def scroll_by(self, lines: int) -> None:
        """Scroll as the wheel does."""
        self.scroll_relative(y=lines, animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.virtual_size.height - self.size.height

    # -- lines, and what they miss -----------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        lines = super().render_lines(crop)
        for message in requests_of(self.output):
            self.loader.load(message)
        return lines

    def render_line(self, y: int) -> Strip:
        at, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        view = self._view
        row = view.render_row(at, width) if view is not None and at < view.height else Strip([])
        return row.apply_style(base).adjust_cell_length(width, base)

    def take_rows(self, key: str, start: int, runs: Iterable[Run]) -> None:
        rows = tuple(runs)
        self.output.pages.put(key, start, rows)
        if self._view is not None and self._view.execution.execution_id == key:
            self._view.measure_page(start, rows)
            self._settle()

    def take_image(self, key: str, token: str, lines: list[Strip]) -> None:
        if (
            self._view is not None
            and self.output.pictures.accepts(key, token)
            and self._view.put_picture(key, lines)
        ):
            self._settle()
