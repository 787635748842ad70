"""Where a lesson is: the step, the block in front, what of it is on screen, and what was run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from codeexec.documents.lessons.line_marks import LineRange
from codeexec.documents.lessons.model import CodeBlock, Lesson, Step, cell_name
from codeexec.domain.learning import ExerciseRecord, LearnerRecord
from codeexec.tui.session.views import LessonRun, LessonView, Tone

NextThing = Literal["type", "run", "block", "step", "end"]
"""What comes next: code is typed, it runs, there is another block, another step, or nothing."""


class LessonProgress:
    """Changes of a `LessonView`, which is what other clients are shown, and what is kept."""

    def __init__(self, lesson: Lesson, view: LessonView) -> None:
        self.lesson = lesson
        self.view = view
        self.record: LearnerRecord | None = None
        """How far the learner is; None where the lesson is given."""
        self.is_solution_shown = False
        """The solution of the exercise in front is on screen."""
        self.restore(view)

    def restore(self, view: LessonView) -> None:
        """Be there; the file may have fewer steps now than it had then."""
        steps = self.lesson.steps
        at = min(max(view.step, 0), len(steps) - 1)
        runs = tuple(run for run in view.runs if self.block_of(run) is not None)
        self.view = replace(view, step=at, runs=runs)
        if at != view.step or (self._shown and view.block not in self._shown):
            self._bring_to_front(next(iter(self._shown), 0))

    # -- what there is -----------------------------------------------------------------------

    @property
    def step(self) -> Step:
        return self.lesson.steps[self.view.step]

    @property
    def count(self) -> int:
        return len(self.lesson.steps)

    @property
    def _shown(self) -> Sequence[int]:
        """Blocks of the step that the audience sees."""
        return [at for at, block in enumerate(self.step.blocks) if not block.is_hidden]

    @property
    def block(self) -> CodeBlock | None:
        """The block in front; None in a step without code that is seen."""
        return self.step.blocks[self.view.block] if self._shown else None

    @property
    def code(self) -> str:
        """The code that would run now."""
        if self.view.edited is not None:
            return self.view.edited
        return self._written(self.block) if self.block is not None else ""

    def _written(self, block: CodeBlock) -> str:
        """The code of a block before it is edited: a learner begins with that of its fence."""
        return (block.code if self.learns else block.given).rstrip("\n")

    @property
    def marks(self) -> tuple[LineRange, ...]:
        """Lines of the code that are emphasised, as long as it is what the lesson has."""
        block = self.block
        if block is None or self.code != block.code.rstrip("\n"):
            return ()
        return block.marks

    @property
    def typed_code(self) -> str:
        """What of it is on screen."""
        return self.code[: self.view.typed]

    @property
    def is_typed(self) -> bool:
        return self.view.typed >= len(self.code)

    @property
    def has_run(self) -> bool:
        """Whether the block in front was run; of an exercise, whether it was ever done."""
        is_done = self.exercise is not None and self.exercise.is_done
        return is_done or self.was_run(self.view.step, self.view.block)

    def was_run(self, step: int, block: int) -> bool:
        """Whether a block was run; of a learner's exercise, whether it was done."""
        is_open = self.learns and self.lesson.steps[step].blocks[block].is_exercise
        return any(
            (run.step, run.block) == (step, block) and (run.has_passed or not is_open)
            for run in self.view.runs
        )

    def was_given(self, step: int) -> bool:
        """Whether any block of a step was run."""
        return any(run.step == step for run in self.view.runs)

    @property
    def learns(self) -> bool:
        """A learner writes the code."""
        return bool(self.view.learner)

    @property
    def exercise(self) -> ExerciseRecord | None:
        """What the learner has done of the block in front, if it is an exercise."""
        if self.record is None or self.block is None:
            return None
        return self.record.exercise(cell_name(self.view.step, self.view.block))

    def block_of(self, run: LessonRun) -> CodeBlock | None:
        """The block that a run is of; None where the lesson has none there any more."""
        steps = self.lesson.steps
        if not 0 <= run.step < len(steps) or not 0 <= run.block < len(steps[run.step].blocks):
            return None
        return steps[run.step].blocks[run.block]

    @property
    def next_step(self) -> Step | None:
        at = self.view.step + 1
        return self.lesson.steps[at] if at < self.count else None

    @property
    def next_thing(self) -> NextThing:
        if self.block is not None and not self.has_run:
            return "run" if self.is_typed else "type"
        if self.block is not None and self._later:
            return "block"
        return "step" if self.next_step is not None else "end"

    @property
    def _later(self) -> Sequence[int]:
        return [at for at in self._shown if at > self.view.block]

    @property
    def hidden_due(self) -> list[int]:
        """Hidden blocks of the step that are to run now: those before the block in front, and
        behind the last one that is seen as soon as that was run."""
        step, block_number = self.view.step, self.view.block
        is_over = self.block is None or (self.was_run(step, block_number) and not self._later)
        return [
            at
            for at, block in enumerate(self.step.blocks)
            if block.is_hidden and (at < block_number or is_over) and not self.was_run(step, at)
        ]

    def before(self, step: int) -> list[tuple[LessonRun, CodeBlock]]:
        """What has to run, from nothing, to come to the beginning of a step: of each step before it
        what was run, or else all its blocks."""
        due: list[tuple[LessonRun, CodeBlock]] = []
        for number, one in enumerate(self.lesson.steps[:step]):
            runs = [run for run in self.view.runs if run.step == number]
            if self.learns:
                runs = [self._learned(number, at, block) for at, block in enumerate(one.blocks)]
            elif not runs:
                runs = [_as_written(number, at, block) for at, block in enumerate(one.blocks)]
            due += [(run, block) for run in runs if (block := self.block_of(run)) is not None]
        return due

    def before_block(self) -> list[tuple[LessonRun, CodeBlock]]:
        """What has to run, from nothing, to come to a learner's block in front."""
        step = self.view.step
        blocks = self.step.blocks[: self.view.block]
        of_step = [(self._learned(step, at, block), block) for at, block in enumerate(blocks)]
        return [*self.before(step), *of_step]

    def _learned(self, step: int, number: int, block: CodeBlock) -> LessonRun:
        """The run of a block that later steps build on: of an exercise that is done, with the code
        that has done it, else with its solution."""
        runs = [run for run in self.view.runs if (run.step, run.block) == (step, number)]
        if block.is_exercise:
            runs = [run for run in runs if run.has_passed]
        if runs:
            return runs[-1]
        run = _as_written(step, number, block)
        exercise = self.record.exercise(cell_name(step, number)) if self.record else None
        return replace(run, code=exercise.code) if exercise and exercise.is_done else run

    # -- what changes ------------------------------------------------------------------------

    def type(self, count: int) -> None:
        """So many characters of the code are on screen."""
        self.view = replace(self.view, typed=min(max(count, 0), len(self.code)))

    def type_all(self) -> None:
        self.type(len(self.code))

    def edit(self, code: str) -> None:
        """The speaker has other code."""
        is_changed = self.block is not None and code != self._written(self.block)
        self.view = replace(self.view, edited=code if is_changed else None, typed=len(code))

    def go_to_block(self) -> None:
        """To the next block that is seen."""
        if self._later:
            self._bring_to_front(self._later[0])

    def go_to_step(self, step: int) -> None:
        """To the beginning of a step; what was run from there on is forgotten, as the kernels are
        brought to where they were before it."""
        runs = tuple(run for run in self.view.runs if run.step < step)
        self.view = replace(
            self.view,
            step=min(max(step, 0), self.count - 1),
            runs=runs,
            execution_id="",
            is_zoomed=False,
        )
        self._bring_to_front(next(iter(self._shown), 0))

    def _bring_to_front(self, block: int) -> None:
        self.view = replace(self.view, block=block, typed=0, edited=None)

    def begin_run(self, run: LessonRun) -> None:
        """A block runs; if it was run before, both count, as the kernel has seen both."""
        self.view = replace(self.view, runs=(*self.view.runs, run))
        if (run.step, run.block) == (self.view.step, self.view.block):
            self.view = replace(self.view, execution_id=run.execution_id)

    def end_run(
        self,
        execution_id: str,
        answers: Sequence[str] = (),
        stopped_after: float = 0.0,
        *,
        has_failed: bool = False,
    ) -> None:
        """A run is over: with these answers, or stopped after so many seconds."""
        given = tuple(answers)
        runs = tuple(
            replace(run, answers=given, seconds=stopped_after, has_failed=has_failed)
            if run.execution_id == execution_id
            else run
            for run in self.view.runs
        )
        self.view = replace(self.view, runs=runs)

    def pass_run(self, execution_id: str) -> None:
        """A run has done its exercise."""
        runs = tuple(
            replace(run, has_passed=True) if run.execution_id == execution_id else run
            for run in self.view.runs
        )
        self.view = replace(self.view, runs=runs)

    def put_runs(self, runs: Sequence[LessonRun]) -> None:
        """Take these as what was run on the kernels as they are now."""
        self.view = replace(self.view, runs=tuple(runs))

    def say(self, message: str, tone: Tone) -> None:
        """Keep a message for the terminals and the speaker's view that follow this terminal."""
        self.view = replace(self.view, said=message, tone=tone)

    def prepare(self, *, is_done: bool) -> None:
        """Note whether the kernels have run the setup."""
        self.view = replace(self.view, is_prepared=is_done)

    def show(self, *, blank: bool | None = None, zoomed: bool | None = None) -> None:
        """Whether the audience sees nothing, or the output alone."""
        self.view = replace(
            self.view,
            is_blank=self.view.is_blank if blank is None else blank,
            is_zoomed=self.view.is_zoomed if zoomed is None else zoomed,
        )


def _as_written(step: int, number: int, block: CodeBlock) -> LessonRun:
    """A run of a block as the lesson has it; of an exercise, of its solution."""
    is_tolerant = block.is_exercise and block.solution is None
    return LessonRun(
        step,
        number,
        block.given.rstrip("\n"),
        answers=block.answers,
        has_failed=is_tolerant,
        has_passed=block.is_exercise,
    )
