"""Actions on files from anywhere: open, save, close, with their dialogs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.hostfiles.programs import editor_command
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import Failed, SaveRequested
from codeexec.tui.session.watch_only import refusal
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.widgets.dialogs import Asker, Choice, Chooser, Confirm
from codeexec.tui.workbench import saving
from codeexec.tui.workbench.arrangement import Arrangement

if TYPE_CHECKING:
    from codeexec.tui.panes.files.pane import FilesPane


class DocumentActions(Arrangement):
    """Dialogs about documents; the documents pane carries out the answers."""

    documents: DocumentsPane
    place: Workspace

    @work(group="choose", exclusive=True)
    async def action_open_file(self) -> None:
        from codeexec.tui.screens.open_file import OpeningScreen  # not at the start

        recent = self.documents.opener.recent
        paths = recent.paths() if recent is not None else ()
        chosen = await self.app.push_screen_wait(OpeningScreen(self.place.folder, paths))
        if chosen is not None:
            await self.open_path(chosen)

    async def open_path(self, path: Path, line: int | None = None) -> None:
        """Open a file and go there."""
        if await self.documents.opener.open(path, line) is not None:
            self.action_go("editor")

    @work(group="choose", exclusive=True)
    async def action_new_file(self) -> None:
        await self.documents.opener.new(folder=self.place.folder)
        self.action_go("editor")

    def action_save(self) -> None:
        if self.documents.saver.save() and (sheet := self.documents.sheet) is not None:
            self.notify(f"Saved {sheet.title}.", timeout=2)

    def action_save_as(self) -> None:
        if self.documents.sheet is not None:
            self.ask_name(self.documents.sheet)

    @work(group="choose", exclusive=True)
    async def ask_name(self, sheet: DocumentView) -> None:
        """Save a document under a name that the person gives; `.ipynb` makes it a notebook."""
        if await saving.save_as(self.app, self.documents, sheet, self.place.folder):
            self.notify(f"Saved {sheet.title}.", timeout=2)

    def action_reload_file(self) -> None:
        if (sheet := self.documents.sheet) is not None and not sheet.untitled:
            self.documents.disk.reload(sheet)

    def action_compare_file(self) -> None:
        if (sheet := self.documents.sheet) is not None and not sheet.untitled:
            self.documents.post_message(DocumentsPane.CompareRequested(sheet))

    def action_keep_file(self) -> None:
        if (sheet := self.documents.sheet) is not None:
            sheet.banner.say("")

    def action_close_tab(self) -> None:
        self.documents.closer.request()

    @work(group="choose", exclusive=True)
    async def action_reopen_tab(self) -> None:
        await self.documents.closer.reopen()

    def action_next_tab(self, by: int) -> None:
        self.documents.front.step(by)

    def action_split(self) -> None:
        self.reveal("editor")
        self.documents.halves.toggle()

    def action_other_half(self) -> None:
        self.reveal("editor")
        self.documents.halves.go_other()

    def action_turn_split(self) -> None:
        self.documents.halves.turn()

    @work(group="choose", exclusive=True)
    async def action_external_editor(self) -> None:
        """Save, and leave the terminal to $EDITOR for a while."""
        sheet = self.documents.sheet
        if sheet is None or not self.documents.saver.save(sheet):
            return
        try:
            command = editor_command()
        except UsageError as error:
            self.post_message(Failed(error))
            return
        with self.app.suspend():
            process = await asyncio.create_subprocess_exec(*command, str(sheet.path))
            await process.wait()
        self.documents.keep_unsaved()

    # -- what the pane asks -------------------------------------------------------------------

    @on(DocumentsPane.DocumentCloseRequested)
    @work(group="choose", exclusive=True)
    async def confirm_close(self, event: DocumentsPane.DocumentCloseRequested) -> None:
        sheet = event.sheet
        answer = await self.app.push_screen_wait(
            Confirm(
                f"“{sheet.title}” is not saved.",
                "What you typed since the last save is only here.",
                [("save", "Save"), ("discard", "Discard"), ("cancel", "Cancel")],
            )
        )
        if answer == "discard" or (
            answer == "save"
            and await saving.save(self.app, self.documents, sheet, self.place.folder)
        ):
            await self.documents.closer.close(sheet)

    @on(DocumentsPane.SaveAsRequested)
    def pass_name(self, event: DocumentsPane.SaveAsRequested) -> None:
        self.ask_name(event.sheet)

    @on(DocumentsPane.ConflictFound)
    @work(group="choose", exclusive=True)
    async def settle_conflict(self, event: DocumentsPane.ConflictFound) -> None:
        try:
            await saving.settle_conflict(self.app, self.documents, event.sheet)
        except CodeexecError as error:  # the file is gone meanwhile
            self.post_message(Failed(error))

    @on(DocumentsPane.CompareRequested)
    @work(group="choose", exclusive=True)
    async def compare(self, event: DocumentsPane.CompareRequested) -> None:
        try:
            answer = await saving.compare(self.app, event.sheet)
            saving.settle(self.documents, event.sheet, answer)
        except CodeexecError as error:  # the file is gone meanwhile
            self.post_message(Failed(error))

    def on_files_pane_file_renamed(self, event: FilesPane.FileRenamed) -> None:
        """Tabs follow a file that was renamed, and say so of one that was deleted."""
        self.documents.disk.follow(event.before, event.after)

    @on(DocumentsPane.SwapFound)
    @work(group="swap")
    async def offer_swap(self, event: DocumentsPane.SwapFound) -> None:
        sheet = event.sheet
        answer = await self.app.push_screen_wait(
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
            self.documents.autosave.discard(sheet)

    @on(DocumentsPane.ChoiceRequested)
    @work(group="choose", exclusive=True)
    async def choose_line(self, event: DocumentsPane.ChoiceRequested) -> None:
        choices = [
            Choice(str(entry.line), entry.title, f"{entry.detail}  line {entry.line + 1}".strip())
            for entry in event.entries
        ]
        chooser = Chooser(event.title, choices, current=str(event.current))
        chosen = await self.app.push_screen_wait(chooser)
        if chosen is not None and (sheet := self.documents.sheet) is not None:
            sheet.go_to(int(chosen))
            sheet.editor.focus()

    @work(group="choose", exclusive=True)
    async def on_files_pane_file_open_requested(self, event: FilesPane.FileOpenRequested) -> None:
        await self.open_path(event.path)

    @on(SaveRequested)
    @work(group="choose", exclusive=True)
    async def save_content(self, event: SaveRequested) -> None:
        """Write what a pane has to a file of the person's choice."""
        if self.documents.context.watch_only:
            self.post_message(Failed(refusal()))
            return
        name = await self.app.push_screen_wait(Asker("Save as", event.name))
        if name is None:
            return
        path = (self.place.folder / Path(name).expanduser()).absolute()
        if path.exists() and not await saving.may_overwrite(self.app, path):
            return
        try:
            await asyncio.to_thread(write_atomic, path, event.data)
        except CodeexecError as error:
            self.post_message(Failed(error))
        else:
            self.notify(f"Saved {path.name}.", timeout=3)
