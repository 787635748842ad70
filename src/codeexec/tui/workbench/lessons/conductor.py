"""Gives a lesson: what each key does to its progress, its session and its screen."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.client.executing import Ended, wait_for_end
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.requests import AnswerStdin, CancelExecution, Interrupt, ReadExecution
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.steering import SteeringKey
from codeexec.domain.text.words import duration
from codeexec.tui.screens.lesson.overview import OverviewScreen
from codeexec.tui.screens.lesson.screen import LessonScreen
from codeexec.tui.session.ask import ask_quietly
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.lessons.lead import LessonLead
from codeexec.tui.session.lessons.progress import LessonProgress
from codeexec.tui.session.lessons.running import LessonRunner, stopped_after
from codeexec.tui.session.views import LessonRun, LessonView, Tone
from codeexec.tui.workbench.lessons.code_typing import CodeTyping
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.documents.lessons.model import CodeBlock, Typing

_GROUP = "lesson"

_FOLLOWING = "given in another terminal · a key here takes it over"

_LEARNERS_KEY = "This key is for learners: codeexec-tui lesson learn FILE"

_STOPPING = "stopping · Esc again stops it with more force"


class Conductor:
    """It begins with the snapshot of event `from_seq`. `changed` is called when other clients are
    to see another place; `leave` with the name of a command that leaves the screen (`workbench` or
    `quit`). `lead` says whether this terminal gives the lesson, and `claim` is called to do so: it
    returns the view with that."""

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
        self._surface = surface
        self._state = state
        self.progress = progress
        self._from_seq = from_seq
        self._changed = changed
        self._leave = leave
        self._lead = lead
        self._claim = claim
        self._has_begun = False
        self.screen = self.make_screen()
        self._runner = LessonRunner(
            progress.lesson,
            progress.view.file,
            state.session,
            lambda: state.snapshot,
            lambda: self.screen.output.columns,
        )
        self._typing = CodeTyping(surface, progress, typing, self._show, self._say)
        self._busy = ""
        """What is being done, in words; empty when a key may begin something."""
        self._is_stopping = self._is_going = False
        self._is_told_busy = False
        self._is_running = False
        """The block in front runs."""
        self._waits_for_next = False
        """The key was pressed while something ran quietly: it counts when that is over."""
        self._work_number = 0
        self._said = ""
        self._commands: Mapping[str, Callable[[], None]] = {
            "next": self._next,
            "back": self._back,
            "run": self._run_now,
            "stop": self._stop,
            "edit": self._edit,
            "editing": self._typing.finish,
            "overview": lambda: self._surface.start(self._choose_step, "choose"),
            "again": lambda: self._go(self.progress.view.step),
            "first": lambda: self._go(0),
            "zoom": self._toggle_zoom,
            "blank": self._toggle_blank,
            "editor_left": lambda: self.screen.leave_editor(),
            "solution": lambda: self._say(_LEARNERS_KEY),
            "starter": lambda: self._say(_LEARNERS_KEY),
        }

    # -- the beginning -----------------------------------------------------------------------

    def make_screen(self) -> LessonScreen:
        """A screen for it; one that was left cannot be shown again."""
        state = self._state
        theme, graphics = state.app_context.theme, state.app_context.graphics
        self.screen = LessonScreen(theme, graphics, self.progress, self, state.session)
        return self.screen

    def mounted(self) -> None:
        self._say(self._said)
        if not self._lead.leads:
            self._say_followed()
        if self._state.last is not None:
            self.screen.show_frame(self._state.last)
        else:
            self._say("opening the session")

    def _begin(self) -> None:
        """Prepare the kernel, or take up what was run already."""
        if self.progress.view.runs:
            self._runner.take_up(
                [
                    (run, block)
                    for run in self.progress.view.runs
                    if (block := self.progress.block_of(run)) is not None
                ]
            )
            is_whole = all(run.execution_id for run in self.progress.view.runs)
            if is_whole and self._are_kernels_alive():
                self._say("")
                self._take_up_run()
                return
            self._go(self.progress.view.step)
            return
        if self.progress.view.is_prepared and self._are_kernels_alive():
            self._runner.take_up(())
            self._say("")
            return
        self._work(self._prepare, "starting the kernel")

    def _are_kernels_alive(self) -> bool:
        return self._state.snapshot.kernel.state in ("idle", "busy")

    def _take_up_run(self) -> None:
        """What was running as another terminal gave the lesson goes on, or has ended."""
        view = self._state.snapshot.executions.get(self.progress.view.execution_id)
        if view is not None and view.is_open:
            self._work(lambda: self._wait_for(view), "")

    async def _wait_for(self, view: ExecutionView) -> None:
        end = await wait_for_end(self._state.session, view.execution_id)
        await self._end_run(end, time.time() - (view.started_at or view.queued_at))

    async def _prepare(self) -> None:
        await self._runner.prepare()
        self.progress.prepare(is_done=True)
        await self._run_hidden()

    # -- several terminals -------------------------------------------------------------------

    def take_lead(self) -> None:
        """Give the lesson from here, from where another terminal has brought it."""
        if self._lead.leads:
            return
        self.progress.view = self._claim(self.progress.view)
        if self._has_begun:
            self._begin()
        self._show()

    def follow_other(self, view: LessonView) -> None:
        """Show what the terminal shows that gives the lesson now, and end what is being done here:
        that terminal goes on with it."""
        self._end_lead()
        before = self.progress.view
        self.progress.restore(view)
        if self.progress.view != before:
            self.screen.show(self.progress)
            if self.progress.view.execution_id != before.execution_id:
                self._show_execution()
        self._say_followed()

    def say_replaced(self) -> None:
        """Another terminal gives another lesson on this session."""
        self._end_lead()
        self.screen.say("another lesson is given in another terminal · a key gives this one again")

    def _end_lead(self) -> None:
        if not self._lead.leads:
            return
        self._lead.leads = False
        self._typing.stop()
        self._work_number += 1
        self._busy, self._waits_for_next = "", False
        self._is_stopping = self._is_going = self._is_told_busy = False
        self._surface.start(_end_work, _GROUP, exclusive=True)
        self.screen.leave_editor()

    def _show_execution(self) -> None:
        view = self._state.snapshot.executions.get(self.progress.view.execution_id)
        self.screen.show_execution(view)
        _ask(self.screen, self.progress, view)  # it may have asked before it was followed

    def _say_followed(self) -> None:
        view = self.progress.view
        words = f"{view.said} · {_FOLLOWING}" if view.said else _FOLLOWING
        self.screen.say(words, view.tone)

    # -- one thing at a time -----------------------------------------------------------------

    def _work(self, work: Callable[[], Awaitable[None]], words: str) -> None:
        """Do this in the background; `words` are said meanwhile. Keys that would begin something
        else are refused until it is done."""
        self._busy = words or "running"
        self._say(words)
        self._work_number += 1
        number = self._work_number

        async def run() -> None:
            message = ""
            tone: Tone = "muted"
            try:
                await work()
            except CodeexecError as error:
                message, tone = f"{error.message} {error.next_step}".strip(), "error"
                self._surface.show_error(error)
            finally:
                if number == self._work_number:
                    self._busy, self._is_stopping, self._is_going = "", False, False
            if message or self._said in (words, _STOPPING) or self._is_told_busy:
                self._say(message, tone)
            self._is_told_busy = False
            self._show()
            if self._waits_for_next and not message:
                self._next()
            self._waits_for_next = False

        self._surface.start(run, _GROUP, exclusive=True)

    @property
    def _is_free(self) -> bool:
        if self._busy:
            self._is_told_busy = True
            self._say(f"{self._busy} · Esc stops it")
        return not self._busy

    def _say(self, message: str, tone: Tone = "muted") -> None:
        self._said = message
        if self._lead.leads:
            self.screen.say(message, tone)
            self.progress.say(message, tone)
            self._changed()

    def _show(self) -> None:
        self.screen.show(self.progress)
        self._changed()

    # -- commands ----------------------------------------------------------------------------

    def command(self, name: str) -> None:
        if name in ("workbench", "quit"):
            self._leave(name)
            return
        self.take_lead()
        if self.progress.view.is_blank and name not in ("blank", "stop"):
            name = "blank"  # whatever is pressed shows the lesson again
        self._commands[name]()

    def steer(self, pressed: SteeringKey) -> None:
        """Do what a key does that was pressed in the speaker's view."""
        self.take_lead()
        if pressed.key == "go":
            self._typing.stop()
            self._go(min(pressed.step, self.progress.count - 1))
        else:
            self.command(pressed.key)

    def _next(self) -> None:
        if self._typing.is_typing:
            self._typing.finish()
            return
        if self.screen.send_typed_answer():
            return
        self._waits_for_next = bool(self._busy) and not self._is_running
        if not self._is_free:
            return
        self._say("")
        match self.progress.next_thing:
            case "type":
                self._typing.begin()
            case "run":
                self._run_now()
            case "block":
                self.progress.go_to_block()
                self._typing.begin()
            case "step":
                self._go(self.progress.view.step + 1)
            case "end":
                self._say("This was the last step. q leaves, o shows all steps.")

    def _back(self) -> None:
        """To the beginning of this step, or of the one before."""
        self._typing.stop()
        view = self.progress.view
        if view.typed or self.progress.was_given(view.step):
            self._go(view.step)
        elif view.step:
            self._go(view.step - 1)
        else:
            self._say("This is the first step.")

    # -- typing ------------------------------------------------------------------------------

    def type_key(self) -> bool:
        if not self._typing.takes_key:
            return False
        self.take_lead()
        self._typing.type_key()
        return True

    def _edit(self) -> None:
        if self.progress.block is None:
            self._say("This step has no code.")
            return
        self._typing.finish()
        self._show()
        self.screen.edit()

    def edited(self, code: str) -> None:
        if code != self.progress.code:
            self.take_lead()
            self.progress.edit(code)
            self._changed()

    # -- running -----------------------------------------------------------------------------

    def _run_now(self) -> None:
        self._typing.stop()
        block = self.progress.block
        if block is None:
            self._next()
        elif self._is_free:
            self.progress.type_all()
            self._work(lambda: self._run_block(block), "")

    async def _run_block(self, block: CodeBlock) -> None:
        progress = self.progress
        await self._run_hidden()
        step, number = progress.view.step, progress.view.block
        request = self._runner.request(step, number, block, progress.code)
        progress.begin_run(LessonRun(step, number, progress.code, request.execution_id))
        self._show()
        began = time.monotonic()
        self._is_running = True
        try:
            ended = await self._runner.show(request)
        finally:
            self._is_running = False
        await self._end_run(ended.end, time.monotonic() - began)
        await self._block_ran(block, ended)
        await self._run_hidden()

    async def _block_ran(self, block: CodeBlock, ended: Ended) -> None:
        """The block in front was run to its end; the lesson goes on after this."""

    def _arrived(self) -> None:
        """The lesson is at the beginning of a step."""

    async def _end_run(self, end: ExecutionFinished, seconds: float) -> None:
        read = await ask_quietly(self._state.session, ReadExecution(end.execution_id))
        view = read.execution if read is not None else None
        self.progress.end_run(
            end.execution_id,
            [answer for _, answer in view.answers] if view is not None else [],
            stopped_after(end, seconds),
            has_failed=end.status == "error",
        )

    async def _run_hidden(self) -> None:
        """Run what the audience does not see and is due."""
        progress = self.progress
        while due := progress.hidden_due:
            step, number = progress.view.step, due[0]
            block = progress.step.blocks[number]
            run = LessonRun(step, number, block.given.rstrip("\n"), answers=block.answers)
            progress.begin_run(await self._runner.run_quietly(run, block))

    def _stop(self) -> None:
        """Stop the typing, or what runs; again, with more force."""
        if self._typing.is_typing:
            self._typing.finish()
            return
        running = [view for view in self._state.snapshot.executions.values() if view.is_open]
        if running:
            self._is_stopping = True
            self._say(_STOPPING)
            self._surface.start(lambda: self._interrupt(running), "stop")
        elif not self._busy:
            self._say("")

    async def _interrupt(self, views: list[ExecutionView]) -> None:
        for view in views:
            if view.status == "queued":
                await ask_quietly(self._state.session, CancelExecution(view.execution_id))
            else:
                await ask_quietly(self._state.session, Interrupt(kernel=view.kernel))

    def answer(self, request_id: str, text: str) -> None:
        me = self._state.me
        self._surface.start(
            lambda: ask_quietly(self._state.session, AnswerStdin(request_id, text, origin=me)),
            "answer",
        )

    # -- going -------------------------------------------------------------------------------

    async def _choose_step(self) -> None:
        chosen = await self._surface.ask_user(OverviewScreen(self.progress))
        if chosen is not None:
            self.take_lead()
            self._typing.stop()
            self._go(chosen)

    def _go(self, step: int) -> None:
        """To the beginning of a step, with the state that the steps before it leave."""
        if not (self._is_stopping or self._is_going or self._is_free):
            return
        progress = self.progress
        # What was being run on the way to another step may be half done.
        is_fresh = not self._busy and not any(run.step >= step for run in progress.view.runs)
        missing = [(run, block) for run, block in progress.before(step) if not run.execution_id]
        if is_fresh and self._are_kernels_alive() and not missing:
            progress.go_to_step(step)
            self._arrived()
            self._work(self._run_hidden, "")
            return
        due = missing if is_fresh and self._are_kernels_alive() else progress.before(step)
        is_again = due is not missing
        done = [] if is_again else list(progress.view.runs)
        waiting = [replace(run, execution_id="") for run, _ in due]
        progress.go_to_step(step)
        progress.put_runs([*done, *waiting])
        self._arrived()
        self._show()
        self._is_going = True
        self._work(lambda: self._run_before(due, done, is_again=is_again), "going there")

    async def _run_before(
        self,
        due: list[tuple[LessonRun, CodeBlock]],
        done: list[LessonRun],
        *,
        is_again: bool,
    ) -> None:
        """Run what is due behind what is done, on fresh kernels if it is run again."""
        progress, began = self.progress, time.monotonic()
        if is_again:
            await self._runner.restart()
        for at, (run, block) in enumerate(due, 1):
            words = f"running step {run.step + 1} quietly · {at} of {len(due)}"
            self._busy = words
            self._say(words)
            done.append(await self._runner.run_quietly(run, block))
            waiting = [replace(run, execution_id="") for run, _ in due[at:]]
            progress.put_runs([*done, *waiting])
            self._changed()
        await self._run_hidden()
        took = duration(time.monotonic() - began)
        steps = sorted({run.step + 1 for run, _ in due})
        if not steps:
            self._say(f"a fresh kernel · {took}")
        elif len(steps) == 1:
            self._say(f"step {steps[0]} was run quietly · {took}")
        else:
            self._say(f"steps {steps[0]} to {steps[-1]} were run quietly · {took}")

    # -- what the audience sees --------------------------------------------------------------

    def _toggle_zoom(self) -> None:
        self.progress.show(zoomed=not self.progress.view.is_zoomed)
        self._show()

    def _toggle_blank(self) -> None:
        self.progress.show(blank=not self.progress.view.is_blank)
        self._show()

    def follow(self, frame: Frame) -> None:
        if not self._has_begun:
            if frame.snapshot.seq < self._from_seq:
                return  # the first frames are of what was long ago
            self._has_begun = True
            if self._lead.leads:
                self._begin()
            else:
                self._show_execution()
        view = frame.snapshot.executions.get(self.progress.view.execution_id)
        _ask(self.screen, self.progress, view)


async def _end_work() -> None:
    """Started in place of what is being done, which is cancelled by that."""


def _ask(screen: LessonScreen, progress: LessonProgress, view: ExecutionView | None) -> None:
    """Let the question of an execution be answered, with the answer of the lesson in place."""
    if view is None or view.stdin is None:
        screen.ask(None)
        return
    answers = progress.block.answers if progress.block is not None else ()
    given = len(view.answers)
    screen.ask(view, answers[given] if given < len(answers) else "")
