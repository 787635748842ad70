"""The record of a learner: made for a lesson, changed, and kept in the journal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.documents.lessons.model import Lesson, cell_name
from codeexec.domain.learning import MOST_VERDICT, ExerciseRecord, LearnerRecord, merged
from codeexec.domain.requests import KeepLearnerRecord
from codeexec.tui.session.ask import ask_quietly

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient
    from codeexec.tui.session.lessons.progress import LessonProgress


class RecordKeeper:
    """Changes the record of `progress`, and keeps each change in the journal of the session."""

    def __init__(self, progress: LessonProgress, session: SessionClient) -> None:
        self._progress = progress
        self._session = session

    def begin(self, stored: LearnerRecord | None) -> LearnerRecord:
        """Take up what is stored of this learner and lesson, with the exercises that the lesson has
        now; or begin anew."""
        view, lesson = self._progress.view, self._progress.lesson
        record = LearnerRecord(view.learner, view.file, lesson.front.title, view.step + 1)
        if stored is not None and (stored.learner, stored.lesson) == (view.learner, view.file):
            record = replace(stored, title=lesson.front.title)
        record = replace(
            record, steps=self._progress.count, exercises=_exercises_of(lesson, record)
        )
        self._progress.record = record
        return record

    def put(self, exercise: ExerciseRecord) -> None:
        """An exercise is now this; `keep` writes it."""
        record = self._record
        change = replace(record, exercises=(exercise,))
        self._progress.record = merged(record, change, time.time())

    async def keep(self, exercises: tuple[ExerciseRecord, ...]) -> None:
        """Write the step, and these exercises. CodeexecError."""
        await self._session.call(KeepLearnerRecord(replace(self._record, exercises=exercises)))

    def go_to_step(self, step: int) -> bool:
        """The learner is at this step, from 1; False where it was there already."""
        record = self._record
        self._progress.record = replace(record, step=step)
        return record.step != step

    async def keep_quietly(self, exercises: tuple[ExerciseRecord, ...] = ()) -> None:
        """The same; a refusal is told when the next run is kept."""
        change = replace(self._record, exercises=exercises)
        await ask_quietly(self._session, KeepLearnerRecord(change))

    @property
    def _record(self) -> LearnerRecord:
        record = self._progress.record
        assert record is not None
        return record


def _exercises_of(lesson: Lesson, record: LearnerRecord) -> tuple[ExerciseRecord, ...]:
    """The exercises of a lesson, with what the record has of them."""
    return tuple(
        replace(
            record.exercise(cell) or ExerciseRecord(cell, number + 1),
            title=step.label[:MOST_VERDICT],
        )
        for number, step in enumerate(lesson.steps)
        for at, block in enumerate(step.blocks)
        if block.is_exercise
        for cell in (cell_name(number, at),)
    )
