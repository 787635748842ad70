"""Changes of the documents' files by other programs: reload, or tell the user."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.documents.files import Stamp
from codeexec.domain.errors import CodeexecError
from codeexec.domain.text.printable import printable
from codeexec.tui.panes.documents.banner import Banner
from codeexec.tui.panes.documents.cells.stored_outputs import StoredOutputs
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.files.autosave import Autosave
from codeexec.tui.panes.documents.files.disk_work import (
    is_large,
    merge_in_thread,
    reload_in_thread,
)
from codeexec.tui.panes.documents.files.elsewhere import FilesElsewhere
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.render.counts import counted
from codeexec.tui.session.ask import Failed

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.cells.notebook_cells import MergeResult
    from codeexec.tui.panes.documents.document_view import DocumentView

_ANSWERS = [
    ("reload", "reload", "file.reload"),
    ("compare", "compare", "file.compare"),
    ("keep", "keep mine", "file.keep"),
]
"""An answer to a conflict, its words, and the command that does the same by key."""


class DiskChanges:
    """`keys_of` gives the keys of a command."""

    def __init__(
        self,
        host: PaneHost,
        context: PaneContext,
        documents: DocumentList,
        autosave: Autosave,
        stored: StoredOutputs,
        keys_of: Callable[[str], str],
        elsewhere: FilesElsewhere,
    ) -> None:
        self._elsewhere = elsewhere
        self._host = host
        self._context = context
        self._documents = documents
        self._autosave = autosave
        self._stored = stored
        self._keys_of = keys_of

    def notice(self, sheet: DocumentView, stamp: Stamp | None) -> None:
        """Handle a changed stamp of the file: reload the document if it has no unsaved text, else
        tell the user, once for each version."""
        if stamp == sheet.noticed:
            return
        sheet.noticed = stamp
        if stamp == sheet.document.file.stamp:
            sheet.banner.say("")
        elif stamp is None:
            message = "The file is gone from the disk: a save makes it again."
            sheet.banner.say(message, warn=True)
        elif sheet.is_changed:
            self._report_or_ask(sheet, self._merge(sheet))
        else:
            self.reload(sheet, only_whole=True)

    async def notice_beside(self, sheet: DocumentView) -> None:
        """The file may have another stamp: as `notice`, of a large notebook in a thread."""
        if not is_large(sheet):
            self.notice(sheet, Stamp.of(sheet.path))
            return
        async with sheet.disk_lock:  # it may just be saved
            stamp = await asyncio.to_thread(Stamp.of, sheet.path)
            if stamp in (None, sheet.noticed, sheet.document.file.stamp):
                self.notice(sheet, stamp)
                return
            sheet.noticed = stamp
            if sheet.is_changed or not await self._reload_large(sheet, only_whole=True):
                self._report_or_ask(sheet, await self._merge_large(sheet))

    def _report_or_ask(self, sheet: DocumentView, result: MergeResult | None) -> None:
        """Tell of a merge; where both sides have changed the same, ask."""
        if result is not None and not result.clashes:
            self._report(sheet, result)
            return
        message = "This has changed on disk as well as here."
        answers = _ANSWERS
        if result is not None:
            message = f"This has changed on disk as well as here: {_listed(result.clashes)}."
            answers = [*_ANSWERS, ("both", "keep both", "file.keep_both")]
        labels = [
            (answer, f"{label} {self._keys_of(command)}".strip())
            for answer, label, command in answers
        ]
        sheet.banner.say(message, labels, warn=True)

    def _merge(self, sheet: DocumentView, *, both: bool = False) -> MergeResult | None:
        try:
            return sheet.merge(both=both)
        except CodeexecError as error:
            self._host.post_message(Failed(error))
            return None

    async def _merge_large(self, sheet: DocumentView, *, both: bool = False) -> MergeResult | None:
        try:
            return await merge_in_thread(sheet, both=both)
        except CodeexecError as error:
            self._host.post_message(Failed(error))
            return None

    def _report(self, sheet: DocumentView, result: MergeResult) -> None:
        if result.taken:
            cells = "a cell" if result.taken == 1 else f"{result.taken} cells"
            sheet.banner.say(f"Another program has changed {cells}: merged. Undo takes that back.")
        else:
            sheet.banner.say("")
        self._documents.show_tabs()
        self._stored.read(sheet)

    def reload(self, sheet: DocumentView, *, only_whole: bool = False) -> None:
        """Take what is on disk; undo brings back what was here. With `only_whole` a notebook stays
        while the file is none."""
        try:
            self._note_reloaded(sheet, is_whole=sheet.reload(only_whole=only_whole))
        except CodeexecError as error:
            self._host.post_message(Failed(error))

    async def reload_beside(self, sheet: DocumentView) -> None:
        """The same, of a large notebook in a thread, and of a file elsewhere as it is there now."""
        if sheet.machine:
            try:
                await self._elsewhere.fetch(sheet.path, replaces=True)
            except CodeexecError as error:
                self._host.post_message(Failed(error))
                return
        if not is_large(sheet):
            self.reload(sheet)
            return
        async with sheet.disk_lock:
            await self._reload_large(sheet)

    async def _reload_large(self, sheet: DocumentView, *, only_whole: bool = False) -> bool:
        """False if the user has typed meanwhile: the text is to be merged."""
        try:
            is_whole = await reload_in_thread(sheet, only_whole=only_whole)
        except CodeexecError as error:
            self._host.post_message(Failed(error))
            return True
        if is_whole is not None:
            self._note_reloaded(sheet, is_whole=is_whole)
        return is_whole is not None

    def _note_reloaded(self, sheet: DocumentView, *, is_whole: bool) -> None:
        if not is_whole:
            message = "The file on disk is no notebook now: the text from before stays here."
            sheet.banner.say(message, warn=True)
            return
        self._autosave.discard(sheet)
        self._documents.show_tabs()
        self._stored.read(sheet)

    async def keep_both(self, sheet: DocumentView) -> None:
        """Merge a notebook with what is on disk, with both versions of cells that clash."""
        if is_large(sheet):
            async with sheet.disk_lock:
                result = await self._merge_large(sheet, both=True)
        else:
            result = self._merge(sheet, both=True)
        if result is not None:
            self._report(sheet, result)

    async def settle(self, banner: Banner, answer: str) -> None:
        """Do what was chosen in the banner of a document."""
        sheet = next((sheet for sheet in self._documents if sheet.banner is banner), None)
        if sheet is None:
            return
        if answer == "reload":
            await self.reload_beside(sheet)
        elif answer == "compare":
            self._host.post_message(DocumentMessages.CompareRequested(sheet))
        elif answer == "both":
            await self.keep_both(sheet)
        elif answer == "keep":
            sheet.keep()
        sheet.editor.focus()

    def follow(self, old_path: Path, new_path: Path | None) -> None:
        """A file or folder was renamed, or is gone (None): its documents take the new name, or
        say so."""
        for sheet in self._documents:
            if sheet.untitled or not sheet.path.is_relative_to(old_path):
                continue
            if new_path is None:
                self.notice(sheet, None)
                continue
            old_name = sheet.name_key
            if sheet.noticed is None:  # a look at the disk came between the rename and this
                sheet.banner.say("")
            sheet.follow(new_path / sheet.path.relative_to(old_path))
            sheet.former = (*sheet.former, old_name)
            self._context.kernel_focus.rename(old_name, sheet.name_key)
            self._autosave.forget(old_name)
        self._documents.show_tabs()
        self._documents.post_tabs()


def _listed(names: Sequence[str]) -> str:
    """The names of cells for a banner."""
    first = printable(names[0])[:40]
    others = len(names) - 1
    return f"“{first}”" + (f" and {counted(others, 'more cell')}" if others else "")
