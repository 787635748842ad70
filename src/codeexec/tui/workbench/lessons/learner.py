"""Lets a learner do the exercises of a lesson: each run is checked, and the journal keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.documents.lessons.model import cell_name
from codeexec.domain.learning import MOST_CODE, MOST_VERDICT
from codeexec.tui.session.lessons.record import RecordKeeper
from codeexec.tui.workbench.lessons.conductor import Conductor

if TYPE_CHECKING:
    from codeexec.client.executing import Ended
    from codeexec.documents.lessons.model import CodeBlock, Typing
    from codeexec.tui.session.lessons.lead import LessonLead
    from codeexec.tui.session.lessons.progress import LessonProgress
    from codeexec.tui.session.views import LessonView
    from codeexec.tui.workbench.surface import Surface, WorkbenchState

_STOPPED = "The code was stopped before its end."
_NO_EXERCISE = "This step has no exercise."


class LearnerConductor(Conductor):
    """A conductor whose code is there at once, and is the learner's."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        progress: LessonProgress,
        typing: Typing,
        from_seq: int,
        changed: Callable[[], None],
        leave: Callable[[str], None],
        lead: LessonLead,
        claim: Callable[[LessonView], LessonView],
    ) -> None:
        super().__init__(surface, state, progress, typing, from_seq, changed, leave, lead, claim)
        self._keeper = RecordKeeper(progress, state.session)
        self._drafts: dict[str, str] = {}
        """By the names of blocks: the code that the learner has written."""
        self._is_asked_for_solution = False
        self._commands: Mapping[str, Callable[[], None]] = {
            **self._commands,
            "editor_left": self._leave_editor,
            "solution": self._toggle_solution,
            "starter": self._begin_exercise_again,
        }

    def _begin(self) -> None:
        view = self.progress.view
        record = self._keeper.begin(self._state.snapshot.learner)
        if view.edited is not None:
            self._drafts[self._cell] = view.edited
        self._surface.start(lambda: self._keeper.keep_quietly(record.exercises), "learner")
        is_new_here = not view.runs and view.step == 0
        if is_new_here and 1 < record.step <= self.progress.count:
            self._go(record.step - 1)  # the view of the session is lost, the journal is not
            return
        self._arrived()
        super()._begin()

    @property
    def _cell(self) -> str:
        return cell_name(self.progress.view.step, self.progress.view.block)

    # -- going on ----------------------------------------------------------------------------

    def _arrived(self) -> None:
        """Show the code that the learner has written here before, and let the learner write."""
        progress = self.progress
        self._is_asked_for_solution = progress.is_solution_shown = False
        exercise = progress.exercise
        code = self._drafts.get(self._cell) or (exercise.code if exercise is not None else "")
        if code:
            progress.edit(code)
        progress.type_all()
        self.screen.leave_editor()
        self._show()
        if exercise is not None:
            self.screen.edit()
        if self._keeper.go_to_step(progress.view.step + 1):
            self._surface.start(self._keeper.keep_quietly, "learner")

    def _next(self) -> None:
        if self.screen.send_typed_answer() or not self._is_free:
            return
        self._say("")
        match self.progress.next_thing:
            case "type" | "run" if self.progress.exercise is not None:
                self._say("Not done yet · F5 runs it · o goes to any step", "warn")
            case "type" | "run":
                self._run_now()
            case "block":
                self.progress.go_to_block()
                self._arrived()
            case "step":
                self._go(self.progress.view.step + 1)
            case "end":
                self._say("This was the last step. q leaves, o shows all steps.")

    def _back(self) -> None:
        """To the step before this one."""
        if self.progress.view.step:
            self._go(self.progress.view.step - 1)
        else:
            self._say("This is the first step.")

    def edited(self, code: str) -> None:
        self._drafts[self._cell] = code
        super().edited(code)

    def _leave_editor(self) -> None:
        """Escape stops what runs, or else gives the keys to the lesson."""
        if self._state.snapshot.is_running:
            self._stop()
        else:
            self.screen.leave_editor()

    def _begin_exercise_again(self) -> None:
        block = self.progress.block
        if block is None or self.progress.exercise is None:
            self._say(_NO_EXERCISE)
            return
        self._drafts.pop(self._cell, None)
        self.progress.edit(block.code.rstrip("\n"))
        self.screen.leave_editor()
        self._show()
        self.screen.edit()

    def _toggle_solution(self) -> None:
        """Show the solution: at once where the exercise is done, else when asked for twice."""
        progress = self.progress
        block, exercise = progress.block, progress.exercise
        if progress.is_solution_shown:
            progress.is_solution_shown = self._is_asked_for_solution = False
        elif block is None or exercise is None:
            self._say(_NO_EXERCISE)
            return
        elif block.solution is None:
            self._say("The lesson has no solution of this exercise.")
            return
        elif not (exercise.is_done or self._is_asked_for_solution):
            self._is_asked_for_solution = True
            self._say("The same key again shows it · the class list will say so", "warn")
            return
        else:
            progress.is_solution_shown = True
            if not (exercise.is_done or exercise.has_seen_solution):
                record = replace(exercise, has_seen_solution=True)
                self._keeper.put(record)
                self._surface.start(lambda: self._keeper.keep_quietly((record,)), "learner")
        self._say("")
        self._show()

    # -- running and checking ----------------------------------------------------------------

    def _run_now(self) -> None:
        block = self.progress.block
        if block is None or self._state.snapshot.kernel.state != "dead":
            super()._run_now()
        elif self._is_free:
            self._work(lambda: self._run_on_fresh_kernel(block), "starting the kernel anew")

    async def _run_on_fresh_kernel(self, block: CodeBlock) -> None:
        """Bring a kernel to where the one was that has ended, and run the code on it."""
        await self._run_before(self.progress.before_block(), [], is_again=True)
        await self._run_block(block)

    async def _block_ran(self, block: CodeBlock, ended: Ended) -> None:
        """Check the run of an exercise, count it, and keep what came of it."""
        exercise, code = self.progress.exercise, self.progress.view.runs[-1].code
        if exercise is None:
            return
        if ended.end.status == "cancelled":
            self._keeper.put(replace(exercise, verdict=_STOPPED))
            return
        self._say("checking")
        verdict = await self._runner.checker.missing(block, code, ended)
        exercise = replace(
            exercise,
            tries=exercise.tries + (not exercise.is_done),
            is_done=exercise.is_done or not verdict,
            verdict=verdict[:MOST_VERDICT],
            code=exercise.code if exercise.is_done and verdict else code[:MOST_CODE],
            at=time.time(),
        )
        self._keeper.put(exercise)
        if not verdict:
            self.progress.pass_run(ended.end.execution_id)
            if self.progress.code == code:
                self.screen.leave_editor()  # the next key goes on
        self._say("")
        self._show()
        await self._keeper.keep((exercise,))
