"""Changes of the documents' files by other programs: reload, or tell the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from codeexec.documents.files import Stamp
from codeexec.domain.errors import CodeexecError
from codeexec.tui.panes.documents.banner import Banner
from codeexec.tui.panes.documents.cells.stored_outputs import StoredOutputs
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.files.autosave import Autosave
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.session.ask import Failed

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
    ) -> None:
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
            message = "This has changed on disk as well as here."
            answers = [
                (answer, f"{label} {self._keys_of(command)}".strip())
                for answer, label, command in _ANSWERS
            ]
            sheet.banner.say(message, answers, warn=True)
        else:
            self.reload(sheet)

    def reload(self, sheet: DocumentView) -> None:
        """Take what is on disk; undo brings back what was here."""
        try:
            sheet.reload()
        except CodeexecError as error:
            self._host.post_message(Failed(error))
        else:
            self._autosave.discard(sheet)
        self._documents.show_tabs()
        self._stored.read(sheet)

    def settle(self, banner: Banner, answer: str) -> None:
        """Do what was chosen in the banner of a document."""
        sheet = next((sheet for sheet in self._documents if sheet.banner is banner), None)
        if sheet is None:
            return
        if answer == "reload":
            self.reload(sheet)
        elif answer == "compare":
            self._host.post_message(DocumentMessages.CompareRequested(sheet))
        elif answer == "keep":
            sheet.banner.say("")
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
