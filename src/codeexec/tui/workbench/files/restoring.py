"""Opens documents of another machine again, once the session says which one has its files."""

from __future__ import annotations

from collections.abc import Iterable

from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.machine_files import MachineFiles
from codeexec.tui.session.views import FileView
from codeexec.tui.workbench.surface import Surface


class ElsewhereRestorer:
    """Nothing waits for it: the machine may be slow to reach, or not at all."""

    def __init__(self, surface: Surface, documents: DocumentsPane, files: MachineFiles) -> None:
        self._surface = surface
        self._documents = documents
        self._files = files
        self._views: tuple[FileView, ...] = ()
        files.listen(self._begin)

    def remember(self, views: Iterable[FileView]) -> None:
        """Open those of these documents that are of the session's machine."""
        opener = self._documents.opener
        self._views = tuple(view for view in views if opener.is_elsewhere(view.name))
        self._begin()

    def _begin(self) -> None:
        if self._views and self._files.is_elsewhere:
            self._surface.start(self._restore, "restore elsewhere")

    async def _restore(self) -> None:
        views, self._views = self._views, ()
        await self._documents.shared_view.restore_elsewhere(views)
