"""Output of one execution: heights of its rows, painted lines, and what a click on one means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.domain.options import PROGRAMS
from codeexec.domain.outputs import TAIL_ROWS, Display, MimePart, Run, count_rows, iter_rows
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.output.bodies import Painted
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.ipywidgets.board import model_of
from codeexec.tui.output.links import (
    ClickTarget,
    DisplayLink,
    FramesFold,
    SourceLink,
    WidgetLink,
)
from codeexec.tui.output.painter import OutputPainter
from codeexec.tui.output.rows import Heights

MOST_BODIES = 400
"""Painted displays and errors that a view keeps: those of its tail and of a page, at least."""

_FOLDED = (" #0 0x", "fix-it:")
"""What a report has that is folded: the stack of a sanitizer, fixes for programs to read."""


def _part(line: Strip, left: int, width: int, style: Style) -> Strip:
    """`width` columns of a line from `left` on, with signs at the edges where there is more."""
    part = line.crop(left, left + width)
    if left and line.cell_length:
        part = Strip([Segment("‹", style), *part.crop(1)])
    if line.cell_length > left + width:
        part = Strip([*part.crop(0, width - 1), Segment("›", style)])
    return part


class _Body(NamedTuple):
    """A painted object, and what it was painted from."""

    content: object
    painter: OutputPainter
    width: int
    all_frames: bool
    painted: Painted
    plain: Painted
    """Without the picture."""
    picture: tuple[MimePart, list[Strip]] | None = None
    """The painted picture, and what it was painted from."""


class OutputView:
    """Rows are counted from 0 in the output, lines on screen from 0 in the view; a row has one
    line or several (`sub`). Rows that are not in hand are requested by the page when they are
    painted (`context.pages`), and so are pictures (`context.pictures`).
    """

    __slots__ = (
        "_bodies",
        "_folds",
        "_picture_rows",
        "_tail",
        "_tail_of",
        "all_frames",
        "context",
        "execution",
        "heights",
    )

    def __init__(self, execution: ExecutionView, context: OutputContext) -> None:
        self.execution = execution
        self.context = context
        self.heights = Heights()
        self.all_frames = False
        """Tracebacks have all their frames."""
        self._tail_of: ExecutionView | None = None
        self._tail: list[Run] = []
        self._bodies: dict[str, _Body] = {}
        """By key of the display; the oldest are dropped, and painted again when they are seen."""
        self._folds: dict[int, str] = {}
        """Rows of a report that are folded: the words that stand for several, or nothing."""
        self._picture_rows: dict[str, int] = {}
        """Where a picture stands that was requested: its row gets its height."""

    # -- rows --------------------------------------------------------------------------------

    @property
    def wraps(self) -> bool:
        """Output that is in hand as a whole is wrapped; longer output scrolls sideways."""
        return self.execution.total <= TAIL_ROWS

    @property
    def tail(self) -> list[Run]:
        """The last rows, one run each."""
        if self._tail_of is not self.execution:
            self._tail_of = self.execution
            self._tail = list(iter_rows(self.execution.tail))
        return self._tail

    def row(self, number: int) -> Run | None:
        """A row's content: of the tail, or of a page; None while its page is being read."""
        at = number - (self.execution.total - len(self.tail))
        if 0 <= at < len(self._tail):
            return self._tail[at]
        return self.context.pages.get(self.execution.execution_id, number)

    def current(self, stored: Display) -> Display:
        """The display as it is now: a page may hold it as it was when it was read."""
        for display in self.execution.displays:
            if display.key == stored.key:
                return display
        return stored

    # -- what changes ------------------------------------------------------------------------

    def update(self, execution: ExecutionView, rewritten: int | None = None) -> bool:
        """Show what the execution is now; its rows from `rewritten` on are other ones. Whether
        the height of a row has changed."""
        previous, wrapped = self.execution, self.wraps
        if rewritten is not None:
            self.context.pages.forget(execution.execution_id, rewritten)
            self.heights.cut(rewritten)
        self.execution = execution
        if wrapped != self.wraps:
            # Text has one line a row now, or has not any more; objects stay as high as they are.
            self.heights.cut(0)
            end = previous.total if rewritten is None else rewritten
            self._measure_objects(previous.total - count_rows(previous.tail), previous.tail, end)
        return self.measure()

    def measure(self) -> bool:
        """Learn the heights of the last rows; whether one has changed."""
        changed = False
        execution, wraps = self.execution, self.wraps
        painter, width, heights = self.context.painter, self.context.width, self.heights
        row = execution.total - count_rows(execution.tail)
        self._find_folds(row)
        for run in execution.tail:
            if not run.is_text:
                changed |= heights.set(row, len(self.body(run).lines))
            elif wraps:
                for at, text in enumerate(run.text.split("\n"), row):
                    label = self._folds.get(at)
                    lines = painter.text_height(Run(run.kind, text), width) if label is None else 1
                    changed |= heights.set(at, lines, is_hidden=label == "")
            row += run.rows
        return changed

    def _find_folds(self, first: int) -> None:
        """Fold frames of libraries in what a program has printed; `first` is the first row of the
        tail. Longer output is not folded."""
        self._folds = {}
        if self.all_frames or not self.wraps or not self._is_program:
            return
        texts = [run.text for run in self.execution.tail if run.is_text]
        if not any(sign in text for text in texts for sign in _FOLDED):
            return
        from codeexec.tui.render import reports  # not at the start

        rows = [run.text if run.is_text else "" for run in self.tail]
        self._folds = {first + at: label for at, label in reports.folds(rows).items()}

    @property
    def _is_program(self) -> bool:
        return self.execution.kernel.startswith(f"{PROGRAMS}:")

    def measure_page(self, start: int, rows: Iterable[Run]) -> bool:
        """The same for rows that were read, from row `start` on."""
        return self._measure_objects(start, rows, self.execution.total)

    def _measure_objects(self, start: int, rows: Iterable[Run], end: int) -> bool:
        """Learn the heights of displays and errors before row `end`."""
        changed = False
        row = start
        for run in rows:
            if not run.is_text and row < end:
                changed |= self.heights.set(row, len(self.body(run).lines))
            row += run.rows
        return changed

    def measure_again(self) -> None:
        """The width or the theme has changed."""
        self.heights.cut(0)
        self.measure()
        if not self.wraps:
            for start, runs in self.context.pages.pages_of(self.execution.execution_id):
                self.measure_page(start, runs)

    def toggle_frames(self) -> None:
        """Show all frames of tracebacks, or only those of the user's code."""
        self.all_frames = not self.all_frames
        self.measure()

    # -- objects -----------------------------------------------------------------------------

    def body(self, run: Run) -> Painted:
        """A display or an error, painted once."""
        context = self.context
        painter, width = context.painter, context.width
        if run.display is not None:
            display = self.current(run.display)
            content: object = display
            key, all_frames = display.key, False
            model = model_of(display)
            if model and context.board.knows(model):
                content = (display.key, context.board.stamp(model))
            else:
                model = ""
        else:
            content, key, all_frames = run.error, "error", self.all_frames
        body = self._bodies.get(key)
        if (
            body is not None
            and body.painter is painter
            and (body.width, body.all_frames) == (width, all_frames)
            and body.content == content
        ):
            return body.painted
        if run.display is not None and model:
            painted = painter.bodies.widget(context.board, model, width)
        elif run.display is not None:
            painted = painter.bodies.display(display, width, scrolls=context.scrolls_tables)
        elif run.error is not None:
            painted = painter.bodies.error(run.error, width, all_frames, self.execution.count)
        else:
            painted = Painted([Strip([])])
        if len(self._bodies) >= MOST_BODIES:
            oldest = next(iter(self._bodies))
            self.forget_picture(oldest)
            context.pictures.forget(oldest)
        plain, picture = painted, body.picture if body is not None else None
        if plain.picture_row >= 0 and picture is not None:
            is_current = picture[0] == plain.part and body is not None and body.width == width
            painted = plain.with_picture(picture[1], is_current=is_current)
        self._bodies[key] = _Body(content, painter, width, all_frames, painted, plain, picture)
        return painted

    def _want_picture(self, row: int, display: Display, painted: Painted) -> None:
        context = self.context
        if not context.picture_rows or painted.part is None or painted.is_picture:
            return
        if display.key != context.picture_beside:
            self._picture_rows[display.key] = row
            context.pictures.want(display.key, painted.part, context.width, context.picture_rows)

    def put_picture(self, key: str, lines: list[Strip]) -> bool:
        """A picture is painted: it takes the place of its description. Whether it is of a display
        of this view, whose height may be another one now."""
        body = self._bodies.get(key)
        if body is None:
            return False
        part = body.plain.part
        picture = (part, lines) if part is not None else None
        self._bodies[key] = body._replace(painted=body.plain.with_picture(lines), picture=picture)
        self.measure()
        row = self._picture_rows.pop(key, None)
        run = self.row(row) if row is not None else None
        if row is not None and run is not None and run.display and run.display.key == key:
            self.heights.set(row, len(self.body(run).lines))
        return True

    def forget_picture(self, key: str) -> None:
        """Describe the picture of a display again, as before it was painted."""
        self._bodies.pop(key, None)
        self._picture_rows.pop(key, None)

    @property
    def has_widgets(self) -> bool:
        """Whether the last displays show widgets that are drawn."""
        displays = self.execution.displays
        return any(self.context.board.knows(model_of(display)) for display in displays)

    # -- lines -------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        """Lines of all rows."""
        return self.heights.top(self.execution.total)

    def row_top(self, row: int) -> int:
        """The first line of a row."""
        return self.heights.top(row)

    def locate(self, line: int) -> tuple[int, int]:
        """The row that a line belongs to, and which of its lines it is."""
        return self.heights.locate(line)

    def paint(self, row: int, sub: int, left: int = 0) -> tuple[str, Strip]:
        """The mark in the gutter and a line of a row; `left` is the first column of lines that are
        too long to wrap, and of wide tables."""
        painter, width = self.context.painter, self.context.width
        run = self.row(row)
        if run is None:
            return " ", Strip([Segment("…", painter.theme.style("faint"))])
        if label := self._folds.get(row):
            return " ", Strip([Segment(label, painter.theme.style("muted"))])
        if run.is_text:
            mark = "┆" if run.kind == "stderr" else " "
            if not self.wraps:
                return mark, painter.cut(run, width, left)
            lines = painter.wrapped(run, width)
        else:
            painted = self.body(run)
            lines = painted.lines
            is_result = run.display is not None and run.display.role == "result"
            mark = "→" if is_result and sub == 0 else " "
            if run.display is not None:
                self._want_picture(row, run.display, painted)
            if painted.width and sub < len(lines):
                return mark, _part(lines[sub], left, width, painter.theme.style("muted"))
        return mark, lines[sub] if sub < len(lines) else Strip([])

    @property
    def width(self) -> int:
        """Columns of the widest line that is not wrapped; of long output, of what is in hand."""
        widths = [body.painted.width for body in self._bodies.values()]
        if not self.wraps:
            widths += [cell_len(run.text) for run in self.tail if run.is_text]
        return max(widths, default=0)

    def render_row(self, row: int, width: int, left: int = 0) -> Strip:
        """Line `row` of the view with its gutter, in at most `width` cells: a view can be the
        content of a block of the editor. `left` as for `paint`."""
        number, sub = self.locate(row)
        mark, strip = self.paint(number, sub, left)
        return Strip([self.context.painter.gutter(mark), *strip]).crop(0, width)

    def last_lines(self, most: int) -> list[Strip]:
        """The last lines of rows that are in hand; blank ones at the end are left out."""
        lines: list[Strip] = []
        first = self.execution.total - len(self.tail)
        for row in reversed(range(first, self.execution.total)):
            for sub in reversed(range(self.row_top(row + 1) - self.row_top(row))):
                mark, strip = self.paint(row, sub)
                if not lines and not strip.text.strip():
                    continue
                lines.append(Strip([Segment(f"{mark} "), *strip]))
                if len(lines) == most:
                    return lines[::-1]
        return lines[::-1]

    def is_continued(self, row: int, sub: int) -> bool:
        """Whether a line goes on the line above it, as the row did not fit there."""
        run = self.row(row)
        if run is None or not sub:
            return False
        if not run.is_text:
            return sub in self.body(run).folded
        return self.wraps and sub < self.context.painter.text_height(run, self.context.width)

    def text(self, row: int, sub: int) -> str:
        """The text of a line, for copying; blanks at the end stay where the next line goes on."""
        text = self.paint(row, sub)[1].text
        return text if self.is_continued(row, sub + 1) else text.rstrip()

    def click_target(self, row: int, sub: int, x: int = -1) -> ClickTarget | None:
        """What a click on a line of a row leads to; `x` is the column, from the first one of the
        output."""
        run = self.row(row)
        if run is None:
            return None
        if run.kind == "error":
            return self._traceback_target(run, sub)
        if row in self._folds:
            return FramesFold()
        if run.is_text and self._is_program:
            from codeexec.tui.render import reports  # not at the start

            place = reports.place_in(run.text)
            return SourceLink(place) if place is not None else None
        if run.kind == "stderr":
            from codeexec.tui.render import traceback  # not at the start

            frame = traceback.printed_frame(self.execution, row)
            return SourceLink(frame) if frame is not None else None
        if run.display is None:
            return None
        for control in self.body(run).controls:
            if control.row == sub and control.x <= x < control.x + control.width:
                return WidgetLink(control, x)
        return DisplayLink(self.current(run.display))

    def _traceback_target(self, run: Run, sub: int) -> ClickTarget | None:
        rows = self.body(run).rows
        if sub >= len(rows):
            return None
        if rows[sub].fold is not None:
            return FramesFold()
        frame = rows[sub].frame
        return SourceLink(frame) if frame is not None else None
