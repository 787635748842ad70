"""Opens documents in tabs: files, new ones, unsaved text of workbenches that are gone."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.documents.model import Document
from codeexec.domain.errors import CodeexecError, NotFound
from codeexec.tui.pane_registry import DOCUMENT_VIEW
from codeexec.tui.panes.documents.cells.following import CellFollower
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.files.autosave import Autosave
from codeexec.tui.panes.documents.files.elsewhere import FilesElsewhere
from codeexec.tui.panes.documents.files.recent import RecentFiles
from codeexec.tui.panes.documents.front import FrontDocument
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.session.ask import Failed
from codeexec.tui.session.watch_only import refusal

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

_UNTITLED = "untitled:"

_LARGE = 4_000_000
"""Bytes of a file that is read in a thread."""


class DocumentOpener:
    """Errors are posted, not raised."""

    def __init__(
        self,
        host: PaneHost,
        context: PaneContext,
        documents: DocumentList,
        front: FrontDocument,
        autosave: Autosave,
        cells: CellFollower,
        elsewhere: FilesElsewhere,
    ) -> None:
        self._elsewhere = elsewhere
        self._host = host
        self._context = context
        self._documents = documents
        self._front = front
        self._autosave = autosave
        self._cells = cells
        self.folder = Path.cwd()
        """Where documents without a file begin."""
        self.recent: RecentFiles | None = None
        """Where files that are opened are noted."""
        self._untitled_count = 0
        self._typed_early = ""
        self._beginning = asyncio.Lock()

    async def open(
        self, path: Path, line: int | None = None, column: int = 0
    ) -> DocumentView | None:
        """Open a file, or go to it where it is open, at a line and a column from 0; None when it
        cannot be read."""
        path = Path(os.path.normpath(path.absolute()))
        sheet = self._documents.by_key(str(path))
        document: Document | None = None
        if sheet is None:
            await _import_view()
            try:
                await self._fetch(path)
                document = await self._read(path)
            except CodeexecError as error:
                self._host.post_message(Failed(error))
                return None
            sheet = self._documents.by_key(str(path))  # it may have been opened meanwhile
        if sheet is not None:
            self._front.bring(sheet)
            self._note_recent(path)
        elif document is not None:
            sheet = await self._add_document(path, document)
        if sheet is not None and line is not None:
            sheet.go_to(line, column)
        return sheet

    def is_elsewhere(self, name_key: str) -> bool:
        """Whether another machine has the file of a document with this `name_key`."""
        return self._elsewhere.holds(Path(name_key))

    async def _fetch(self, path: Path) -> None:
        """Have a copy of what another machine has. One that was removed there opens empty where
        unsaved text of it is left. A client that only watches shows what another one has here."""
        if not self._elsewhere.holds(path) or self._context.watch_only:
            return
        try:
            await self._elsewhere.fetch(path)
        except NotFound:
            if self._autosave.find(str(path)) is None:
                raise
            await self._elsewhere.moved(path, None)

    def _note_recent(self, path: Path) -> tuple[str, ...]:
        """The name that the file had before, where it had another one."""
        if self.recent is None or self._elsewhere.holds(path):
            return ()
        return self.recent.add(path)

    @staticmethod
    async def _read(path: Path) -> Document:
        """Read a file: a small one is there at once, a large one would keep keys waiting."""
        from codeexec.tui.panes.documents.files.reading import read

        return await asyncio.to_thread(read, path) if _is_large(path) else read(path)

    async def _add_document(self, path: Path, document: Document) -> DocumentView:
        from codeexec.tui.panes.documents.document_view import DocumentView

        is_elsewhere = self._elsewhere.holds(path)
        sheet = DocumentView(
            document,
            self._context.theme,
            habits=self._context.habits,
            machine=self._elsewhere.machine if is_elsewhere else "",
        )
        sheet.former = self._note_recent(path)
        await self._add(sheet)
        if is_elsewhere and await self._elsewhere.is_unsent(path):
            sheet.is_on_disk = False
            sheet.banner.say(f"Not saved on {sheet.machine} yet. Save it again.", warn=True)
        if not self._context.watch_only:
            self._offer_swap(sheet)
        return sheet

    def _offer_swap(self, sheet: DocumentView) -> None:
        swap = self._autosave.find(sheet.name_key)
        if swap is None:
            return
        if swap.text == sheet.document.text:
            self._autosave.discard(sheet)
        else:
            self._host.post_message(DocumentMessages.SwapFound(sheet, swap))

    async def open_named(self, name_key: str) -> DocumentView | None:
        """Open a document by its `name_key`; None where there is none of that name."""
        sheet = self._documents.by_key(name_key)
        if sheet is not None:
            self._front.bring(sheet)
            return sheet
        if not name_key.startswith(_UNTITLED):
            return await self.open(Path(name_key)) if Path(name_key).is_file() else None
        swap = self._autosave.find(name_key)
        if swap is None:
            return None
        return await self._add_untitled(Path(name_key.split(":", 2)[2]), name_key, swap.text)

    async def new(
        self, text: str = "", folder: Path | None = None, suffix: str = ".py"
    ) -> DocumentView:
        """A document without a file."""
        self._untitled_count += 1
        name = f"untitled-{self._untitled_count}{suffix}"
        folder = folder or self.folder
        key = f"{_UNTITLED}{os.getpid()}:{folder / name}"
        return await self._add_untitled(folder / name, key, text)

    def begin_with(self, text: str) -> None:
        """Begin a document with what is typed where none is open."""
        if self._context.watch_only:
            self._host.post_message(Failed(refusal()))
            return
        self._typed_early += text
        self._host.run_worker(self._begin_typed(), group="choose")

    async def _begin_typed(self) -> None:
        async with self._beginning:
            if self._typed_early and self._documents.front is None:
                await self.new()
        text, self._typed_early = self._typed_early, ""
        sheet = self._documents.front
        if sheet is None or not text:
            return
        self._front.focus()
        if len(text) == 1:
            sheet.editor.type(text)  # brackets are closed, completions asked for
        else:
            sheet.editor.insert(text)

    async def _add_untitled(self, path: Path, key: str, text: str) -> DocumentView:
        await _import_view()
        from codeexec.tui.panes.documents.document_view import DocumentView
        from codeexec.tui.panes.documents.files.reading import read

        # Whatever file has that name is another document.
        document = read(path.with_name(f"{path.name}\ufffd{os.getpid()}"))
        sheet = DocumentView(
            document, self._context.theme, untitled=path.name, key=key, habits=self._context.habits
        )
        await self._add(sheet)
        sheet.follow(path)
        if text:
            sheet.restore(text)
            self._cells.show_marks(sheet)  # its cells may have run before it was left
        return sheet

    async def restore_untitled(self, folder: Path) -> int:
        """Open again what was begun in the folder and never saved, by workbenches that are gone;
        how many documents that were."""
        count = 0
        for swap in reversed(self._autosave.all()):
            kind, _, identity = swap.name.partition(":")
            number, _, place = identity.partition(":")
            is_ours = f"{kind}:" == _UNTITLED and Path(place).parent == folder
            if is_ours and not _is_alive(number) and self._documents.by_key(swap.name) is None:
                sheet = await self._add_untitled(Path(place), swap.name, swap.text)
                sheet.go_to(swap.line, swap.column)
                count += 1
        return count

    async def _add(self, sheet: DocumentView) -> None:
        sheet.id = f"sheet-{id(sheet)}"
        self._documents.add(sheet)
        if self._context.watch_only:
            sheet.freeze()
        await self._front.add(sheet)
        self._cells.begin(sheet)
        self._documents.show_tabs()
        self._documents.post_tabs()


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size > _LARGE
    except (OSError, ValueError):
        return False  # reading it says what is wrong


def _is_alive(pid: str) -> bool:
    """Whether the process that a swap names is there (ourselves count)."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


async def _import_view() -> None:
    """Import what shows documents, with the formats of notebooks. A workbench without a document
    has no use for it (1 MB), and keys would wait for it, so it is imported in a thread."""
    if DOCUMENT_VIEW not in sys.modules:
        await asyncio.to_thread(import_module, DOCUMENT_VIEW)
