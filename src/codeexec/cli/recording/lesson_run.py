"""Records a lesson that is run from nothing for it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli.lessons.running import running
from codeexec.cli.recording.stored_source import StoredSource, open_journal
from codeexec.documents.lessons.model import Lesson
from codeexec.domain.errors import CodeexecError
from codeexec.tui.recording.stage import LessonSteps, StepStart

if TYPE_CHECKING:
    from codeexec.environments.trust.store import Trust

Render = Callable[[StoredSource, LessonSteps], Awaitable[bytes]]
"""Makes the file of a journal."""


async def record_lesson(
    lesson: Lesson, file: Path, kernel: str, trust: Trust, render: Render
) -> bytes:
    """The file that `render` makes, before the journal is removed. CodeexecError where code fails
    that is not expected to."""
    steps: list[StepStart] = []
    hidden: set[str] = set()
    async with running(lesson, file.absolute().parent, kernel, trust) as run:
        for step in lesson.steps:
            steps.append(StepStart(time.time(), step.label))
            for block in step.blocks:
                ended = await run.block(block)
                if block.is_hidden:
                    hidden.add(ended.end.execution_id)
                if block.may_raise:
                    continue
                if error := (await run.output(ended)).error:
                    raise CodeexecError(
                        f"{file}:{block.line}: {error.splitlines()[0]}",
                        f"Nothing is written. `codeexec-tui lesson verify {file}` says more.",
                    )
        stored = open_journal(run.journal)
        try:
            return await render(stored, LessonSteps(tuple(steps), frozenset(hidden)))
        finally:
            stored.journal.close()
