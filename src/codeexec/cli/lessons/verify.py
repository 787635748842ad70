"""Runs a lesson from nothing and compares what it puts out with what it expects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from codeexec.cli.lessons.running import LessonExecution, running
from codeexec.cli.lessons.starters import passing_starters
from codeexec.client.lessons.block_output import expected_picture
from codeexec.documents.lessons.expectation import BlockOutput, mismatch, normalized
from codeexec.documents.lessons.model import Expectation, Lesson, Step
from codeexec.domain.errors import CodeexecError

if TYPE_CHECKING:
    from codeexec.environments.trust.store import Trust

_MOST_LINES = 12
"""Last lines of output that are told with an error."""

_PASSES_ALREADY = "The code that the learner begins with passes already: check more, or give less."
_NO_SOLUTION = "The exercise has no solution, so that nothing shows that it can be done."
_FAILED_SOLUTION = "The solution does not pass this check:"

StepStatus = Literal["passed", "failed", "not run"]


class StepFailure(NamedTuple):
    """`line` of the fence of code or of the expectation; `reason` in lines."""

    line: int
    reason: str


class Correction(NamedTuple):
    """What a block put out where the lesson expects something else: the text of the fence at
    `line`, or the picture that belongs in `file`."""

    line: int
    text: str = ""
    file: str = ""
    picture: bytes = b""


@dataclass(slots=True)
class StepReport:
    step: Step
    status: StepStatus = "not run"
    seconds: float = 0.0
    failures: tuple[StepFailure, ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class LessonReport:
    """`problem` is why the lesson was not run to its end, where no step is to blame."""

    lesson: Lesson
    steps: tuple[StepReport, ...]
    problem: str = ""

    @property
    def has_passed(self) -> bool:
        return not self.problem and all(step.status == "passed" for step in self.steps)


async def verify(
    lesson: Lesson,
    folder: Path,
    kernel: str,
    trust: Trust,
    on_step: Callable[[StepReport], None] = lambda _: None,
) -> LessonReport:
    """Run each step in a session of its own, in `folder`. `kernel` is for a lesson that names
    none. After an error that was not expected the rest is not run. A lesson with exercises is run
    once before, with the code that a learner begins with, which must not pass."""
    reports = tuple(StepReport(step) for step in lesson.steps)
    try:
        passing = await passing_starters(lesson, folder, kernel, trust)
        async with running(lesson, folder, kernel, trust) as run:
            for report in reports:
                began = time.monotonic()
                can_go_on = await _run_step(run, lesson, folder, report, passing)
                report.seconds = time.monotonic() - began
                on_step(report)
                if not can_go_on:
                    break
    except CodeexecError as error:
        return LessonReport(lesson, reports, f"{error.message} {error.next_step}".strip())
    return LessonReport(lesson, reports)


async def _run_step(
    run: LessonExecution,
    lesson: Lesson,
    folder: Path,
    report: StepReport,
    passing: frozenset[int],
) -> bool:
    """Run the blocks of a step; False where one has ended badly. `passing` are the lines of
    exercises that pass with the code that a learner begins with."""
    failures: list[StepFailure] = []
    corrections: list[Correction] = []
    can_go_on = True
    for block in report.step.blocks:
        if block.line in passing:
            failures.append(StepFailure(block.line, _PASSES_ALREADY))
        if block.is_exercise and block.solution is None:
            failures.append(StepFailure(block.line, _NO_SOLUTION))
            continue
        output = await run.output(await run.block(block))
        if output.error and not block.may_raise:
            failures.append(StepFailure(block.line, _told(output)))
            can_go_on = False
            break
        for expectation in block.expectations:
            picture = await asyncio.to_thread(expected_picture, lesson, folder, expectation)
            if reason := mismatch(expectation, output, picture):
                failures.append(StepFailure(expectation.line, reason))
                corrections += _correction(expectation, output)
        failed = await run.failed_check(block, output)
        if failed is not None:
            failures.append(StepFailure(failed.line, f"{_FAILED_SOLUTION} {failed.sentence}"))
    report.status = "failed" if failures else "passed"
    report.failures, report.corrections = tuple(failures), tuple(corrections)
    return can_go_on


def _told(output: BlockOutput) -> str:
    """The error of a block that was not expected to fail, and the end of what it put out."""
    last = normalized(output.text).split("\n")[-_MOST_LINES:]
    return "\n".join([output.error, *filter(None, last)])


def _correction(expectation: Expectation, output: BlockOutput) -> list[Correction]:
    """Only what is exact is written by itself; a pattern is what its author meant."""
    if expectation.mode == "image" and output.images:
        return [Correction(expectation.line, file=expectation.file, picture=output.images[0])]
    if expectation.mode == "exact":
        return [Correction(expectation.line, normalized(output.text))]
    if expectation.mode == "raises" and output.error:
        return [Correction(expectation.line, output.error)]
    return []
