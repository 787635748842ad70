"""Leaving the workbench: the session goes on or is stopped, and no unsaved text is lost unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import StopSession
from codeexec.tui.messages import Depart
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.widgets.dialogs import Confirm
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.files.saving import SavingController
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class LeavingController:
    """Posts `Depart` to the application when nothing stands in the way."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        documents: DocumentsPane,
        saving: SavingController,
    ) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents
        self._saving = saving

    def actions(self) -> Mapping[str, Handler]:
        return {
            "ask_leave": InWorker(self.ask, "ask_leave"),
            "detach": self.detach,
            "stop_and_quit": self.stop,
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def may_leave(self) -> bool:
        """Whether nothing would be lost, or the user has said so."""
        unsaved = [sheet for sheet in self._documents.sheets if sheet.would_be_lost]
        if not unsaved:
            return True
        names = ", ".join(f"“{sheet.title}”" for sheet in unsaved)
        answers = [("save", "Save"), ("discard", "Discard"), ("stay", "Cancel")]
        answer = await self._surface.ask_user(Confirm("Some text is not saved.", names, answers))
        if answer == "save":
            for sheet in unsaved:
                if not await self._is_saved(sheet):
                    return False
            return True
        if answer == "discard":
            for sheet in unsaved:
                self._documents.autosave.discard(sheet)
                if sheet.machine:
                    await self._documents.elsewhere.forget(sheet.path)
            return True
        return False

    async def _is_saved(self, sheet: DocumentView) -> bool:
        """Save it, with the questions that this needs; a document that needs one is shown."""
        if sheet is not self._documents.sheet:
            self._documents.front.bring(sheet)
        try:
            return await self._saving.save(sheet)
        except CodeexecError as error:  # the file that it is compared with is gone
            self._surface.show_error(error)
            return False

    async def ask(self) -> None:
        """Leave the session running, or end it; the first is what Enter means."""
        answers = [("leave", "Leave it running"), ("stop", "Stop it"), ("cancel", "Cancel")]
        message = "The session and its variables can go on without you."
        answer = await self._surface.ask_user(Confirm("Leave?", message, answers))
        if answer == "leave":
            self.detach()
        elif answer == "stop":
            self.stop()

    def detach(self) -> None:
        """Leave; the session goes on."""
        self._surface.start(self._detach, "leave", exclusive=True)

    def stop(self) -> None:
        """Stop the session, and leave."""
        self._surface.start(self._stop, "leave", exclusive=True)

    async def _detach(self) -> None:
        """The way back is printed when the terminal is restored."""
        if await self.may_leave():
            await self._documents.outputs.wait()
            name = self._state.snapshot.name
            message = ""
            if name:
                command = self._state.options.attach_command(name)
                message = f"The session {name} goes on. Come back with: {command}"
            self._surface.post_message(Depart(message))

    async def _stop(self) -> None:
        if not await self.may_leave():
            return
        await self._documents.outputs.wait()
        try:
            await self._state.host.call(StopSession(self._state.session.session_id))
        except CodeexecError as error:
            self._surface.show_error(error)
            return
        self._surface.post_message(Depart(""))
