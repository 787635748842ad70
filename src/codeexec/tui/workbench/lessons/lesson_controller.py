"""The lesson of a session: opened from the command line, taken up again, or followed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import SessionSummary
from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.session.lessons.lead import LessonLead, is_newer
from codeexec.tui.session.views import LessonView
from codeexec.tui.theme.theme import Theme
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.session.sharing_controller import SharingController
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.documents.lessons.model import Lesson
    from codeexec.tui.screens.lesson.screen import LessonScreen
    from codeexec.tui.session.feed import Frame
    from codeexec.tui.session.lessons.progress import LessonProgress
    from codeexec.tui.workbench.lessons.conductor import Conductor
    from codeexec.tui.workbench.lessons.follower import LessonFollower
    from codeexec.tui.workbench.lessons.tour import TourConductor

_FOLLOW_EVERY = 0.2
"""Seconds between looks at what is shown elsewhere."""

_TYPED_EVERY = 0.25
"""Seconds between two that watchers are told of, while code is typed."""


class LessonStage(Protocol):
    """What shows a lesson: the conductor, or a follower."""

    screen: LessonScreen
    progress: LessonProgress

    def make_screen(self) -> LessonScreen: ...


class LessonController:
    """`detach` leaves the workbench; `tour` shows lessons whose steps stand in the workbench."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        sharing: SharingController,
        detach: Callable[[], None],
        tour: TourConductor,
    ) -> None:
        self._surface = surface
        self._state = state
        self._sharing = sharing
        self._detach = detach
        self._tour = tour
        self._stage: LessonStage | None = None
        self._follower: LessonFollower | None = None
        self._told_at = 0.0
        self._given: Conductor | None = None
        """The lesson that is given, here or in another terminal; not one that is learned."""
        self._lead = LessonLead(state.app_context.state / "views")
        self._newest: LessonView | None = None
        """The lesson as it was kept last by any terminal that gives one on this session."""
        self._from_seq = 0
        self._last_key: int | None = None
        """Number of the key that was done last; None before the session is known."""

    def actions(self) -> Mapping[str, Handler]:
        return {"lesson": self.show, "tour": self._tour.toggle, "tour_step": self._tour.step}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    def session_opened(self, summary: SessionSummary) -> None:
        """Show the lesson that the command line names, or that the session has."""
        options = self._state.options
        stored = self._sharing.load(summary.session_id)
        kept = stored.lesson if stored is not None else None
        self._sharing.lesson = kept
        if options.watch:
            self._surface.repeat(_FOLLOW_EVERY, self._look)
        elif options.lesson:
            is_same = kept is not None and (kept.file, kept.learner) == (
                options.lesson,
                options.learner,
            )
            fresh = LessonView(options.lesson, began=time.time(), learner=options.learner)
            is_new = kept is None or not is_same
            self._begin(fresh if kept is None or is_new else kept, summary.seq, is_new=is_new)
        elif options.attach and kept is not None:
            self._begin(kept, summary.seq, is_new=False)

    async def documents_opened(self) -> None:
        """Show a tour with the cursor in the cell of its step."""
        await self._tour.begin()

    # -- giving it ---------------------------------------------------------------------------

    def _begin(self, view: LessonView, from_seq: int, *, is_new: bool) -> None:
        """Show a lesson; one that `is_new` was not shown in this session before."""
        lesson = self._open(view.file)
        if lesson is None:
            return
        from codeexec.tui.session.lessons.progress import LessonProgress  # few sessions have one
        from codeexec.tui.workbench.lessons.conductor import Conductor
        from codeexec.tui.workbench.lessons.learner import LearnerConductor

        progress = LessonProgress(lesson, view)
        if lesson.front.screen == "workbench":
            self._tour.take(progress, self._changed, is_new_session=is_new)
            self._sharing.lesson = progress.view
            self._surface.start(self._tour.begin, "tour")
            return
        if is_new or view.learner or not self._lead.is_given_elsewhere(view):
            progress.view = self._claim(progress.view)
        self._sharing.gives_lesson = self._lead.leads
        typing = self._state.options.typing or lesson.front.typing
        make = LearnerConductor if progress.learns else Conductor
        conductor = make(
            *(self._surface, self._state, progress, typing, from_seq),
            *(self._changed, self._leave, self._lead, self._claim),
        )
        self._stage = conductor
        if not progress.learns:
            self._given = conductor
            self._surface.repeat(_FOLLOW_EVERY, self._look_elsewhere)
        self._from_seq = from_seq
        self._sharing.lesson = progress.view
        self._surface.open_screen(conductor.screen)

    def _open(self, file: str) -> Lesson | None:
        from codeexec.documents.lessons.files import open_lesson  # few sessions have one
        from codeexec.languages.catalog import running_language

        try:
            return open_lesson(Path(file), running_language)[1]
        except CodeexecError as error:
            self._surface.show_error(error)
            return None

    def _changed(self) -> None:
        """Show it to other clients, also to one that continues the lesson later."""
        progress = self._stage.progress if self._stage is not None else self._tour.progress
        if progress is None:
            return
        before, now = self._sharing.lesson, progress.view
        if before == now or not self._sharing.gives_lesson:
            return
        self._sharing.lesson = now
        is_typing = (
            before is not None
            and (before.step, before.block, before.runs) == (now.step, now.block, now.runs)
            and before.typed != now.typed
        )
        moment = time.monotonic()
        if not is_typing or moment - self._told_at >= _TYPED_EVERY:
            self._told_at = moment
            self._sharing.share()

    def _leave(self, way: str) -> None:
        if way == "workbench" and self._stage is not None:
            self._stage.screen.dismiss(None)
            key = named_keys("{app.palette}", self._state.app_context.keymap.keys)
            self._surface.notify(f"The lesson waits: {key}, “Show the lesson again”.")
        elif way == "quit":
            self._detach()

    def show(self) -> None:
        """Show the lesson over the workbench."""
        if self._tour.progress is not None:
            self._tour.toggle()
        elif self._stage is None:
            self._surface.notify("This session has no lesson: codeexec-tui lesson FILE")
        elif not self._stage.screen.is_attached:
            self._surface.open_screen(self._stage.make_screen())

    def show_frame(self, frame: Frame) -> None:
        """Do what was pressed in the speaker's view, also while the workbench is shown."""
        keys = frame.snapshot.steering_keys
        if self._given is None or frame.snapshot.seq < self._from_seq:
            return
        if self._last_key is None:
            self._last_key = keys[-1].number if keys else 0  # those were for another terminal
        for pressed in keys:
            if pressed.number > self._last_key:
                self._last_key = pressed.number
                leads = self._lead.leads
                if pressed.to == self._lead.own_id if pressed.to else leads:
                    self.show()
                    self._given.steer(pressed)

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        if self._stage is not None:
            self._stage.screen.use(theme)

    # -- several terminals that give it ------------------------------------------------------

    def _claim(self, view: LessonView) -> LessonView:
        """The view with this terminal as the one that gives the lesson."""
        claimed = self._lead.claim(view, self._newest or self._sharing.lesson)
        self._sharing.gives_lesson = True
        return claimed

    def _look_elsewhere(self) -> None:
        self._surface.start(self._compare, "lesson-lead", exclusive=True)

    async def _compare(self) -> None:
        """Follow the terminal that has claimed the lesson after this one; where it has ended, go on
        from here."""
        session_id, conductor = self._state.session.session_id, self._given
        if not session_id or conductor is None:
            return
        newest, is_elsewhere = await asyncio.to_thread(self._read_newest, session_id)
        own_view = self._sharing.lesson
        if newest is None or own_view is None:
            return
        self._newest = newest
        if not self._lead.leads and not is_elsewhere:
            if newest.file == own_view.file:
                conductor.take_lead()
        elif not self._lead.leads or is_newer(newest, own_view):
            self._follow_other(conductor, newest)
        elif newest != own_view:
            self._sharing.last = None  # another terminal has put an older one in its place
            self._sharing.share()

    def _read_newest(self, session_id: str) -> tuple[LessonView | None, bool]:
        """The lesson as it is kept, and whether another terminal gives it that has not ended."""
        stored = self._sharing.load(session_id)
        view = stored.lesson if stored is not None else None
        return view, view is not None and self._lead.is_given_elsewhere(view)

    def _follow_other(self, conductor: Conductor, newest: LessonView) -> None:
        self._sharing.gives_lesson = False
        if newest.file != conductor.progress.view.file:
            conductor.say_replaced()
        elif self._lead.leads or newest != self._sharing.lesson:
            self._sharing.lesson = newest
            conductor.follow_other(newest)

    def close(self) -> None:
        """The workbench is left: another terminal may go on with the lesson."""
        self._lead.close()

    # -- following it ------------------------------------------------------------------------

    def _look(self) -> None:
        self._surface.start(self._follow, "lesson-follow", exclusive=True)

    async def _follow(self) -> None:
        """Show what is shown in the terminal of the speaker."""
        session_id = self._state.session.session_id
        if not session_id or not self._sharing.follows:
            return
        stored = await asyncio.to_thread(self._sharing.load, session_id)
        view = stored.lesson if stored is not None else None
        if view is None:
            return
        if self._follower is None or self._follower.progress.view.file != view.file:
            lesson = self._open(view.file)
            if lesson is None or lesson.front.screen == "workbench":
                return
            from codeexec.tui.session.lessons.progress import LessonProgress
            from codeexec.tui.workbench.lessons.follower import LessonFollower

            progress = LessonProgress(lesson, view)
            self._follower = LessonFollower(self._surface, self._state, progress, self._leave)
            self._stage = self._follower
            self._surface.open_screen(self._follower.screen)
        else:
            self._follower.show(view)
