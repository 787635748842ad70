"""Timers that fire once and are never lost.

Textual passes over a timer of `set_timer` whose time is over when it begins to wait, as one that
comes too late, and never calls its callback. On a busy machine a millisecond is over by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from textual.timer import Timer


class TimerHost(Protocol):
    """What timers belong to: they end with it. Widgets, screens and the application are such."""

    def set_timer(self, delay: float, callback: Callable[[], object], *, pause: bool) -> Timer: ...


def call_after(
    host: TimerHost, seconds: float, callback: Callable[[], object], *, pause: bool = False
) -> Timer:
    """Call a function after so many seconds, or as soon as possible where that is over; with
    `pause` the time begins with `Timer.reset` or `resume`."""
    timer = host.set_timer(seconds, callback, pause=pause)
    timer._skip = False  # it begins to wait in a task of its own, which has not begun
    return timer
