"""Event of a learner in a lesson."""

from __future__ import annotations

from codeexec.domain.events.base import Event
from codeexec.domain.learning import LearnerRecord


class LearnerAdvanced(Event, frozen=True):
    """A learner is at another step, or has tried an exercise. `record` has the exercises that have
    changed, the first one of a lesson all of them (`codeexec.domain.learning.merged`)."""

    record: LearnerRecord
