"""The pane's look once a second: keep unsaved text, notice changes on disk, mirror an editor."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codeexec.documents.files import Stamp
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.files.autosave import Autosave
from codeexec.tui.panes.documents.files.disk_changes import DiskChanges

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

LOOK_EVERY = 1.0
"""Seconds between looks for text that is worth keeping, and for files that changed."""


class DocumentWatch:
    """One look at a time; a look reads and writes files in threads."""

    def __init__(
        self, context: PaneContext, documents: DocumentList, autosave: Autosave, disk: DiskChanges
    ) -> None:
        self._context = context
        self._documents = documents
        self._autosave = autosave
        self._disk = disk
        self._is_looking = False

    async def look(self) -> None:
        """Keep what is unsaved, and notice what changed on disk."""
        if self._is_looking:
            return
        self._is_looking = True
        try:
            for sheet in self._documents:
                await (self._mirror(sheet) if self._context.watch_only else self._look_at(sheet))
        finally:
            self._is_looking = False

    async def _look_at(self, sheet: DocumentView) -> None:
        if self._autosave.is_due(sheet):
            await self._autosave.write(sheet)
            if _is_kept(sheet) or sheet not in self._documents.sheets:
                self._autosave.discard(sheet)  # saved or closed in the meantime
        elif _is_kept(sheet) and self._autosave.has_swap(sheet):
            self._autosave.discard(sheet)  # undone as far as what is on disk
        if not sheet.untitled:
            stamp = await asyncio.to_thread(Stamp.of, sheet.path)
            if stamp != sheet.noticed:
                await self._disk.notice_beside(sheet)  # we may have saved meanwhile

    async def _mirror(self, sheet: DocumentView) -> None:
        """Show the text as it is being edited elsewhere: unsaved where there is such text."""
        unsaved = await asyncio.to_thread(self._autosave.find, sheet.name_key)
        if unsaved is not None:
            if unsaved.text != sheet.editor.text:
                sheet.restore(unsaved.text)
        elif not sheet.untitled:
            stamp = await asyncio.to_thread(Stamp.of, sheet.path)
            with_spare = sheet.document.text + sheet.watched_spare
            if stamp is not None and stamp != sheet.noticed:
                await self._disk.reload_beside(sheet)
            elif sheet.watched_spare and sheet.editor.text != with_spare:
                sheet.restore(with_spare)
            elif sheet.is_changed and not sheet.watched_spare:
                await self._disk.reload_beside(sheet)


def _is_kept(sheet: DocumentView) -> bool:
    """Whether the file has the text, and the disk the file: of another machine's, its copy."""
    return not sheet.is_changed and (sheet.is_on_disk or sheet.is_unsent)
