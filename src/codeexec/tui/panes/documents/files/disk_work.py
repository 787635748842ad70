"""Saves, merges and reads again large notebooks in threads, so that keys are answered meanwhile.

What is written is captured in the event loop. What the user types meanwhile stays, as unsaved text.
One of these goes on at a time for each document (`DocumentView.disk_lock`).
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.documents.model import Document
from codeexec.domain.errors import StorageError

if TYPE_CHECKING:
    from codeexec.documents.notebook.outputs import Json
    from codeexec.tui.panes.documents.cells.notebook_cells import MergeResult
    from codeexec.tui.panes.documents.document_view import DocumentView
    from codeexec.tui.panes.editor.text.history import UndoStep

LARGE = 8_000_000
"""Bytes of a notebook that is large: writing it takes longer than a key may."""

_MOST_MERGES = 5
"""Times that a merge is worked out anew because the text has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class SaveJob:
    """What a save writes: the text, and of a notebook its cells by their places in the file and by
    their keys. `step` is the last step of history in it."""

    document: Document
    text: str
    origins: Sequence[int | Json | None]
    keys: tuple[str, ...]
    step: UndoStep | None

    @classmethod
    def of(cls, sheet: DocumentView) -> SaveJob:
        shared, cells = sheet.editor.model.shared, sheet.notebook_cells
        shared.history.close()
        if sheet.document.notebook is None:
            return cls(sheet.document, shared.to_save, (), (), shared.history.last)
        return cls(
            sheet.document, shared.to_save, cells.origins(), cells.keys(), shared.history.last
        )

    def write(self, *, overwrite: bool, sync: bool = True) -> Document:
        """The document as it is saved now. Raises Conflict, StorageError and DocumentError."""
        from codeexec.documents.formats import save_document  # not before there is a document

        return save_document(
            self.document, self.text, overwrite=overwrite, origins=self.origins, sync=sync
        )


def is_large(sheet: DocumentView) -> bool:
    stamp = sheet.document.file.stamp
    return sheet.document.notebook is not None and stamp is not None and stamp.size > LARGE


def require_idle(sheet: DocumentView) -> None:
    """Raises StorageError while the file of the document is being written or read in a thread."""
    if sheet.disk_lock.locked():
        raise StorageError(
            f"{sheet.path.name} is being written or read at the moment.", "Try again after that."
        )


def is_whole(on_disk: Document, before: Document) -> bool:
    """Whether a notebook that was read again is one, and not an emptied file; other documents are
    whole."""
    if before.notebook is None:
        return True
    is_emptied = on_disk.file.stamp is not None and on_disk.file.stamp.size == 0
    return on_disk.notebook is not None and not (is_emptied and bool(before.text.strip()))


def can_merge(document: Document, theirs: Document) -> bool:
    """Whether both are whole notebooks."""
    return theirs.notebook is not None and is_whole(theirs, document)


def compared(sheet: DocumentView, theirs: Path | None = None) -> list[str]:
    """Rows of a unified diff from the file on disk to the text in the editor; `theirs` is a copy of
    that file, where another machine has it.

    Raises DocumentError, NotFound and Denied.
    """
    on_disk = _read(theirs) if theirs else _read(sheet.path, sheet.document.file.real)
    disk_lines, editor_lines = on_disk.text.split("\n"), sheet.editor.text.split("\n")
    place = f"on {sheet.machine}" if theirs else "on disk"
    return list(difflib.unified_diff(disk_lines, editor_lines, place, "here", lineterm=""))


async def save_in_thread(sheet: DocumentView, *, overwrite: bool = False) -> None:
    """As `DocumentView.save`; the caller holds the lock."""
    sheet.trim()
    job = SaveJob.of(sheet)
    sheet.document = await asyncio.to_thread(job.write, overwrite=overwrite)
    sheet.is_on_disk = True
    sheet.note_saved(job)


async def merge_in_thread(sheet: DocumentView, *, both: bool = False) -> MergeResult | None:
    """As `DocumentView.merge`; the caller holds the lock."""
    theirs = await asyncio.to_thread(_read, sheet.path, sheet.document.file.real)
    if not can_merge(sheet.document, theirs):
        return None
    buffer = sheet.editor.model.buffer
    for _ in range(_MOST_MERGES):
        version, plan = buffer.version, sheet.notebook_cells.plan_merge(theirs, both=both)
        merged = await asyncio.to_thread(plan.merge)
        if buffer.version == version:
            return sheet.take_merge(plan, merged)
    plan = sheet.notebook_cells.plan_merge(theirs, both=both)  # the user does not stop typing
    return sheet.take_merge(plan, plan.merge())


async def reload_in_thread(sheet: DocumentView, *, only_whole: bool = False) -> bool | None:
    """As `DocumentView.reload`; the caller holds the lock. With `only_whole` nothing is done (None)
    if the user has typed meanwhile."""
    version = sheet.editor.model.buffer.version
    on_disk = await asyncio.to_thread(_read, sheet.path, sheet.document.file.real)
    if only_whole and sheet.editor.model.buffer.version != version:
        return None
    return sheet.take(on_disk, only_whole=only_whole)


def _read(path: Path, real: Path | None = None) -> Document:
    from codeexec.tui.panes.documents.files.reading import read  # not before there is a document

    return read(path, real)
