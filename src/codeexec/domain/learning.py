"""How far a learner is with the exercises of a lesson, as the journal keeps it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from codeexec.domain.errors import UsageError

MOST_NAME = 80
"""Characters of the name of a learner."""

MOST_EXERCISES = 500
MOST_CODE = 20_000
"""Characters of the code of an exercise that are kept."""

MOST_VERDICT = 500
"""Characters of the sentence of a check."""


class ExerciseRecord(Struct, frozen=True, omit_defaults=True):
    """One exercise of a learner. `cell` names its block as executions do (`CellRef.cell`); `step`
    counts from 1. `code` has done it, or else was run last; `verdict` is what the checks said of
    the last run, empty where they passed. `at` is the time of that run, in seconds since 1970; 0:
    none."""

    cell: str
    step: int
    title: str = ""
    tries: int = 0
    is_done: bool = False
    has_seen_solution: bool = False
    verdict: str = ""
    code: str = ""
    at: float = 0.0


class LearnerRecord(Struct, frozen=True, omit_defaults=True):
    """A learner in a lesson. `lesson` is the path of its file, `step` the step on screen, from 1,
    of `steps`. `at` is the time of the last change (seconds since 1970)."""

    learner: str
    lesson: str
    title: str = ""
    step: int = 1
    steps: int = 1
    exercises: tuple[ExerciseRecord, ...] = ()
    at: float = 0.0

    @property
    def done(self) -> int:
        """How many exercises are done."""
        return sum(exercise.is_done for exercise in self.exercises)

    def exercise(self, cell: str) -> ExerciseRecord | None:
        return next((exercise for exercise in self.exercises if exercise.cell == cell), None)

    def without_code(self) -> LearnerRecord:
        """As lists of sessions have it."""
        return replace(
            self, exercises=tuple(replace(exercise, code="") for exercise in self.exercises)
        )


def merged(record: LearnerRecord | None, change: LearnerRecord, at: float) -> LearnerRecord:
    """The record after a change at the time `at` that names the changed exercises alone. Another
    learner or another lesson takes the place of what was there."""
    change = replace(change, at=at)
    if record is None or (record.learner, record.lesson) != (change.learner, change.lesson):
        return change
    exercises = {exercise.cell: exercise for exercise in record.exercises}
    exercises.update((exercise.cell, exercise) for exercise in change.exercises)
    return replace(change, exercises=tuple(exercises.values())[:MOST_EXERCISES])


def check_record(record: LearnerRecord) -> None:
    """UsageError where it is more than a journal keeps."""
    check_learner(record.learner)
    if len(record.exercises) > MOST_EXERCISES:
        raise UsageError(f"A lesson has at most {MOST_EXERCISES} exercises.")
    texts = [record.lesson, record.title, *_texts(record.exercises)]
    if any(len(text) > MOST_CODE for text in texts):
        raise UsageError(f"The code of an exercise has at most {MOST_CODE} characters.")


def check_learner(name: str) -> str:
    """The name of a learner. UsageError where it is none."""
    if not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise UsageError(
            f"{name[:MOST_NAME]!r} is no name of a learner.",
            f"A name has 1 to {MOST_NAME} printable characters: --learner NAME",
        )
    return name.strip()


def _texts(exercises: Iterable[ExerciseRecord]) -> Iterable[str]:
    for exercise in exercises:
        yield from (exercise.cell, exercise.title, exercise.verdict, exercise.code)
