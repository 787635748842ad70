"""Request to keep how far a learner is."""

from __future__ import annotations

from codeexec.domain.learning import LearnerRecord
from codeexec.domain.requests.base import Done, Request


class KeepLearnerRecord(Request[Done], frozen=True):
    """Keep in the journal how far a learner is with a lesson. `record` names the exercises that
    have changed. UsageError where it is too long."""

    record: LearnerRecord
