"""What a learner has done is in the journal, in the list of sessions, and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.learning import ExerciseRecord, LearnerRecord

EXERCISE = ExerciseRecord("lesson 0.0", 1, "A", tries=2, is_done=True, code="a = 1", at=5.0)
RECORD = LearnerRecord("Ada", "/a/b.md", "B", 1, 3, (EXERCISE,))


async def test_a_record_is_listed_without_code_and_restored_from_the_journal(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    opening = q.OpenSession(cwd=str(tmp_path), start_kernel=False)
    async with EmbeddedHost(state) as host:
        session_id = (await host.call(opening)).session_id
        session = host.session(session_id)
        await session.call(q.KeepLearnerRecord(RECORD))
        with pytest.raises(UsageError, match="no name of a learner"):
            await session.call(q.KeepLearnerRecord(LearnerRecord("", "/a/b.md")))
        (listed,) = (await host.call(q.ListSessions())).sessions
        assert listed.learner is not None
        (exercise,) = listed.learner.exercises
        assert (exercise.tries, exercise.is_done, exercise.code) == (2, True, "")
        assert listed.learner.at > 0
        await host.call(q.StopSession(session_id))
    async with EmbeddedHost(state) as host:
        (listed,) = (await host.call(q.ListSessions())).sessions
        assert listed.state == "closed"
        assert listed.learner is not None and listed.learner.learner == "Ada"
