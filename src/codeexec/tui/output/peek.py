"""Last output rows of a run below the editor, while the console is hidden."""

from __future__ import annotations

import time

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.words import duration
from codeexec.tui.layout import output_width
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.statuses import GLYPHS
from codeexec.tui.output.step_facts import failure_words
from codeexec.tui.output.view import OutputView
from codeexec.tui.render.ansi import wrap_words
from codeexec.tui.render.plain import one_line
from codeexec.tui.theme.theme import Theme

_SHARE = 3
"""The last lines of output take a part of the screen at most, one of so many."""

_HINT = "F2 console"


class OutputPeek(Widget):
    """As high as what it shows, and a line above that says how the run stands."""

    DEFAULT_CSS = """
    OutputPeek { dock: bottom; width: 1fr; height: 1; }
    """

    class Clicked(Message):
        """All of the output is wanted."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(id="peek")
        self._shared = OutputContext(theme)
        self._output: OutputView | None = None

    def use(self, theme: Theme) -> None:
        self._shared.use(theme)
        self.refresh()

    @property
    def view(self) -> ExecutionView | None:
        return self._output.execution if self._output is not None else None

    def show(self, view: ExecutionView) -> None:
        """Show this execution as it is now."""
        if self._output is None or self._output.execution.execution_id != view.execution_id:
            self._output = OutputView(view, self._shared)
            self._output.measure()
        else:
            self._output.update(view, 0)
        self._fit()

    def on_resize(self) -> None:
        self._shared.width = output_width(self.size.width)
        if self._output is not None:
            self._output.measure_again()
        self._fit()

    def _fit(self) -> None:
        height = len(self._lines()) + 1
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height
        self.refresh()

    def _lines(self) -> list[Strip]:
        """Why a program was not run, or the last lines of output; blank rows at the end say
        nothing."""
        if self._output is None:
            return []
        most = max(self.screen.size.height // _SHARE, 1)
        lines = self._output.last_lines(most)
        if words := failure_words(self._output.execution):
            style = self._shared.painter.theme.style(GLYPHS["error"][1])
            width = output_width(self.size.width)
            lines += wrap_words([Segment(one_line(words), style)], width)
        return lines[-most:]

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        lines = self._lines()
        strip = self._head(width) if y == 0 else lines[y - 1] if y <= len(lines) else Strip([])
        return strip.apply_style(base).adjust_cell_length(width, base)

    def _head(self, width: int) -> Strip:
        view, style = self.view, self._shared.painter.theme.style
        if view is None:
            return Strip([])
        glyph, meaning = GLYPHS[view.status]
        number = f"[{view.count}] " if view.count is not None else ""
        taken = ""
        if view.started_at is not None:
            taken = f" {duration(max((view.finished_at or time.time()) - view.started_at, 0.0))}"
        is_silent = not (view.total or view.is_open or failure_words(view))
        silent = " · no output" if is_silent else ""
        segments = [Segment("── ", style("muted")), Segment(number, style("prompt"))]
        segments += [Segment(glyph, style(meaning)), Segment(f"{taken}{silent} ", style("muted"))]
        room = width - Strip(segments).cell_length - len(_HINT) - 2
        end = f"{'─' * room} {_HINT} " if room > 0 else ""
        return Strip([*segments, Segment(end, style("muted"))])

    def on_click(self, event: events.Click) -> None:
        if event.button == 1:
            self.post_message(self.Clicked())
