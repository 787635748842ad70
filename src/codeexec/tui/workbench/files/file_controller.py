"""Documents from anywhere: open, new, close, tabs, halves of the editor, the external editor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.documents.viewed_files import is_only_viewed, read_viewed, viewed_type
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.hostfiles.programs import editor_command
from codeexec.tablefiles.kinds import has_tables
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.widgets.dialogs import Choice, Chooser, Confirm
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.files.saving import SavingController
from codeexec.tui.workbench.files.table_files import TableFileController
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.files.pane import FilesPane


def is_viewed(path: Path) -> bool:
    """Whether the name is that of a file that is looked at and not edited."""
    return is_only_viewed(path) or has_tables(path)


class FileController:
    """Dialogs about documents; the documents pane carries out the answers. `suspend` leaves the
    terminal to another program while its context lasts; `edit_code` puts code into the document in
    front."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        documents: DocumentsPane,
        layout: LayoutController,
        saving: SavingController,
        suspend: Callable[[], AbstractContextManager[None]],
        edit_code: Callable[[str], Awaitable[None]],
    ) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents
        self._layout = layout
        self._saving = saving
        self._suspend = suspend
        self._table_files = TableFileController(surface, state, edit_code)

    def actions(self) -> Mapping[str, Handler]:
        return {
            "open_file": InWorker(self.choose_file),
            "new_file": InWorker(self.new_file),
            "close_tab": lambda: self._documents.closer.request(),
            "reopen_tab": InWorker(lambda: self._documents.closer.reopen()),
            "next_tab": lambda by: self._documents.front.step(by),
            "split": self.split,
            "other_half": self.go_to_other_half,
            "turn_split": lambda: self._documents.halves.turn(),
            "external_editor": InWorker(self.edit_outside),
            "view_file": InWorker(self.view_document),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {
            DocumentsPane.DocumentCloseRequested: InWorker(self.confirm_close),
            DocumentsPane.SwapFound: InWorker(self.offer_swap, "swap", exclusive=False),
            DocumentsPane.ChoiceRequested: InWorker(self.choose_line),
        }

    def late_messages(self) -> Mapping[type[Message], Handler]:
        """Handlers of messages whose classes are loaded after the first frame."""
        from codeexec.tui.panes.files.pane import FilesPane

        return {
            FilesPane.FileOpenRequested: InWorker(self._open_requested),
            FilesPane.FileRenamed: self.follow_renamed,
        }

    async def choose_file(self) -> None:
        from codeexec.tui.screens.open_file import OpeningScreen  # not at the start

        recent = self._documents.opener.recent
        paths = recent.paths() if recent is not None else ()
        chosen = await self._surface.ask_user(OpeningScreen(self._state.place.folder, paths))
        if chosen is not None:
            await self.open_path(chosen)

    async def open_path(self, path: Path, line: int | None = None) -> None:
        """Open a file and go there; a picture, PDF, sound, video or table in its viewer."""
        if is_viewed(path):
            await self.view(path)
        elif await self._documents.opener.open(path, line) is not None:
            self._layout.go("editor")

    async def view(self, path: Path) -> None:
        """Show a file that is no text on the full screen."""
        elsewhere = self._documents.elsewhere
        try:
            if elsewhere.holds(path):
                await elsewhere.fetch(path, replaces=True)
            if has_tables(path):
                self._table_files.open(path)
                return
            data = await asyncio.to_thread(read_viewed, path)
        except CodeexecError as error:
            self._surface.show_error(error)
            return
        self._show_content(path.name, viewed_type(path), data)

    async def view_document(self) -> None:
        """Show the open document as it looks: a table, a page, a picture; unsaved text as well."""
        sheet = self._documents.sheet
        if sheet is None:
            return
        mime = viewed_type(sheet.path)
        if not mime:
            message = f"{sheet.title} has no other look than its text."
            known = "There is one of CSV, Markdown, HTML, JSON, JSON lines and SVG."
            error = UsageError(message, known)
            self._surface.show_error(error)
            return
        self._show_content(sheet.path.name, mime, sheet.editor.text.encode("utf-8", "replace"))

    def _show_content(self, name: str, mime: str, data: bytes) -> None:
        from codeexec.tui.panes.artifacts.index import ArtifactIndex  # seldom needed
        from codeexec.tui.panes.artifacts.items import item_of_content
        from codeexec.tui.panes.artifacts.store import ArtifactStore
        from codeexec.tui.screens.viewer import ViewerScreen

        item = item_of_content(name, mime, data)
        store = ArtifactStore(self._documents, None)
        graphics = self._state.app_context.graphics
        self._surface.open_screen(ViewerScreen(ArtifactIndex(), store, item, graphics))

    async def _open_requested(self, event: FilesPane.FileOpenRequested) -> None:
        path = event.path
        try:
            if event.is_elsewhere:
                path = self._documents.elsewhere.copy_of(path.as_posix())
        except CodeexecError as error:
            self._surface.show_error(error)
            return
        await self.open_path(path)

    async def new_file(self) -> None:
        await self._documents.opener.new(folder=self._state.place.folder)
        self._layout.go("editor")

    def split(self) -> None:
        """Split the editor, or show one half alone."""
        self._layout.reveal("editor")
        self._documents.halves.toggle()

    def go_to_other_half(self) -> None:
        self._layout.reveal("editor")
        self._documents.halves.go_other()

    async def edit_outside(self) -> None:
        """Save, and leave the terminal to $EDITOR for a while."""
        sheet = self._documents.sheet
        if sheet is None or not await self._documents.saver.save_beside(sheet):
            return
        try:
            command = editor_command()
        except UsageError as error:
            self._surface.show_error(error)
            return
        with self._suspend():
            process = await asyncio.create_subprocess_exec(*command, str(sheet.path))
            await process.wait()
        self._documents.keep_unsaved()

    # -- requests of the panes -------------------------------------------------------------------

    async def confirm_close(self, event: DocumentsPane.DocumentCloseRequested) -> None:
        """Ask before a tab with unsaved text is closed."""
        sheet = event.sheet
        answer = await self._surface.ask_user(
            Confirm(
                f"“{sheet.title}” is not saved.",
                "What you typed since the last save is only here.",
                [("save", "Save"), ("discard", "Discard"), ("cancel", "Cancel")],
            )
        )
        try:
            is_saved = answer == "save" and await self._saving.save(sheet)
        except CodeexecError as error:  # the file that it is compared with is gone
            self._surface.show_error(error)
            return
        if is_saved or answer == "discard":
            await self._documents.closer.close(sheet)

    async def follow_renamed(self, event: FilesPane.FileRenamed) -> None:
        """Tabs follow a file that was renamed, and say so of one that was deleted."""
        path, target, elsewhere = event.before, event.after, self._documents.elsewhere
        if event.is_elsewhere:
            try:
                path = elsewhere.copy_of(path.as_posix())
                target = elsewhere.copy_of(target.as_posix()) if target is not None else None
                await elsewhere.moved(path, target)
            except CodeexecError as error:
                self._surface.show_error(error)
                return
        self._documents.disk.follow(path, target)

    async def offer_swap(self, event: DocumentsPane.SwapFound) -> None:
        """Offer unsaved text of an earlier workbench."""
        sheet = event.sheet
        answer = await self._surface.ask_user(
            Confirm(
                f"“{sheet.title}” has unsaved text.",
                "It was being edited when the workbench or its terminal ended.",
                [("restore", "Restore"), ("discard", "Discard")],
            )
        )
        if answer == "restore":
            sheet.restore(event.swap.text)
            sheet.go_to(event.swap.line, event.swap.column)
        elif answer == "discard":
            self._documents.autosave.discard(sheet)

    async def choose_line(self, event: DocumentsPane.ChoiceRequested) -> None:
        """Go to a cell or symbol that the user chooses from a list."""
        choices = [
            Choice(str(entry.line), entry.title, f"{entry.detail}  line {entry.line + 1}".strip())
            for entry in event.entries
        ]
        chooser = Chooser(event.title, choices, current=str(event.current))
        chosen = await self._surface.ask_user(chooser)
        if chosen is not None and (sheet := self._documents.sheet) is not None:
            sheet.go_to(int(chosen))
            sheet.editor.focus()
