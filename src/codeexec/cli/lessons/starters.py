"""Runs the exercises of a lesson with the code that a learner begins with, which must not pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli.lessons.running import running
from codeexec.documents.lessons.model import Lesson

if TYPE_CHECKING:
    from codeexec.environments.trust.store import Trust


async def passing_starters(
    lesson: Lesson, folder: Path, kernel: str, trust: Trust
) -> frozenset[int]:
    """The lines of the exercises that the code passes with which a learner begins. The run has
    a session of its own, so that nothing of it helps a solution. CodeexecError."""
    remaining = sum(block.is_exercise for _, block in lesson.blocks())
    passing: set[int] = set()
    if not remaining:
        return frozenset()
    async with running(lesson, folder, kernel, trust) as run:
        for _, block in lesson.blocks():
            if block.is_exercise:
                remaining -= 1
                ended = await run.block(block, block.code)
                if not await run.missing(block, block.code, ended):
                    passing.add(block.line)
                if not remaining:
                    break
            ended = await run.block(block)
            if ended.end.status != "ok" and not block.may_raise:
                break  # the run with the solutions tells what is wrong
    return frozenset(passing)
