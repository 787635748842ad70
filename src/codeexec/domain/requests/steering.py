"""Request to steer a lesson that another client gives."""

from __future__ import annotations

from codeexec.domain.requests.base import Done, Request
from codeexec.domain.steering import LessonKey


class SteerLesson(Request[Done], frozen=True):
    """Do what a key of the lesson does, in the client that gives it. `step` is that of `go`, from
    0; a step behind the last one is the last one. `to` is the terminal that is to obey, where there
    are several and it is known. Denied for agents, and for clients that only
    watch."""

    key: LessonKey
    step: int = 0
    origin: str = ""
    to: str = ""
