"""Times of a recording: those of a journal, with long pauses cut short."""

from __future__ import annotations

import re

from codeexec.domain.errors import UsageError

_CLOCK = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,6})?)")


class Timeline:
    """Maps times, given in order, to seconds since the first one. Pauses longer than `idle` seconds
    become as long as that; None keeps them. A clock that was set back is a pause of 0."""

    def __init__(self, idle: float | None = None) -> None:
        self._idle = idle
        self._last: float | None = None
        self._at = 0.0

    @property
    def now(self) -> float:
        """Seconds of the time that was mapped last."""
        return self._at

    def at(self, time: float) -> float:
        self._at = self.between(time)
        self._last = time
        return self._at

    def between(self, time: float) -> float:
        """Where a time within the pause that goes on would be; the pause does not end with it."""
        if self._last is None:
            return self._at
        pause = max(time - self._last, 0.0)
        return self._at + (pause if self._idle is None else min(pause, self._idle))

    def hold(self, seconds: float) -> None:
        """Let the screen stand still for so long before the next time."""
        self._at += seconds


def seconds_of(text: str, option: str) -> float:
    """The seconds of `90`, `1:30` or `1:01:30`. UsageError."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise UsageError(f"{option} {text} is no time.", "Give seconds, or M:SS, or H:MM:SS.")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def pause_of(text: str, option: str) -> float | None:
    """The longest pause in seconds; None for `none`. UsageError."""
    if text == "none":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"{option} {text} is no pause.", "Give seconds above 0, or none.")
    return seconds
