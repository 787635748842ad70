"""Follows a lesson that is given in another terminal: for the audience, and for the speaker."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import SteerLesson
from codeexec.domain.steering import LessonKey
from codeexec.tui.render.plain import one_line
from codeexec.tui.screens.lesson.overview import OverviewScreen
from codeexec.tui.screens.lesson.screen import LessonScreen
from codeexec.tui.screens.lesson.speaker import SpeakerScreen
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.lessons.progress import LessonProgress
from codeexec.tui.session.views import LessonView
from codeexec.tui.workbench.surface import Surface, WorkbenchState

_KEYS: dict[str, LessonKey] = {key: key for key in get_args(LessonKey) if key != "go"}
"""Commands of the screen that steer, from the speaker's view."""

_STEERS = "the keys steer the lesson · ? keys"


class LessonFollower:
    """In the speaker's view the keys steer the lesson; elsewhere it is watched alone. `leave` is
    called with `workbench` or `quit`."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        progress: LessonProgress,
        leave: Callable[[str], None],
    ) -> None:
        self._surface = surface
        self._state = state
        self.progress = progress
        self._leave = leave
        self._question = ""
        """What is said of the question that waits for its answer; empty where none does."""
        self.screen = self.make_screen()

    def make_screen(self) -> LessonScreen:
        state = self._state
        theme, graphics = state.app_context.theme, state.app_context.graphics
        if state.options.speaker:
            self.screen = SpeakerScreen(theme, graphics, self.progress, self, state.session)
        else:
            self.screen = LessonScreen(
                theme, graphics, self.progress, self, state.session, watches=True
            )
        return self.screen

    def show(self, view: LessonView) -> None:
        """Show this; nothing is painted where it is shown already."""
        before = self.progress.view
        self.progress.restore(view)
        if self.progress.view == before:
            return
        self.screen.show(self.progress)
        if before.said != self.progress.view.said:
            self._say_state()
        if before.execution_id != self.progress.view.execution_id:
            self._show_execution()
            self._show_question()

    def _show_execution(self) -> None:
        views = self._state.snapshot.executions
        self.screen.show_execution(views.get(self.progress.view.execution_id))

    # -- as the screen asks ------------------------------------------------------------------

    def mounted(self) -> None:
        self._say_state()
        self._show_execution()
        self._show_learner()

    def command(self, name: str) -> None:
        if name in ("workbench", "quit"):
            self._leave(name)
        elif name == "editing":
            return
        elif not self._state.options.speaker:
            self.screen.say("watching: the keys are the speaker's · q leaves")
        elif name == "overview":
            self._surface.start(self._choose_step, "choose")
        elif name in _KEYS:
            self._surface.start(lambda: self._steer(_KEYS[name]), "steer")
        else:
            self.screen.say("Code is edited in the terminal that gives the lesson.")

    async def _choose_step(self) -> None:
        chosen = await self._surface.ask_user(OverviewScreen(self.progress))
        if chosen is not None:
            await self._steer("go", chosen)

    async def _steer(self, key: LessonKey, step: int = 0) -> None:
        """Let the terminal that gives the lesson do it."""
        try:
            request = SteerLesson(key, step, self._state.me, self.progress.view.leader)
            await self._state.session.call(request)
        except CodeexecError as error:
            self.screen.say(f"{error.message} {error.next_step}".strip(), "error")
        else:
            self._say_state()

    def _say_state(self) -> None:
        """Say what the keys do, or what the code asks. The speaker is told what the terminal says
        that gives the lesson: it may have refused a key."""
        view, speaks = self.progress.view, self._state.options.speaker
        if view.said and speaks and not self._question:
            self.screen.say(view.said, view.tone)
        else:
            self.screen.say(self._question or (_STEERS if speaks else "watching"))

    def edited(self, code: str) -> None:
        """Nothing is edited here."""

    def type_key(self) -> bool:
        return False

    def answer(self, request_id: str, text: str) -> None:
        """The speaker answers."""

    def follow(self, frame: Frame) -> None:
        self._show_learner()
        self._show_question()

    def _show_question(self) -> None:
        """Say that the code waits for an answer, which the terminal that gives the lesson takes."""
        view = self._state.snapshot.executions.get(self.progress.view.execution_id)
        question = ""
        if view is not None and view.stdin is not None:
            asked = one_line(view.stdin.prompt).strip() or "input"
            steers = self._state.options.speaker
            where = "answered in the first terminal" if steers else "the speaker is asked"
            question = f"{where}: {asked}"
        if question != self._question:
            self._question = question
            self._say_state()

    def _show_learner(self) -> None:
        """What a learner has done, as the journal has it."""
        record = self._state.snapshot.learner if self.progress.learns else None
        if record != self.progress.record:
            self.progress.record = record
            self.screen.show(self.progress)
