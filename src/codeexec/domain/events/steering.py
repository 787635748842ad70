"""Event of a lesson that is steered from the speaker's view."""

from __future__ import annotations

from codeexec.domain.events.base import Event
from codeexec.domain.steering import LessonKey


class LessonSteered(Event, frozen=True):
    """A key was pressed in the speaker's view, for the client that gives the lesson. `step` is
    that of `go`, from 0; `to` the terminal that is to obey, where it is known."""

    key: LessonKey
    step: int = 0
    origin: str = ""
    to: str = ""
