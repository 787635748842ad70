"""Keys of a lesson that are pressed in another terminal than the one that gives it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

LessonKey = Literal["next", "back", "run", "stop", "again", "first", "blank", "zoom", "go"]
"""What a key of the speaker's view does; `go`: to another step."""

MOST_KEYS = 16
"""Keys that a snapshot holds: a client that is far behind acts on no more."""


class SteeringKey(Struct, frozen=True, omit_defaults=True):
    """A key of the speaker's view. `number` counts those of the session, from 1; `step` is that of
    `go`, from 0; `origin` the client in which the key was pressed. `to` is the terminal that is to
    obey (`LessonView.leader`); empty: the one that gives the lesson."""

    number: int
    key: LessonKey
    step: int = 0
    origin: str = ""
    to: str = ""
