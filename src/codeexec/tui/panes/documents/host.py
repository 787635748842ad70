"""What the pane's controllers need of the widget that owns them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from textual.worker import Worker

from codeexec.tui.session.ask import Poster
from codeexec.tui.textual_ext.timers import TimerHost

R = TypeVar("R")


class PaneHost(Poster, Protocol):
    """Posts messages to the screen, and runs coroutines that end with the widget."""

    def run_worker(
        self, work: Coroutine[Any, Any, R], *, group: str = ..., exclusive: bool = ...
    ) -> Worker[R]: ...


class TimedHost(PaneHost, TimerHost, Protocol):
    """Calls back after some seconds, unless the widget is gone by then."""
