"""What runs and waits in the session: code and programs of all kernels, each to be stopped."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

from textual.binding import BindingType

from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.text.words import duration
from codeexec.tui.commands.table import bindings
from codeexec.tui.output.statuses import GLYPHS
from codeexec.tui.render.kernel_words import kernel_words
from codeexec.tui.render.plain import fitted, one_line, padded
from codeexec.tui.screens.picker import Picker
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, Pieces

_EVERY = 1.0
"""Seconds between updates of the times."""


@dataclass(frozen=True, slots=True)
class RunningRow:
    """Row of an execution; `now` is in seconds since the epoch."""

    view: ExecutionView
    now: float

    def pieces(self, width: int) -> Pieces:
        view = self.view
        is_running = view.status == "running"
        state = "waits"
        if view.stdin is not None:
            state = "asks"
        elif is_running:
            state = duration(max(self.now - (view.started_at or self.now), 0.0))
        kernel = kernel_words(view.kernel)
        head = f"{GLYPHS[view.status][0]} {padded(state, 8)}{padded(kernel, 17)}"
        ink: Ink = "accent" if is_running else "muted"
        return [(head, ink), (fitted(title_of(view), max(width - len(head), 1)), "text")]


def title_of(view: ExecutionView) -> str:
    """The file of a program, the title of a cell, or else the first line of the code."""
    program = view.options.program
    if program is not None and program.file:
        return one_line(f"{PurePath(program.file).name} {shlex.join(program.arguments)}".rstrip())
    if view.cell is not None and view.cell.title:
        return one_line(view.cell.title)
    lines = (line.strip() for line in view.code.split("\n"))
    return one_line(next((line for line in lines if line), "(no code)"))


class RunningScreen(Picker[str | None]):
    """Dismissed with the id of the execution to go to. `stop` is called with the id of one that is
    to end."""

    typing: ClassVar[bool] = False

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("running")]

    def __init__(self, snapshot: Snapshot, stop: Callable[[str], None]) -> None:
        super().__init__("What runs")
        self._snapshot = snapshot
        self._stop = stop

    def begin(self) -> None:
        self._fill()
        self.set_interval(_EVERY, self._fill)

    def show_frame(self, frame: Frame) -> None:
        self._snapshot = frame.snapshot
        if self.is_mounted:
            self._fill()

    @property
    def _chosen(self) -> ExecutionView | None:
        rows = self.list.rows
        row = rows[self.list.cursor] if rows else None
        return row.view if isinstance(row, RunningRow) else None

    def _fill(self) -> None:
        """What runs before what waits; the cursor stays on its execution."""
        chosen = self._chosen
        views = [view for view in self._snapshot.executions.values() if view.is_open]
        views.sort(key=lambda view: (view.status != "running", view.number))
        ids = [view.execution_id for view in views]
        at = self.list.cursor
        if chosen is not None and chosen.execution_id in ids:
            at = ids.index(chosen.execution_id)
        now = time.time()
        self.show([RunningRow(view, now) for view in views], at)
        self.say("" if views else "Nothing runs, and nothing waits.")
        self.refresh_hints()

    def hints(self) -> Sequence[Hint]:
        chosen = self._chosen
        entries: list[Hint] = []
        if chosen is not None:
            entries = [Hint("enter", "to its card", "choose"), Hint("s", "stop it", "stop")]
        return (*entries, Hint("esc", "close", "leave"))

    def choose(self, at: int) -> None:
        if (chosen := self._chosen) is not None:
            self.dismiss(chosen.execution_id)

    def action_stop(self) -> None:
        if (chosen := self._chosen) is not None:
            self._stop(chosen.execution_id)
