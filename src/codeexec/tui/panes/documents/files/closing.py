"""Closes documents, after asking where unsaved text would be lost, and reopens the last one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.tui.panes.documents.cells.stored_outputs import StoredOutputs
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.files.autosave import Autosave
from codeexec.tui.panes.documents.files.elsewhere import FilesElsewhere
from codeexec.tui.panes.documents.files.opening import DocumentOpener
from codeexec.tui.panes.documents.front import FrontDocument
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.documents.split.halves import HalvesController

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class DocumentCloser:
    """A document that is shown in both halves loses the active half first."""

    def __init__(
        self,
        host: PaneHost,
        documents: DocumentList,
        front: FrontDocument,
        halves: HalvesController,
        autosave: Autosave,
        stored: StoredOutputs,
        opener: DocumentOpener,
        elsewhere: FilesElsewhere,
    ) -> None:
        self._elsewhere = elsewhere
        self._host = host
        self._documents = documents
        self._front = front
        self._halves = halves
        self._autosave = autosave
        self._stored = stored
        self._opener = opener
        self._closed: list[tuple[Path, int]] = []
        """Files that were closed, and the line of the cursor."""

    def request(self, sheet: DocumentView | None = None) -> None:
        """Close a document (None: that in front), after asking where that would lose something."""
        sheet = sheet or self._documents.front
        if sheet is None:
            return
        if sheet.second_view is not None:
            self._halves.close_active()
        elif sheet.would_be_lost:
            self._host.post_message(DocumentMessages.DocumentCloseRequested(sheet))
        else:
            self._host.run_worker(self.close(sheet), group="close")

    async def close(self, sheet: DocumentView) -> None:
        """Close it, with or without unsaved text."""
        sheets = self._documents.sheets
        if sheet not in sheets:
            return
        index, was_in_front = sheets.index(sheet), sheet is self._documents.front
        had_focus = sheet.has_focus_within
        self._front.forget(sheet)
        self._documents.remove(sheet)
        if not sheet.untitled:
            self._closed.append((sheet.path, sheet.editor.model.cursor.line))
        self._autosave.discard(sheet)
        self._stored.close(sheet)
        if was_in_front or len(sheets) == 1:
            self._show_another(index, had_focus)
        if sheet.machine and not sheet.is_frozen:
            await self._elsewhere.forget(sheet.path)
        await sheet.remove()
        self._documents.show_tabs()
        self._documents.post_tabs()

    def _show_another(self, index: int, had_focus: bool) -> None:
        """Show what stands where the closed document was: the other half, a neighbour in the tabs,
        or the welcome."""
        sheets, front = self._documents.sheets, self._documents.front
        if not sheets:
            self._front.show_welcome()
        elif front is None:
            self._front.bring(sheets[min(index, len(sheets) - 1)])
        elif had_focus:
            front.editor.focus()

    async def reopen(self) -> None:
        """Open the file again that was closed last."""
        while self._closed:
            path, line = self._closed.pop()
            if self._documents.by_key(str(path)) is None and self._may_reopen(path):
                await self._opener.open(path, line)
                return

    def _may_reopen(self, path: Path) -> bool:
        return self._elsewhere.holds(path) or path.exists()
