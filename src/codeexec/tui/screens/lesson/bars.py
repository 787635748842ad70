"""The quiet lines of a lesson: how far it is, and how the code stands that was run."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.words import duration
from codeexec.tui.output.statuses import GLYPHS
from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.theme.theme import Theme

_ARROWS = " ‹ › "


def clock(now: float) -> str:
    """The time of the day; `now` in seconds since the epoch."""
    return time.strftime("%H:%M", time.localtime(now))


def minutes_since(began: float, now: float) -> int:
    """Whole minutes between two times in seconds since the epoch; 0 where it is not known."""
    return max(int(now - began), 0) // 60 if began else 0


@dataclass(frozen=True, slots=True)
class BarFacts:
    """`at` counts from 1; `began` is when the lesson began, `message` is said in the middle."""

    title: str = ""
    at: int = 1
    count: int = 1
    began: float = 0.0
    message: str = ""
    tone: str = "muted"


class LessonBar(Widget):
    """A line of progress, and below it title, message, step and time. The arrows are clicked."""

    DEFAULT_CSS = """
    LessonBar { height: 2; background: $surface; }
    """

    @dataclass
    class BarClicked(Message):
        """The user clicked an arrow: the name of the command."""

        name: str

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id)
        self._theme = theme
        self.facts = BarFacts()
        self._arrows_at = 0

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def show(self, facts: BarFacts) -> None:
        if facts != self.facts:
            self.facts = facts
            self.refresh()

    def on_mount(self) -> None:
        self.set_interval(1.0, self.refresh)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        strip = self._progress(width) if y == 0 else self._words(width)
        return strip.apply_style(base).adjust_cell_length(width, base)

    def _progress(self, width: int) -> Strip:
        facts, style = self.facts, self._theme.style
        done = width * facts.at // max(facts.count, 1)
        return Strip(
            [Segment("━" * done, style("accent")), Segment("─" * (width - done), style("faint"))]
        )

    def _words(self, width: int) -> Strip:
        facts, style = self.facts, self._theme.style
        now = time.time()
        passed = f"{minutes_since(facts.began, now)} min · " if facts.began else ""
        right = f"{facts.at}/{facts.count} · {passed}{clock(now)} "
        self._arrows_at = width - cell_len(right) - cell_len(_ARROWS)
        room = max(self._arrows_at - 1, 0)
        message = one_line(facts.message)
        title = fitted(facts.title, max(room - cell_len(message) - 3, 0)) if message else ""
        if not message:
            title = fitted(facts.title, room)
        left = [Segment(f" {title}", style("muted"))]
        if message:
            gap = "   " if title else ""
            words = fitted(message, max(room - cell_len(title) - len(gap), 0))
            left.append(Segment(f"{gap}{words}", style(facts.tone)))
        used = Strip(left).cell_length
        blank = " " * max(self._arrows_at - used, 0)
        return Strip(
            [
                *left,
                Segment(blank),
                Segment(_ARROWS, style("accent")),
                Segment(right, style("muted")),
            ]
        )

    def on_click(self, event: events.Click) -> None:
        at = event.x - self._arrows_at
        if event.y == 1 and event.button == 1 and 0 <= at < len(_ARROWS):
            event.stop()
            self.post_message(self.BarClicked("back" if at <= 2 else "next"))
        elif event.y == 0 and event.button == 1:
            event.stop()
            self.post_message(self.BarClicked("overview"))


class OutputRule(Widget):
    """The line above the output: whether the code runs, and how long it took."""

    DEFAULT_CSS = """
    OutputRule { height: 1; background: $surface; }
    """

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id)
        self._theme = theme
        self._view: ExecutionView | None = None

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def on_mount(self) -> None:
        self.set_interval(0.2, self._tick)

    def _tick(self) -> None:
        if self._view is not None and self._view.status == "running":
            self.refresh()

    def show(self, view: ExecutionView | None) -> None:
        self._view = view
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base, style = self.size.width, self.rich_style, self._theme.style
        view = self._view
        if view is None:
            return Strip([Segment("─" * width, style("faint"))]).apply_style(base)
        glyph, meaning = GLYPHS[view.status]
        taken = ""
        if view.started_at is not None:
            taken = f" {duration(max((view.finished_at or time.time()) - view.started_at, 0.0))}"
        is_silent = not (view.total or view.is_open)
        reason = f" · {one_line(view.reason)}" if view.reason and not view.is_open else ""
        words = fitted(f"{taken}{' · no output' if is_silent else ''}{reason} ", width - 6)
        segments = [
            Segment("── ", style("faint")),
            Segment(glyph, style(meaning)),
            Segment(words, style("muted")),
        ]
        rest = max(width - Strip(segments).cell_length, 0)
        line = Strip([*segments, Segment("─" * rest, style("faint"))])
        return line.apply_style(base).adjust_cell_length(width, base)
