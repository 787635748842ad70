"""Saves documents, also under another name, with the outputs of their cells."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.documents.files import sync_file
from codeexec.documents.model import Document
from codeexec.domain.errors import CodeexecError, Conflict
from codeexec.tui.panes.documents.cells.output_saving import OutputSaver
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.files.autosave import Autosave
from codeexec.tui.panes.documents.files.disk_work import (
    is_large,
    merge_in_thread,
    save_in_thread,
)
from codeexec.tui.panes.documents.files.elsewhere import FilesElsewhere, shown_reason
from codeexec.tui.panes.documents.files.opening import DocumentOpener
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.session.ask import Failed
from codeexec.tui.session.watch_only import refusal

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class DocumentSaver:
    """Errors are posted, not raised; what the user has to decide is posted as a request."""

    def __init__(
        self,
        host: PaneHost,
        context: PaneContext,
        documents: DocumentList,
        autosave: Autosave,
        opener: DocumentOpener,
        outputs: OutputSaver,
        elsewhere: FilesElsewhere,
    ) -> None:
        self._elsewhere = elsewhere
        self._host = host
        self._context = context
        self._documents = documents
        self._autosave = autosave
        self._opener = opener
        self._outputs = outputs

    def save(self, sheet: DocumentView | None = None, *, overwrite: bool = False) -> bool:
        """Write a document (None: that in front); whether it is on disk now. One whose file is
        elsewhere is sent there after that."""
        sheet = sheet or self._documents.front
        is_saved = self._save(sheet, overwrite=overwrite)
        if is_saved and sheet is not None and sheet.machine:
            self._host.run_worker(self.send(sheet, overwrite=overwrite), group="send")
        return is_saved

    async def send(self, sheet: DocumentView, *, overwrite: bool = False) -> bool:
        """Write what was saved to the machine that has the file; whether it is there now. Where it
        is not, it stays here as it is, and a later save sends it."""
        try:
            await self._elsewhere.send(sheet.path, overwrite=overwrite)
        except Conflict:
            sheet.banner.say(f"It has changed on {sheet.machine}: not saved there.", warn=True)
            self._host.post_message(DocumentMessages.ConflictFound(sheet))
            return False
        except CodeexecError as error:
            sheet.banner.say(f"Not saved on {sheet.machine}: {shown_reason(error)}", warn=True)
            self._host.post_message(Failed(error))
            return False
        if await self._elsewhere.is_unsent(sheet.path):
            return True  # what was saved meanwhile is sent by that save
        sheet.is_on_disk = True
        sheet.banner.say("")
        if not sheet.is_changed:
            self._autosave.discard(sheet)
        self._documents.show_tabs()
        return True

    async def save_to_run(self, sheet: DocumentView) -> bool:
        """As `save_beside`, before code runs that may read the file: it is in its place, and whole,
        when this returns. That the disk has it is waited for in a thread, as this takes longer
        than the run of a short cell; until then the swap file stays."""
        if is_large(sheet) or sheet.machine:
            return await self.save_beside(sheet)
        is_saved = self._save(sheet, sync=False)
        if is_saved:
            self._host.run_worker(self._sync(sheet, sheet.document), group="sync")
        return is_saved

    async def _sync(self, sheet: DocumentView, document: Document) -> None:
        try:
            await asyncio.to_thread(sync_file, document.file)
        except CodeexecError as error:
            self._host.post_message(Failed(error))
            return
        if sheet.document.file.stamp == document.file.stamp:
            sheet.is_on_disk = True
            if not sheet.is_changed:
                self._autosave.discard(sheet)

    def _save(
        self, sheet: DocumentView | None, *, overwrite: bool = False, sync: bool = True
    ) -> bool:
        sheet = sheet or self._documents.front
        if sheet is None or not self._may_save(sheet):
            return False
        before = sheet.document
        try:
            self._save_or_merge(sheet, overwrite=overwrite, sync=sync)
        except CodeexecError as error:
            return self._report(sheet, error)
        self._finish(sheet)
        try:
            if not sheet.machine:  # the other file of a pair there is no copy of
                _save_counterpart(before, sheet.document)
        except CodeexecError as error:
            self._host.post_message(Failed(error))
        return True

    async def save_beside(self, sheet: DocumentView, *, overwrite: bool = False) -> bool:
        """The same, of a large notebook in a thread; whether it is in its place, also where that is
        elsewhere."""
        if not sheet.machine:
            return await self._save_beside(sheet, overwrite=overwrite)
        is_saved = await self._save_beside(sheet, overwrite=overwrite)
        return is_saved and await self.send(sheet, overwrite=overwrite)

    async def _save_beside(self, sheet: DocumentView, *, overwrite: bool) -> bool:
        if not is_large(sheet) or not self._may_save(sheet):
            return self._save(sheet, overwrite=overwrite)
        async with sheet.disk_lock:
            before = sheet.document
            try:
                await self._save_or_merge_large(sheet, overwrite=overwrite)
            except CodeexecError as error:
                return self._report(sheet, error)
            self._finish(sheet)
            try:
                if not sheet.machine:
                    await asyncio.to_thread(_save_counterpart, before, sheet.document)
            except CodeexecError as error:
                self._host.post_message(Failed(error))
        return True

    def _may_save(self, sheet: DocumentView) -> bool:
        """Whether it can be written; else an error, or a request for a name, is posted."""
        if self._is_refused():
            return False
        if sheet.untitled:
            self._host.post_message(DocumentMessages.SaveAsRequested(sheet))
        return not sheet.untitled

    def _report(self, sheet: DocumentView, error: CodeexecError) -> bool:
        """Post why it was not saved; False."""
        is_conflict = isinstance(error, Conflict)
        self._host.post_message(
            DocumentMessages.ConflictFound(sheet) if is_conflict else Failed(error)
        )
        return False

    def _finish(self, sheet: DocumentView) -> None:
        if sheet.is_on_disk:
            self._autosave.discard(sheet)
        if sheet.machine:
            sheet.is_on_disk = False  # until it is sent
        self._outputs.save(sheet)
        self._documents.show_tabs()

    def pair(self, sheet: DocumentView) -> Path | None:
        """Make the document one of a pair of notebook and script, and save both; the other file.
        None if it could not be saved, or is neither."""
        sheet.pair()
        from codeexec.documents.pairing import counterpart  # not before there is a document

        return counterpart(sheet.document) if self.save(sheet) else None

    def _save_or_merge(self, sheet: DocumentView, *, overwrite: bool, sync: bool) -> None:
        """Save; if another program has written other cells of a notebook, with those."""
        try:
            sheet.save(overwrite=overwrite, sync=sync)
        except Conflict:
            result = sheet.merge()
            if result is None or result.clashes:
                raise
            sheet.save(sync=sync)

    async def _save_or_merge_large(self, sheet: DocumentView, *, overwrite: bool) -> None:
        try:
            await save_in_thread(sheet, overwrite=overwrite)
        except Conflict:
            result = await merge_in_thread(sheet)
            if result is None or result.clashes:
                raise
            await save_in_thread(sheet)

    def save_as(self, sheet: DocumentView, path: Path, *, overwrite: bool = False) -> bool:
        """Write it under another name; whether it is on disk now."""
        if self._is_refused():
            return False
        path = Path(os.path.normpath(path.absolute()))
        other = self._documents.by_key(str(path))
        if other is not None and other is not sheet:
            message = f"{path.name} is open in another tab."
            next_step = "Close that tab, or choose another name."
            self._host.post_message(Failed(Conflict(message, next_step)))
            return False
        old_name = sheet.name_key
        try:
            sheet.save_as(path, overwrite=overwrite)
        except CodeexecError as error:
            self._host.post_message(Failed(error))
            return False
        sheet.machine = self._elsewhere.machine if self._elsewhere.holds(path) else ""
        sheet.is_on_disk = not sheet.machine
        self._context.kernel_focus.rename(old_name, sheet.name_key)
        self._autosave.forget(old_name)
        if self._opener.recent is not None and not sheet.machine:
            self._opener.recent.add(path, sheet.former)
        sheet.cell_states.show(self._context.snapshot)
        self._outputs.save(sheet)
        self._documents.show_tabs()
        self._documents.post_tabs()
        return True

    def _is_refused(self) -> bool:
        """Whether nothing may be written; then an error is posted."""
        if self._context.watch_only:
            self._host.post_message(Failed(refusal()))
        return self._context.watch_only


def _save_counterpart(before: Document, document: Document) -> None:
    from codeexec.documents.pairing import save_counterpart  # not before there is a document

    save_counterpart(before, document)
