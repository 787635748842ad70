"""Saving of documents with the dialogs that it may need: name, overwrite, conflict on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.tui.panes.documents.files.disk_work import compared, is_large
from codeexec.tui.panes.documents.files.exporting import exported
from codeexec.tui.panes.documents.files.formatting import format_document, has_formatter
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import SaveRequested
from codeexec.tui.session.watch_only import refusal
from codeexec.tui.widgets.dialogs import Asker, Confirm
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

_EXPORT = "Export as .html, .md, .py, .ipynb or .pdf"


class SavingController:
    """Asks what must be asked before something is saved; the documents pane writes documents."""

    def __init__(self, surface: Surface, state: WorkbenchState, documents: DocumentsPane) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents

    def actions(self) -> Mapping[str, Handler]:
        return {
            "save": self.save_front,
            "save_as": InWorker(self.save_front_as),
            "format_document": self.format_front,
            "reload_file": InWorker(self.reload, "disk"),
            "compare_file": InWorker(self.compare_front),
            "keep_file": self.keep,
            "keep_both": InWorker(self.keep_both, "disk"),
            "pair_file": self.pair,
            "export_file": InWorker(self.export_front),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {
            DocumentsPane.SaveAsRequested: InWorker(lambda event: self._save_as(event.sheet)),
            DocumentsPane.ConflictFound: InWorker(self._settle_found),
            DocumentsPane.CompareRequested: InWorker(lambda event: self._compare(event.sheet)),
            SaveRequested: InWorker(self.save_content),
        }

    # -- the document in front -------------------------------------------------------------------

    async def save_front(self) -> None:
        """Save the document in front, formatted first where that is set."""
        sheet = self._documents.sheet
        is_wanted = self._state.settings.editor.format_on_save and not self._watches
        if (
            is_wanted
            and sheet is not None
            and has_formatter(sheet.language, self._documents.linter.ruff_for(sheet))
        ):
            await self._format(sheet)
        sheet = self._documents.sheet
        if sheet is None:
            return
        if is_large(sheet) or sheet.machine:
            # In a worker: keys are answered meanwhile. A second save waits for the first.
            work = partial(self._save_slow, sheet)
            self._surface.start(work, "save slow", exclusive=False)
        elif self._documents.saver.save(sheet):
            self._surface.notify(f"Saved {sheet.title}.", timeout=2)

    async def _save_slow(self, sheet: DocumentView) -> None:
        if await self._documents.saver.save_beside(sheet):
            self._surface.notify(f"Saved {sheet.title}.", timeout=2)

    async def format_front(self) -> None:
        """Format the document in front by the program for its language."""
        sheet = self._documents.sheet
        if self._watches:
            self._surface.show_error(refusal())
        elif sheet is not None and not await self._format(sheet):
            self._surface.notify(f"{sheet.title} is formatted already.", timeout=2)

    async def _format(self, sheet: DocumentView) -> bool:
        """Whether it has changed, or an error was shown."""
        try:
            return await format_document(sheet, self._documents.linter.ruff_for(sheet))
        except CodeexecError as error:
            self._surface.show_error(error)
            return True

    @property
    def _watches(self) -> bool:
        return self._documents.context.watch_only

    async def save_front_as(self) -> None:
        if self._documents.sheet is not None:
            await self._save_as(self._documents.sheet)

    async def export_front(self) -> None:
        """Write the document in front in the format that the name says which the user gives."""
        sheet, context = self._documents.sheet, self._documents.context
        if sheet is None:
            return
        if context.watch_only:
            self._surface.show_error(refusal())
            return
        proposed = sheet.path.with_suffix(".html")
        shown = proposed.name if sheet.machine else _relative(proposed)
        asker = Asker(_EXPORT, shown, with_suffix=True)
        name = await self._surface.ask_user(asker)
        if name is None:
            return
        path = self._path(name)
        form = path.suffix.lower().removeprefix(".")
        if path == sheet.path:
            self._surface.show_error(
                UsageError(f"{path.name} is the document itself.", "Save it, or choose a name.")
            )
            return
        if path.exists() and not await self._may_overwrite(path):
            return
        try:
            content = await exported(sheet, form, context.snapshot, context.session)
            await asyncio.to_thread(write_atomic, path, content)
        except CodeexecError as error:
            self._surface.show_error(error)
        else:
            self._surface.notify(f"Exported {path.name}.", timeout=3)

    def pair(self) -> None:
        """Pair the document in front with a script or a notebook of the same cells."""
        sheet = self._documents.sheet
        if sheet is None:
            return
        if sheet.machine:
            self._surface.show_error(
                UsageError(
                    f"{sheet.title} is of another machine, and only files of this one are paired.",
                    "Pair it in a workbench there.",
                )
            )
        elif sheet.untitled or sheet.path.suffix not in (".ipynb", ".py"):
            self._surface.show_error(
                UsageError(
                    "Only a notebook (.ipynb) and a script (.py) can be a pair.",
                    "Save it under such a name first.",
                )
            )
        elif (other := self._documents.saver.pair(sheet)) is not None:
            self._surface.notify(f"Paired with {other.name}: both are saved in step.", timeout=4)

    async def reload(self) -> None:
        """Take what is on disk in place of what is in the editor."""
        if (sheet := self._documents.sheet) is not None and not sheet.untitled:
            await self._documents.disk.reload_beside(sheet)

    async def compare_front(self) -> None:
        if (sheet := self._documents.sheet) is not None and not sheet.untitled:
            await self._compare(sheet)

    def keep(self) -> None:
        """Keep what is in the editor, whatever is on disk."""
        if (sheet := self._documents.sheet) is not None:
            sheet.keep()

    async def keep_both(self) -> None:
        """Take over what has changed on disk; of cells that clash, both versions stay."""
        if (sheet := self._documents.sheet) is not None and not sheet.untitled:
            await self._documents.disk.keep_both(sheet)

    # -- any document ------------------------------------------------------------------------------

    async def save(self, sheet: DocumentView) -> bool:
        """Save a document, asking what must be asked; whether it is on disk now, or as it is there.
        Raises FileProblem if the file that it is compared with is gone."""
        if sheet.untitled:
            return await self.save_as(sheet)
        if not self._documents.context.watch_only and sheet.is_outdated():
            return await self.settle_conflict(sheet)
        return await self._documents.saver.save_beside(sheet)

    async def save_as(self, sheet: DocumentView) -> bool:
        """Save a document under a name that the user gives; `.ipynb` makes it a notebook."""
        elsewhere = self._documents.elsewhere
        if elsewhere.machine and (sheet.untitled or sheet.machine):
            return await self._save_as_elsewhere(sheet)
        asker = Asker("Save as", _relative(sheet.path), with_suffix=True)  # it says the format
        name = await self._surface.ask_user(asker)
        if name is None:
            return False
        path = self._path(name)
        if path.exists() and path != sheet.path and not await self._may_overwrite(path):
            return False
        return self._documents.saver.save_as(sheet, path, overwrite=True)

    async def _save_as_elsewhere(self, sheet: DocumentView) -> bool:
        """The same in the folder of the machine that has the session's files."""
        elsewhere = self._documents.elsewhere
        present = elsewhere.path_of(sheet.path) if sheet.machine else sheet.path.name
        asker = Asker(f"Save as, on {elsewhere.machine}", present, with_suffix=True)
        name = await self._surface.ask_user(asker)
        if name is None:
            return False
        try:
            path = elsewhere.copy_of(name.strip())
            replaces = path == sheet.path or await elsewhere.exists(path)
            if replaces and path != sheet.path and not await self._may_overwrite(path):
                return False
        except CodeexecError as error:
            self._surface.show_error(error)
            return False
        saver = self._documents.saver
        is_saved = saver.save_as(sheet, path, overwrite=True)
        return is_saved and await saver.send(sheet, overwrite=replaces)

    async def _save_as(self, sheet: DocumentView) -> None:
        if await self.save_as(sheet):
            self._surface.notify(f"Saved {sheet.title}.", timeout=2)

    def _path(self, name: str) -> Path:
        return (self._state.place.folder / Path(name).expanduser()).absolute()

    async def _may_overwrite(self, path: Path) -> bool:
        answers = [("replace", "Replace"), ("cancel", "Cancel")]
        message = "The file exists. Its content is lost."
        question = Confirm(f"Replace “{path.name}”?", message, answers)
        return await self._surface.ask_user(question) == "replace"

    async def settle_conflict(self, sheet: DocumentView) -> bool:
        """Ask which version counts; whether the document and its file are the same then."""
        place = f"on {sheet.machine}" if sheet.machine else "on disk"
        answer = await self._surface.ask_user(
            Confirm(
                f"“{sheet.path.name}” has changed {place}.",
                "Another program has saved it since you opened it.",
                [
                    ("compare", "Compare"),
                    ("overwrite", "Save mine"),
                    ("reload", "Reload"),
                    ("cancel", "Cancel"),
                ],
            )
        )
        if answer == "compare":
            answer = await self._ask_after_comparing(sheet)
        return await self._settle(sheet, answer)

    async def _settle_found(self, event: DocumentsPane.ConflictFound) -> None:
        try:
            await self.settle_conflict(event.sheet)
        except CodeexecError as error:  # the file is gone meanwhile
            self._surface.show_error(error)

    async def _compare(self, sheet: DocumentView) -> None:
        try:
            await self._settle(sheet, await self._ask_after_comparing(sheet))
        except CodeexecError as error:  # the file is gone meanwhile
            self._surface.show_error(error)

    async def _ask_after_comparing(self, sheet: DocumentView) -> str | None:
        """Show what is in the editor beside what is on disk; the answer says which is meant."""
        from codeexec.tui.screens.compare import ComparingScreen  # not at the start

        theirs = await self._documents.elsewhere.fetch_theirs(sheet.path) if sheet.machine else None
        return await self._surface.ask_user(ComparingScreen(sheet.title, compared(sheet, theirs)))

    async def _settle(self, sheet: DocumentView, answer: str | None) -> bool:
        """Do what was answered to a conflict."""
        if answer == "overwrite":
            return await self._documents.saver.save_beside(sheet, overwrite=True)
        if answer == "reload":
            await self._documents.disk.reload_beside(sheet)
            return True
        return False

    # -- what panes have ---------------------------------------------------------------------------

    async def save_content(self, event: SaveRequested) -> None:
        """Write content of a pane to a file of the user's choice."""
        if self._state.options.watch:
            self._surface.show_error(refusal())
            return
        name = await self._surface.ask_user(Asker("Save as", event.name))
        if name is None:
            return
        path = self._path(name)
        if path.exists() and not await self._may_overwrite(path):
            return
        try:
            await asyncio.to_thread(write_atomic, path, event.data)
        except CodeexecError as error:
            self._surface.show_error(error)
        else:
            self._surface.notify(f"Saved {path.name}.", timeout=3)


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
