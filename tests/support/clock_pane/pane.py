"""The clock pane: the session's last event, and how far the clock is wound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Static

from codeexec.tui.commands.table import bindings
from codeexec.tui.panes.pane import BuildContext, PaneState
from codeexec.tui.session.feed import Frame


def build(context: BuildContext) -> ClockPane:
    return ClockPane(f"{context.me} in {context.folder.name}")


class ClockPane(Static, can_focus=True):
    """`wound` is state that is kept."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("clock")]

    def __init__(self, owner: str) -> None:
        super().__init__(owner, id="clock", markup=False)
        self.owner = owner
        self.wound = 0
        self.seq = 0

    def take_focus(self) -> None:
        self.focus()

    def show_frame(self, frame: Frame) -> None:
        self.seq = frame.snapshot.seq

    def action_wind(self, by: int) -> None:
        self.wound += by

    def pane_state(self) -> PaneState:
        return {"wound": self.wound}

    def restore_pane_state(self, state: Mapping[str, object]) -> None:
        wound = state.get("wound")
        self.wound = wound if isinstance(wound, int) else 0
