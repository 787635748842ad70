"""Autosave of unsaved text to swap files, and detection of changes on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from textual import on

from codeexec.documents.files import Stamp
from codeexec.domain.errors import CodeexecError, StorageError
from codeexec.tui.commands.keymap import key_words
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.panes.documents.banner import Banner
from codeexec.tui.panes.documents.base import DocumentsBase
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.session.ask import Failed
from codeexec.tui.session.kernel_focus import KernelFocus

LOOK_EVERY = 1.0
"""Seconds between looks for text that is worth keeping, and for files that changed."""

_CONFLICT = [
    ("reload", "reload", "file.reload"),
    ("compare", "compare", "file.compare"),
    ("keep", "keep mine", "file.keep"),
]
"""An answer, its words, and the command that does the same by key."""


class Autosaving(DocumentsBase):
    """Writes beside the loop, so that a slow disk is not felt at the keyboard."""

    _kept: dict[str, int]
    """The version of each document's text that its swap has."""
    watch_only = False
    """Documents show what another workbench edits; nothing is written."""
    focus_of_kernels = KernelFocus()
    _cannot_keep = False
    _looking = False

    def discard_swap(self, sheet: DocumentView) -> None:
        """Its unsaved text is not wanted any more."""
        self._kept.pop(sheet.name_key, None)
        if self._swaps is not None and not self.watch_only:
            self._swaps.discard(sheet.name_key)

    def keep_unsaved(self) -> None:
        """Write at once what is unsaved: the terminal is going away."""
        for sheet in self._sheets:
            if self._wants_swap(sheet):
                self._keep(sheet, sheet.editor.model.lines, sheet.editor.model.buffer.version)

    async def look(self) -> None:
        """One round: keep what is unsaved, notice what changed on disk."""
        if self._looking:
            return
        self._looking = True
        try:
            if self.watch_only:
                await self._mirror()
                return
            for sheet in self.sheets:
                if self._wants_swap(sheet):
                    version = sheet.editor.model.buffer.version
                    # Joined there: in a big file that takes as long as a key.
                    lines = list(sheet.editor.model.lines)
                    await asyncio.to_thread(self._keep, sheet, lines, version)
                    if not sheet.is_changed or sheet not in self._sheets:
                        self.discard_swap(sheet)  # saved or closed in the meantime
                elif not sheet.is_changed and sheet.name_key in self._kept:
                    self.discard_swap(sheet)  # undone as far as what is on disk
                if not sheet.untitled:
                    now = await asyncio.to_thread(Stamp.of, sheet.path)
                    if now != sheet.noticed:
                        self.notice(sheet, Stamp.of(sheet.path))  # we may have saved meanwhile
        finally:
            self._looking = False

    async def _mirror(self) -> None:
        """Show the texts as they are being edited elsewhere: unsaved where there is such text."""
        for sheet in self.sheets:
            swap = self._swaps
            unsaved = await asyncio.to_thread(swap.find, sheet.name_key) if swap else None
            if unsaved is not None:
                if unsaved.text != sheet.editor.text:
                    sheet.restore(unsaved.text)
            elif not sheet.untitled:
                stamp = await asyncio.to_thread(Stamp.of, sheet.path)
                if sheet.is_changed or (stamp is not None and stamp != sheet.noticed):
                    self.reload(sheet)

    def _wants_swap(self, sheet: DocumentView) -> bool:
        version = sheet.editor.model.buffer.version
        is_new = self._kept.get(sheet.name_key) != version
        return self._swaps is not None and sheet.would_be_lost and is_new

    def _keep(self, sheet: DocumentView, lines: Sequence[str], version: int) -> None:
        assert self._swaps is not None
        cursor, stamp = sheet.editor.model.cursor, sheet.document.file.stamp
        try:
            text = "\n".join(lines)
            self._swaps.write(sheet.name_key, text, cursor.line, cursor.column, stamp)
        except StorageError as error:
            if not self._cannot_keep:  # a full disk is news once, until it has room again
                self._cannot_keep = True
                self.post_message(Failed(error))
        else:
            self._cannot_keep = False
            self._kept[sheet.name_key] = version

    # -- on disk --------------------------------------------------------------------------------

    def notice(self, sheet: DocumentView, now: Stamp | None) -> None:
        """Handle a changed stamp of the file: reload the document if it has no unsaved text, else
        tell the user, once for each version."""
        if now == sheet.noticed:
            return
        sheet.noticed = now
        if now == sheet.document.file.stamp:
            sheet.banner.say("")
        elif now is None:
            message = "The file is gone from the disk: a save makes it again."
            sheet.banner.say(message, warn=True)
        elif sheet.is_changed:
            message = "This has changed on disk as well as here."
            keys = self.app._keymap
            answers = [
                (answer, f"{label} {key_words(keys.get(command, BY_ID[command].keys))}".strip())
                for answer, label, command in _CONFLICT
            ]
            sheet.banner.say(message, answers, warn=True)
        else:
            self.reload(sheet)

    def reload(self, sheet: DocumentView) -> None:
        """Take what is on disk; undo brings back what was here."""
        try:
            sheet.reload()
        except CodeexecError as error:
            self.post_message(Failed(error))
        else:
            self.discard_swap(sheet)
        self.show_tabs()

    @on(Banner.AnswerChosen)
    def settle(self, event: Banner.AnswerChosen) -> None:
        event.stop()
        sheet = next((sheet for sheet in self._sheets if sheet.banner is event.banner), None)
        if sheet is None:
            return
        if event.answer == "reload":
            self.reload(sheet)
        elif event.answer == "compare":
            self.post_message(self.CompareRequested(sheet))
        elif event.answer == "keep":
            sheet.banner.say("")
        sheet.editor.focus()

    def follow(self, old_path: Path, new_path: Path | None) -> None:
        """A file or folder was renamed, or is gone: tabs go with it, and say so."""
        for sheet in self._sheets:
            if sheet.untitled or not sheet.path.is_relative_to(old_path):
                continue
            if new_path is None:
                self.notice(sheet, None)
                continue
            old = sheet.name_key
            sheet.follow(new_path / sheet.path.relative_to(old_path))
            sheet.former = (*sheet.former, old)
            self.focus_of_kernels.rename(old, sheet.name_key)
            self._kept.pop(old, None)
            if self._swaps is not None:
                self._swaps.discard(old)
        self.show_tabs()
        self.tell_tabs()
