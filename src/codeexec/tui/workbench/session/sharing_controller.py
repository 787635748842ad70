"""Store the view of a workbench for clients that attach, and follow it in watching clients."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from textual.message import Message

from codeexec.domain.errors import Denied
from codeexec.tui.pane_registry import pane_names
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.session.lessons.lead import is_newer
from codeexec.tui.session.views import LessonView, SessionView, SessionViews
from codeexec.tui.session.watch_only import refusal
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.surface import Surface, WorkbenchState


class SharingController:
    """Writes the view of a workbench, or follows that of another through the same folder."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        panes: PaneSet,
        layout: LayoutController,
        status: StatusLine,
    ) -> None:
        self._surface = surface
        self._state = state
        self._documents = panes.documents
        self._console = panes.console
        self._layout = layout
        self._status = status
        self._views = SessionViews(state.app_context.state / "views")
        self.last: SessionView | None = None
        """The view that was stored, or shown, last."""
        self.lesson: LessonView | None = None
        """The lesson that is shown over the workbench."""
        self.gives_lesson = True
        """Whether it is kept as it is here; another terminal may give it."""
        self._writing = threading.Lock()
        self._own_view: SessionView | None = None
        """What was on screen here after it."""
        self._console_place: tuple[str, int] | None = None
        """The place in the console that was followed last."""
        self._pane = ""
        """The pane that was followed last."""
        self._shown_at = 0.0
        self.follows = state.options.watch

    def actions(self) -> Mapping[str, Handler]:
        return {"follow": self.toggle}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {CodeEditor.EditRefused: self.show_refusal}

    def show_refusal(self, event: CodeEditor.EditRefused) -> None:
        """Say why the text stays as it is when the user types."""
        event.stop()
        watches = self._state.options.watch
        self._surface.show_error(refusal() if watches else Denied("This text is read only."))

    def share_or_follow(self) -> None:
        """Called once a second."""
        if self._state.options.watch:
            self._surface.start(self.follow, "follow", exclusive=True)
        else:
            self.share()

    def show_watching(self) -> None:
        """Say in the status line that one only watches."""
        label = "watching only · following" if self.follows else "watching only · let go"
        self._status.show(watching=label if self._state.options.watch else "")

    @property
    def lesson_file(self) -> str:
        """The file of the lesson of this session; empty: it has none."""
        return self.lesson.file if self.lesson is not None else ""

    def load(self, session_id: str) -> SessionView | None:
        return self._views.load(session_id)

    def save(self) -> None:
        """Keep what is shown now."""
        if self._state.session.session_id and self._state.is_set_up:
            self.last = self._now()
            self._write_last()

    def share(self) -> None:
        """Keep what is shown now where it is another view than before: other clients watch it, or
        attach after this one was killed."""
        if not (self._state.is_set_up and self._state.session.session_id):
            return
        view, last = self._now(), self.last
        if last is not None and not self.gives_lesson:
            last = replace(last, lesson=view.lesson)
        if view != last:
            self.last = view
            self._surface.start(partial(asyncio.to_thread, self._write_last), "view")

    def _write_last(self) -> None:
        """Write the newest view, be it called in a thread or not."""
        with self._writing:
            view, session_id = self.last, self._state.session.session_id
            if view is None:
                return
            if view.lesson is not None:
                stored = self._views.load(session_id)
                newest = stored.lesson if stored is not None else None
                is_kept = not self.gives_lesson or (newest and is_newer(newest, view.lesson))
                view = replace(view, lesson=newest) if newest and is_kept else view
            self._views.save(session_id, view)

    def _now(self) -> SessionView:
        view = self._documents.shared_view.current()
        return replace(
            view,
            console=self._console.view.place,
            pane=self._layout.here,
            lesson=self.lesson,
        )

    def toggle(self) -> None:
        """Follow, or let go."""
        if not self._state.options.watch:
            self._surface.notify("Nothing to follow: this workbench was not attached with --watch.")
            return
        self.follows, self.last = not self.follows, None
        self._pane = ""
        self.show_watching()

    async def follow(self) -> None:
        """Show what the watched workbench shows; a cursor that was moved here lets go of it. The
        console goes along where it was scrolled there, and stays where it is scrolled here."""
        if not self.follows or not self._state.session.session_id or not self._state.is_set_up:
            return
        last_view = self.last
        if last_view is not None and self._has_moved(last_view):
            if self._state.app_context.key_at <= self._shown_at or self._stands_still(last_view):
                # Text that came later has moved the cursor, not the user, or the place is one of
                # text that is not here: again.
                last_view = None
            elif self._layout.here == "editor":
                self.toggle()
                return
        view = self._views.load(self._state.session.session_id)
        if view is None:
            return
        if view.console != self._console_place:
            self._console_place = view.console
            await self._console.follow_place(view.console)
        self._follow_pane(view.pane)
        if view.front and (last_view is None or not _is_alike(view, last_view)):
            await self._documents.shared_view.follow(view)
            self.last, self._shown_at = view, time.monotonic()
            self._own_view = self._documents.shared_view.current()

    def _stands_still(self, view: SessionView) -> bool:
        """Whether the editor shows what it showed when the view was followed."""
        return self._own_view is not None and not _differ(
            self._documents.shared_view.current(), self._own_view, view.front
        )

    def _has_moved(self, view: SessionView) -> bool:
        """Whether the editor shows another place than that of the view."""
        return _differ(self._documents.shared_view.current(), view, view.front)

    def _follow_pane(self, pane: str) -> None:
        """Show the pane that the watched workbench uses, where one pane is shown at a time."""
        layout = self._layout
        if not layout.is_compact and not layout.alone:
            self._pane = ""  # all panes are on screen
        elif pane != self._pane and pane in pane_names():
            self._pane = pane
            if pane != layout.here:
                layout.go(pane)


def _is_alike(view: SessionView, other: SessionView) -> bool:
    """Whether the editor shows the same in both."""
    return view == replace(other, console=view.console, pane=view.pane, lesson=view.lesson)


def _differ(own_view: SessionView, watched_view: SessionView, front: str) -> bool:
    """Whether the editor shows another document than `front`, or another place in it; not before
    the document is open."""
    own_files = {file.name: file for file in own_view.files}
    if front not in own_files:
        return False
    if own_view.front != front:
        return True
    own_file = own_files[front]
    watched_file = next((file for file in watched_view.files if file.name == front), own_file)
    return (own_file.line, own_file.column) != (watched_file.line, watched_file.column)
