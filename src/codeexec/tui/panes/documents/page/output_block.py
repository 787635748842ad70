"""Block with the output of one cell: bounded in height, whole, or collapsed."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.output.links import ClickTarget
from codeexec.tui.output.painter import GUTTER
from codeexec.tui.output.statuses import GLYPHS
from codeexec.tui.output.view import OutputView
from codeexec.tui.panes.documents.page.kept_folds import OutputFold
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.stored_outputs import MOST_ROWS, is_stored

_END = 5
"""How many rows of a bounded output are its last ones."""

_ENDINGS = {"cancelled": "cancelled", "timed_out": "out of time", "lost": "lost"}


class OutputBlock:
    """Content of a block of the editor; `height` is to be asked again after each change."""

    def __init__(self, output: OutputView) -> None:
        self.output = output
        self.fold = OutputFold.BOUNDED
        self.bound = 16
        """Rows of a bounded output, at most."""
        self.top = self.left = 0
        """First line of a bounded output, and first column of what is not wrapped."""
        self.is_cut = is_stored(output.execution.execution_id) and self.view.total > MOST_ROWS
        """The file has more rows than were read."""

    @property
    def view(self) -> ExecutionView:
        return self.output.execution

    @property
    def note(self) -> str:
        """Why the cell stands still, or how it ended."""
        view = self.view
        if view.stdin is not None:
            return f"⌨ waiting for an answer: {one_line(view.stdin.prompt.strip()) or 'input'}"
        ending = _ENDINGS.get(view.status, "")
        return one_line(f"{ending}: {view.reason}" if ending and view.reason else ending)

    @property
    def is_bounded(self) -> bool:
        """Whether rows are left out."""
        return self.fold is OutputFold.BOUNDED and self.output.height > self.bound

    @property
    def height(self) -> int:
        """Rows of the block; 0 where there is nothing to show."""
        rows = self.output.height
        if self.fold is OutputFold.COLLAPSED:
            return int(rows > 0 or bool(self.note))
        return (min(rows, self.bound) if self.fold is OutputFold.BOUNDED else rows) + bool(
            self.note
        )

    @property
    def misses_rows(self) -> bool:
        """Whether all rows are to be shown, and the file has more of them."""
        return self.is_cut and self.fold is OutputFold.WHOLE

    def scroll(self, across: int, down: int) -> bool:
        """Scroll what is shown by columns and lines, as far as there are more; whether the output
        is scrolled in this direction at all."""
        most_left = self.output.width - self.output.context.width if self._is_open else 0
        most_top = self._most_top
        is_scrolled = bool((across and most_left > 0) or (down and most_top))
        self.left = max(0, min(self.left + across, most_left))
        self.top = max(0, min(self.top + down, most_top))
        return is_scrolled

    def half(self, across: int, down: int) -> tuple[int, int]:
        """Columns and lines of half of what is shown, in a direction of -1, 0 or 1 each."""
        return across * max(self.output.context.width // 2, 1), down * max(self.bound // 2, 1)

    @property
    def _is_open(self) -> bool:
        return self.fold is not OutputFold.COLLAPSED

    @property
    def _most_top(self) -> int:
        """The first line that is shown when a bounded output is scrolled to its end."""
        return self.output.height - (self.bound - 1) if self.is_bounded else 0

    def side_at(self, row: int, x: int) -> int:
        """1 at the sign that there is more to the right of a line, -1 at the one to the left; x
        counts from the gutter of the output."""
        width = self.output.context.width
        if self.line_of(row) is None:
            return 0
        if x == GUTTER + width - 1 and self.output.width > self.left + width:
            return 1
        return -1 if x == GUTTER and self.left else 0

    def toggle_whole(self) -> None:
        self.top = 0
        self.fold = OutputFold.BOUNDED if self.fold is OutputFold.WHOLE else OutputFold.WHOLE

    def toggle_collapsed(self) -> None:
        self.fold = (
            OutputFold.BOUNDED if self.fold is OutputFold.COLLAPSED else OutputFold.COLLAPSED
        )

    def open_more(self) -> None:
        """Show what words stand for: what is collapsed, or the rows that are left out."""
        self.fold = OutputFold.BOUNDED if self.fold is OutputFold.COLLAPSED else OutputFold.WHOLE

    def line_of(self, row: int) -> int | None:
        """The line of the output that row `row` of the block shows; None for a row of words."""
        rows = self.output.height
        if self.fold is OutputFold.COLLAPSED:
            return None
        if not self.is_bounded:
            return row if row < rows else None
        if top := min(self.top, self._most_top):
            return top + row if row < self.bound - 1 else None
        head = self.bound - _END - 1
        if row == head or row >= self.bound:
            return None
        return row if row < head else rows - (self.bound - row)

    def render_row(self, row: int, width: int) -> Strip:
        line = self.line_of(row)
        if line is not None:
            return self.output.render_row(line, width, self.left)
        return Strip([self.output.context.painter.gutter(" "), self._words(row)]).crop(0, width)

    def _words(self, row: int) -> Segment:
        style = self.output.context.painter.theme.style
        rows = self.output.height
        if self.fold is OutputFold.COLLAPSED:
            return Segment(f"▸ {counted(rows, 'row')} of output", style("muted"))
        if self.is_bounded and (top := min(self.top, self._most_top)) and row == self.bound - 1:
            shown = f"{top + 1:,}–{top + self.bound - 1:,}"
            return Segment(f"▸ rows {shown} of {rows:,}", style("muted"))
        if self.is_bounded and row == self.bound - _END - 1:
            return Segment(f"▸ {counted(rows - self.bound + 1, 'more row')}", style("muted"))
        return Segment(self.note, style(GLYPHS[self.view.status][1]))

    def click_target(self, row: int, x: int = -1) -> ClickTarget | None:
        """What a click on a row of output leads to; `x` counts from the gutter."""
        line = self.line_of(row)
        if line is None:
            return None
        return self.output.click_target(*self.output.locate(line), x - GUTTER + self.left)
