"""How far a learner is: changes are merged, survive the wire, and are bounded."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from codeexec.domain.errors import UsageError
from codeexec.domain.events import Recorded
from codeexec.domain.events.learning import LearnerAdvanced
from codeexec.domain.fold import apply
from codeexec.domain.learning import (
    MOST_CODE,
    MOST_EXERCISES,
    ExerciseRecord,
    LearnerRecord,
    check_learner,
    check_record,
)
from codeexec.domain.requests import KeepLearnerRecord
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.codec import (
    decode_event,
    decode_request,
    decode_snapshot,
    encode,
)

FIRST = ExerciseRecord("lesson 1.0", 2, "A function")
SECOND = ExerciseRecord("lesson 2.0", 3, "A list")
BEGUN = LearnerRecord("Ada", "/a/practice.md", "Practice", 1, 4, (FIRST, SECOND))


def folded(*records: LearnerRecord) -> LearnerRecord:
    events = [Recorded(n, float(n), LearnerAdvanced(record)) for n, record in enumerate(records, 1)]
    one_by_one = Snapshot()
    for event in events:
        one_by_one = apply(one_by_one, [event])
    assert apply(Snapshot(), events) == one_by_one
    assert decode_snapshot(encode(one_by_one)) == one_by_one
    assert one_by_one.learner is not None
    return one_by_one.learner


def test_a_change_names_the_changed_exercises_alone() -> None:
    tried = replace(FIRST, tries=2, verdict="It should be 3.", code="a = 2", at=5.0)
    record = folded(BEGUN, replace(BEGUN, step=2, exercises=(tried,)))
    assert record == replace(BEGUN, step=2, exercises=(tried, SECOND), at=2.0)
    done = replace(tried, tries=3, is_done=True, verdict="")
    record = folded(BEGUN, replace(BEGUN, exercises=(done,)), replace(BEGUN, step=3, exercises=()))
    assert (record.step, record.done, record.exercise("lesson 1.0")) == (3, 1, done)
    assert record.exercise("lesson 9.0") is None
    assert [exercise.code for exercise in record.without_code().exercises] == ["", ""]


def test_another_learner_or_lesson_takes_the_place() -> None:
    other = LearnerRecord("Bob", "/a/practice.md", exercises=(SECOND,))
    assert folded(BEGUN, other).exercises == (SECOND,)
    other = LearnerRecord("Ada", "/b/practice.md")
    assert folded(BEGUN, other).exercises == ()


def test_it_goes_over_the_wire() -> None:
    request = KeepLearnerRecord(BEGUN)
    assert decode_request(encode(request)) == request
    event = LearnerAdvanced(BEGUN)
    assert decode_event(encode(event)) == event


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "x" * 81])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name of a learner"):
        check_learner(name)


def test_what_is_too_long_for_a_journal_is_refused() -> None:
    check_record(BEGUN)
    with pytest.raises(UsageError, match=f"at most {MOST_EXERCISES} exercises"):
        check_record(replace(BEGUN, exercises=(FIRST,) * (MOST_EXERCISES + 1)))
    with pytest.raises(UsageError, match=f"at most {MOST_CODE} characters"):
        check_record(replace(BEGUN, exercises=(replace(FIRST, code="x" * (MOST_CODE + 1)),)))
