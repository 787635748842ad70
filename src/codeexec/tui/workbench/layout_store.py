"""Layout, open files and states of panes, stored for the next time in the same folder."""

from __future__ import annotations

from collections.abc import Mapping

from textual.message import Message

from codeexec.tui.layout import Layouts
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.session.sharing_controller import SharingController
from codeexec.tui.workbench.surface import WorkbenchState


class LayoutStore:
    """Stores by folder; with the layout, the view of the session is stored."""

    def __init__(
        self,
        state: WorkbenchState,
        panes: PaneSet,
        layout: LayoutController,
        sharing: SharingController,
    ) -> None:
        self._state = state
        self._panes = panes
        self._layout = layout
        self._sharing = sharing
        self._layouts = Layouts(state.app_context.state / "layouts")

    def actions(self) -> Mapping[str, Handler]:
        return {}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {DocumentsPane.TabsChanged: self.note_tabs}

    def load(self) -> tuple[str, ...]:
        """Take what was stored for the folder; the files that were open."""
        folder = self._state.place.folder
        self._layout.arrangement, files = self._layouts.load(folder)
        self._panes.restore(self._layouts.load_panes(folder))
        return files

    def save(self) -> None:
        """Store what is on screen now; a workbench that only watches stores nothing."""
        if self._state.options.watch:
            return
        self._layouts.save(
            self._state.place.folder,
            self._layout.stored_arrangement,
            self._state.open_paths,
            self._panes.states(),
        )
        self._sharing.save()

    def note_tabs(self, event: DocumentsPane.TabsChanged) -> None:
        """Store which files are open at once, also for those whose terminal is killed."""
        if event.paths != self._state.open_paths:
            self._state.open_paths = event.paths
            self.save()
