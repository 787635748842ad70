"""Draws the console of a session on a virtual screen, at each moment of its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.widgets import Static

from codeexec.documents.recordings.model import Marker, RecordingWriter, ScreenFrame
from codeexec.documents.recordings.timing import Timeline
from codeexec.domain.events import ExecutionQueued, Recorded
from codeexec.domain.outputs import MimePart, Run
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.terminals import TerminalRow
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.bodies import data_of
from codeexec.tui.output.loader import PictureRequested, RowsRequested, requests_of
from codeexec.tui.output.pictures import PictureRequest, paint_picture
from codeexec.tui.output.rows import PAGE
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.recording.cells import CellRows, color_scheme
from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.session.feed import FrameBuilder
from codeexec.tui.theme.theme import Theme, to_textual

GATHER = 0.015
"""Seconds of events that one frame shows: each row is at most so late."""
_TICK = 1.0
"""Seconds between frames while something runs and nothing comes of it."""
_YIELD_EVERY = 20
"""Frames after which the event loop has a turn."""
_MOST_TITLE = 80
_BLANK = Strip([])


class SessionSource(Protocol):
    """What is read of a stored session."""

    def batches(self) -> Iterator[list[Recorded]]:
        """All events, in order."""

    def rows(self, execution_id: str, start: int, count: int) -> tuple[Run, ...]: ...

    def blob(self, digest: str) -> bytes | None:
        """None where it is gone."""


@dataclass(frozen=True, slots=True)
class StepStart:
    """A step of a lesson, which begins at `at` on the clock of the journal."""

    at: float
    title: str


@dataclass(frozen=True, slots=True)
class LessonSteps:
    """At least one step. Executions before the first one are not shown, nor those in `hidden`."""

    steps: tuple[StepStart, ...]
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """What is recorded: from one time of the journal to another, at most `idle` seconds without a
    change. The markers are the executions, or the steps of a lesson; before each of them but the
    first the screen stands still for `hold` seconds."""

    columns: int
    rows: int
    theme: Theme
    begin: float
    end: float
    idle: float | None = None
    lesson: LessonSteps | None = None
    hold: float = 0.0
    client: str = ""
    """Name of the client whose executions are not labelled with it."""


class StagedConsole(ConsoleView):
    """Console whose pages of rows and pictures are loaded before its lines are taken."""

    def __init__(self, theme: Theme, me: str) -> None:
        super().__init__(theme, me)
        self._requests: list[RowsRequested | PictureRequested] = []

    def take_lines(self) -> list[Strip]:
        """The lines in view. Those that are as they were are the same objects. They are in the
        default style where they have none."""
        height, top = self.size.height, self.scroll_offset.y
        if not self.card_list.cards and not self.kernel_note.text:
            return [_BLANK] * height  # not the hints for whoever sits at the workbench
        lines = [self._lines.line(top + y) for y in range(height)]
        self._requests += requests_of(self.output)
        return lines

    def take_requests(self) -> list[RowsRequested | PictureRequested]:
        """What was missing when lines were painted, each once."""
        requests, self._requests = self._requests, []
        return requests


class StageApp(App[None]):
    """The console of the workbench in an app without a terminal. It draws nothing by itself: lines
    are asked for, one frame after the other, with the clock of the journal."""

    CSS = """
    Screen { background: $surface; layout: vertical; }
    #title { height: 1; }
    ConsoleView { scrollbar-size-vertical: 0; }
    """

    def __init__(
        self,
        source: SessionSource,
        plan: RecordingPlan,
        writer: RecordingWriter,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`on_progress` gets the share that is done, from 0 to 1."""
        super().__init__()
        self._source = source
        self._plan = plan
        self._writer = writer
        self._on_progress = on_progress
        self._view = StagedConsole(plan.theme, plan.client)
        self._time = plan.begin
        self._view.painter.now = lambda: self._time
        self._builder = FrameBuilder()
        self._timeline = Timeline(plan.idle)
        self._cells = CellRows(color_scheme(plan.theme))
        self._shown: list[TerminalRow] = []
        self._steps = list(plan.lesson.steps) if plan.lesson is not None else []
        self._step_count = len(self._steps)
        self._step_titles: list[str] = []
        self.content = b""
        self.error: Exception | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield self._view

    def on_mount(self) -> None:
        theme = to_textual(self._plan.theme)
        self.register_theme(theme)
        self.theme = theme.name
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.run_worker(self._record(), exit_on_error=False)

    async def _record(self) -> None:
        try:
            # Textual would paint each frame a second time.
            with self.batch_update():
                await self._draw_all()
            self.content = self._writer.finish(self._timeline.now)
        except Exception as error:
            self.error = error
        self.exit()

    async def _draw_all(self) -> None:
        plan = self._plan
        self._view.on_resize()
        span = max(plan.end - plan.begin, 1e-6)
        for number, records in enumerate(self._moments()):
            at = records[-1].at
            if at <= plan.begin:
                if at == plan.begin:
                    self._mark(records)
                self._fold(records)
                continue
            if not self._shown:
                self._draw(max(plan.begin, 0.0))
            self._tick_until(at)
            self._mark(records)
            self._time = at
            self._fold(records)
            self._draw(at)
            if number % _YIELD_EVERY == 0:
                self._on_progress(min((at - plan.begin) / span, 1.0))
                await asyncio.sleep(0)
        if not self._shown:
            self._draw(plan.begin)
        self._on_progress(1.0)

    def _moments(self) -> Iterator[list[Recorded]]:
        """Events of one frame each. Queues of executions are looked at one by one, as markers."""
        part: list[Recorded] = []
        for record in self._records():
            if part and (
                record.at - part[0].at > GATHER
                or record.at < part[-1].at
                or isinstance(record.event, ExecutionQueued)
            ):
                yield part
                part = []
            part.append(record)
        if part:
            yield part

    def _records(self) -> Iterator[Recorded]:
        lesson = self._plan.lesson
        shown_from = lesson.steps[0].at if lesson is not None else 0.0
        hidden = set(lesson.hidden if lesson is not None else ())
        for batch in self._source.batches():
            for record in batch:
                if record.at > self._plan.end:
                    return
                key = getattr(record.event, "execution_id", "")
                if isinstance(record.event, ExecutionQueued) and record.at < shown_from:
                    hidden.add(key)
                if key not in hidden:
                    yield record

    def _fold(self, records: Iterable[Recorded]) -> None:
        self._builder.take(records)
        self._view.show_frame(self._builder.frame())

    def _tick_until(self, at: float) -> None:
        """Let the time of what runs be seen to pass, for as long as a pause may last."""
        if not self._builder.snapshot.is_running:
            return
        last = at if self._plan.idle is None else min(at, self._time + self._plan.idle)
        while (now := self._time + _TICK) < last:
            self._time = now
            self._show(self._timeline.between(now))

    # -- markers -----------------------------------------------------------------------------

    def _mark(self, records: Iterable[Recorded]) -> None:
        for record in records:
            if self._plan.lesson is not None:
                self._begin_steps(record.at)
            elif isinstance(record.event, ExecutionQueued) and not record.event.options.silent:
                self._writer.mark(Marker(self._timeline.at(record.at), _title(record.event)))

    def _begin_steps(self, at: float) -> None:
        while self._steps and self._steps[0].at <= at:
            step = self._steps.pop(0)
            if self._step_titles:
                self._timeline.hold(self._plan.hold)
            self._step_titles.append(step.title)
            self._writer.mark(Marker(self._timeline.at(at), step.title))

    # -- lines -------------------------------------------------------------------------------

    def _draw(self, at: float) -> None:
        """A pause goes on until something is seen to change."""
        if self._show(self._timeline.between(at)):
            self._timeline.at(at)

    def _show(self, time: float) -> bool:
        """Write the rows that have changed, at a time of the recording; whether there were any."""
        lines = self._view.take_lines()
        # What the views have missed while they were painted is read at once.
        for _ in range(3):
            if not self._load():
                break
            lines = self._view.take_lines()
        rows = [self._cells.row(strip) for strip in (self._title_line(), *lines)]
        old = self._shown
        changed = {
            number: row
            for number, row in enumerate(rows)
            if number >= len(old) or old[number] != row
        }
        if not changed:
            return False
        self._writer.write(ScreenFrame(time, changed))
        self._shown = rows
        return True

    def _load(self) -> bool:
        """Load pages of rows and pictures that are in view; whether there were any."""
        requests = self._view.take_requests()
        for request in requests:
            if isinstance(request, PictureRequested):
                self._paint(request.request)
                continue
            for execution_id, number in request.pages:
                rows = self._source.rows(execution_id, number * PAGE, PAGE)
                self._view.take_rows(execution_id, number * PAGE, rows)
        return bool(requests)

    def _paint(self, request: PictureRequest) -> None:
        content = self._content(request.part)
        if content is None:
            return
        lines, _ = paint_picture(content, request, Graphics("quadrant"), self._plan.theme)
        if lines:
            self._view.take_image(request.key, request.token, lines)

    def _content(self, part: MimePart) -> bytes | None:
        content = data_of(part)
        if content is None and part.blob is not None:
            content = self._source.blob(part.blob)
        return content

    def _title_line(self) -> Strip:
        """The session, the step, and the state of the kernel."""
        snapshot, theme, width = self._builder.snapshot, self._plan.theme, self._plan.columns
        right = f" {_state(snapshot)} "
        title = f" {one_line(snapshot.name)} "
        if self._step_titles:
            number, total = len(self._step_titles), self._step_count
            title += f"· {number}/{total} {one_line(self._step_titles[-1])} "
        title = fitted(title, max(width - len(right), 0))
        style = theme.style("bar")
        strip = Strip([Segment(title, style)]).adjust_cell_length(max(width - len(right), 0), style)
        return Strip([*strip, Segment(right[:width], style)])


def _state(snapshot: Snapshot) -> str:
    kernel = snapshot.kernel
    ref = kernel.kernel
    name = one_line(ref.display_name or ref.name)[:30] if ref is not None else ""
    return " · ".join(filter(None, (name, "closed" if snapshot.closed else kernel.state)))


def _title(queued: ExecutionQueued) -> str:
    """The title of the cell, or the first line of its code."""
    if queued.cell is not None and queued.cell.title:
        return one_line(queued.cell.title)[:_MOST_TITLE]
    lines = (line.strip() for line in queued.code.splitlines())
    return one_line(next(filter(None, lines), ""))[:_MOST_TITLE]


async def record(
    source: SessionSource,
    plan: RecordingPlan,
    writer: RecordingWriter,
    on_progress: Callable[[float], None] = lambda _: None,
) -> bytes:
    """The file of a recording."""
    app = StageApp(source, plan, writer, on_progress)
    await app.run_async(headless=True, size=(plan.columns, plan.rows))
    if app.error is not None:
        raise app.error
    return app.content
