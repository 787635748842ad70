"""Store the view of a workbench for clients that attach, and follow it in watching clients."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.tui.pane_registry import pane_names
from codeexec.tui.session.views import SessionView, SessionViews

if TYPE_CHECKING:
    from pathlib import Path

    from codeexec.tui.workbench.workbench import Workbench


class ViewSharing:
    """Writes the view of a workbench, or follows that of another through the same folder."""

    def __init__(self, workbench: Workbench, folder: Path) -> None:
        self._workbench = workbench
        self._views = SessionViews(folder)
        self.last: SessionView | None = None
        """The view that was kept, or shown, last."""
        self._console: tuple[str, int] | None = None
        """The place in the console that was followed last."""
        self._pane = ""
        """The pane that was followed last."""
        self._shown_at = 0.0
        self.follows = workbench.options.watch

    def load(self, session_id: str) -> SessionView | None:
        return self._views.load(session_id)

    def save(self) -> None:
        """Keep what is shown now."""
        workbench = self._workbench
        if workbench.session.session_id and workbench.is_set_up:
            self._views.save(workbench.session.session_id, self._now())

    def share(self) -> None:
        """Keep what is shown now where others may watch it and it is another view than before."""
        workbench = self._workbench
        is_watched = workbench.is_set_up and workbench.status.clients > 1
        if is_watched and workbench.session.session_id and (view := self._now()) != self.last:
            self.last = view
            self._views.save(workbench.session.session_id, view)

    def _now(self) -> SessionView:
        workbench = self._workbench
        view = workbench.documents.shared_view.current()
        place = workbench.console_pane.view.place
        return replace(view, console=place, pane=workbench.here)

    def toggle(self) -> None:
        """Follow, or let go."""
        self.follows, self.last = not self.follows, None
        self._pane = ""

    async def follow(self) -> None:
        """Show what the watched workbench shows; a cursor that was moved here lets go of it. The
        console goes along where it was scrolled there, and stays where it is scrolled here."""
        workbench = self._workbench
        if not self.follows or not workbench.session.session_id or not workbench.is_set_up:
            return
        last_view = self.last
        if last_view is not None and self._has_moved(last_view):
            if workbench.app_context.key_at <= self._shown_at:
                last_view = None  # text that came later has moved the cursor, not the user: again
            elif workbench.here == "editor":
                workbench.action_follow()
                return
        view = self._views.load(workbench.session.session_id)
        if view is None:
            return
        if view.console != self._console:
            self._console = view.console
            await workbench.console_pane.follow_place(view.console)
        self._follow_pane(view.pane)
        if view.front and (last_view is None or not _is_alike(view, last_view)):
            await workbench.documents.shared_view.follow(view)
            self.last, self._shown_at = view, time.monotonic()

    def _has_moved(self, view: SessionView) -> bool:
        """Whether the editor shows another place than that of the view."""
        own_view = self._workbench.documents.shared_view.current()
        if view.front not in {file.name for file in own_view.files}:
            return False
        watched_files = {file.name: file for file in view.files}
        own_files = {file.name: file for file in own_view.files}
        if own_view.front != view.front:
            return True
        own_file, watched_file = own_files[own_view.front], watched_files[own_view.front]
        return (own_file.line, own_file.column) != (watched_file.line, watched_file.column)

    def _follow_pane(self, pane: str) -> None:
        """Show the pane that the watched workbench uses, where one pane is shown at a time."""
        workbench = self._workbench
        if not workbench.is_compact and not workbench.alone:
            self._pane = ""  # all panes are on screen
        elif pane != self._pane and pane in pane_names():
            self._pane = pane
            if pane != workbench.here:
                workbench.action_go(pane)


def _is_alike(view: SessionView, other: SessionView) -> bool:
    """Whether the editor shows the same in both."""
    return view == replace(other, console=view.console, pane=view.pane)
