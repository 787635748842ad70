"""Autosave of unsaved text to swap files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from codeexec.documents.swap import Swap, SwapStore
from codeexec.domain.errors import CodeexecError
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.session.ask import Failed

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class Autosave:
    """Writes beside the event loop, so that a slow disk is not felt at the keyboard. Without a
    store nothing is written, and nothing found."""

    def __init__(self, host: PaneHost, context: PaneContext, store: SwapStore | None) -> None:
        self._host = host
        self._context = context
        self._store = store
        self._versions: dict[str, int] = {}
        """The version of each document's text that its swap file has, by `name_key`."""
        self._has_failed = False

    def find(self, name_key: str) -> Swap | None:
        """Unsaved text of a document; reads the file."""
        return self._store.find(name_key) if self._store is not None else None

    def all(self) -> Sequence[Swap]:
        return self._store.all() if self._store is not None else ()

    def discard(self, sheet: DocumentView) -> None:
        """Remove the swap file of a document: its unsaved text is not needed any more."""
        if not self._context.watch_only:
            self.forget(sheet.name_key)

    def forget(self, name_key: str) -> None:
        """Remove the swap file of this name."""
        self._versions.pop(name_key, None)
        if self._store is not None:
            self._store.discard(name_key)

    def has_swap(self, sheet: DocumentView) -> bool:
        """Whether this pane has written unsaved text of the document."""
        return sheet.name_key in self._versions

    def is_due(self, sheet: DocumentView) -> bool:
        """Whether the document has unsaved text that its swap file lacks."""
        version = sheet.editor.model.buffer.version
        is_new = self._versions.get(sheet.name_key) != version
        is_in_copy = sheet.is_unsent and not sheet.is_changed
        return self._store is not None and sheet.would_be_lost and is_new and not is_in_copy

    def write_now(self, sheet: DocumentView) -> None:
        """Write unsaved text at once: the terminal is going away."""
        if self.is_due(sheet):
            self._write(sheet, sheet.editor.model.lines, sheet.editor.model.buffer.version)

    async def write(self, sheet: DocumentView) -> None:
        """Write unsaved text in a thread."""
        version = sheet.editor.model.buffer.version
        # Joined in the thread: in a large file that takes as long as a key.
        lines = list(sheet.editor.model.lines)
        await asyncio.to_thread(self._write, sheet, lines, version)

    def _write(self, sheet: DocumentView, lines: list[str], version: int) -> None:
        assert self._store is not None
        cursor, stamp = sheet.editor.model.cursor, sheet.document.file.stamp
        try:
            self._store.write(sheet.name_key, lines, cursor.line, cursor.column, stamp)
        except CodeexecError as error:
            if not self._has_failed:  # a full disk is news once, until it has room again
                self._has_failed = True
                self._host.post_message(Failed(error))
        else:
            self._has_failed = False
            self._versions[sheet.name_key] = version
