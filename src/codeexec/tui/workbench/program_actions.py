"""Actions on the application: themes, settings, other sessions, leaving."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work

from codeexec.client.api import HostClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import StopSession
from codeexec.tui.context import AppContext
from codeexec.tui.messages import Attach, Depart, ThemeChosen
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import Failed
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.theme.theme import DEFAULT
from codeexec.tui.theme.tokens import HIGH_CONTRAST
from codeexec.tui.widgets.dialogs import Choice, Chooser, Confirm
from codeexec.tui.workbench import saving
from codeexec.tui.workbench.arrangement import Arrangement

if TYPE_CHECKING:
    from codeexec.tui.options import OpenOptions
    from codeexec.tui.session.feed import Frame


class ProgramActions(Arrangement):
    """Actions on the application, posted to it as messages."""

    host: HostClient
    session: DeferredSession
    options: OpenOptions
    place: Workspace
    app_context: AppContext
    documents: DocumentsPane
    last: Frame | None
    open_paths: tuple[str, ...]

    @work(group="choose", exclusive=True)
    async def action_choose_theme(self) -> None:
        """Themes are seen as one moves over them."""
        current_key = self.app_context.theme.key

        def preview(key: str | None) -> None:
            self.post_message(ThemeChosen(key or current_key))

        choices = [_theme_choice(key, self.app_context) for key in self.app_context.themes]
        chosen = await self.app.push_screen_wait(
            Chooser("Themes", choices, current=current_key, preview=preview)
        )
        self.post_message(ThemeChosen(chosen or current_key))

    @work(group="choose", exclusive=True)
    async def action_settings(self) -> None:
        from codeexec.tui.screens.settings import SettingsScreen  # not at the start

        themes = {"appearance.theme": ["", *self.app_context.themes]}
        await self.app.push_screen_wait(SettingsScreen(self.place.folder, {}, themes))

    @work(group="choose", exclusive=True)
    async def action_sessions(self) -> None:
        from codeexec.tui.screens.sessions import SessionsScreen  # not at the start

        screen = SessionsScreen(self.host, self.session.session_id)
        chosen = await self.app.push_screen_wait(screen)
        if chosen in (None, self.session.session_id) or not await self.may_leave():
            return
        options = replace(self.options, session=chosen, attach=True, files=())
        self.post_message(Attach(options))

    @work(group="choose", exclusive=True)
    async def action_new_session(self) -> None:
        if await self.may_leave():
            paths = (str(self.place.folder), *self.open_paths)
            fresh = replace(self.options, session="", attach=False, watch=False, demo=False)
            options = replace(fresh, new=True, files=paths)
            self.post_message(Attach(options))

    def action_reconnect(self) -> None:
        self.host.retry_now()

    # -- leaving ----------------------------------------------------------------------------------

    async def may_leave(self) -> bool:
        """Whether nothing would be lost, or the person has said so."""
        unsaved = [sheet for sheet in self.documents.sheets if sheet.would_be_lost]
        if not unsaved:
            return True
        names = ", ".join(f"“{sheet.title}”" for sheet in unsaved)
        answer = await self.app.push_screen_wait(
            Confirm(
                "Some text is not saved.",
                names,
                [("save", "Save"), ("discard", "Discard"), ("stay", "Cancel")],
            )
        )
        if answer == "save":
            for sheet in unsaved:
                if not await self._is_saved(sheet):
                    return False
            return True
        if answer == "discard":
            for sheet in unsaved:
                self.documents.autosave.discard(sheet)
            return True
        return False

    async def _is_saved(self, sheet: DocumentView) -> bool:
        """Save it, with the questions that this needs; a document that needs one is shown."""
        if sheet is not self.documents.sheet:
            self.documents.front.bring(sheet)
        try:
            return await saving.save(self.app, self.documents, sheet, self.place.folder)
        except CodeexecError as error:  # the file that it is compared with is gone
            self.post_message(Failed(error))
            return False

    @work(group="ask_leave", exclusive=True)
    async def action_ask_leave(self) -> None:
        """Leave the session running, or end it; the first is what Enter means."""
        answers = [("leave", "Leave it running"), ("stop", "Stop it"), ("cancel", "Cancel")]
        message = "The session and its variables can go on without you."
        answer = await self.app.push_screen_wait(Confirm("Leave?", message, answers))
        if answer == "leave":
            self.action_detach()
        elif answer == "stop":
            self.action_stop_and_quit()

    @work(group="leave", exclusive=True)
    async def action_detach(self) -> None:
        """The session goes on; how to come back is said when the terminal is ours no more."""
        if await self.may_leave():
            await self.documents.outputs.wait()
            name = self.last.snapshot.name if self.last is not None else ""
            message = ""
            if name:
                message = f"The session {name} goes on. Come back with: codeexec-tui attach {name}"
            self.post_message(Depart(message))

    @work(group="leave", exclusive=True)
    async def action_stop_and_quit(self) -> None:
        if not await self.may_leave():
            return
        await self.documents.outputs.wait()
        try:
            await self.host.call(StopSession(self.session.session_id))
        except CodeexecError as error:
            self.post_message(Failed(error))
            return
        self.post_message(Depart(""))


def _theme_choice(key: str, app_context: AppContext) -> Choice:
    """An entry of the list of themes: dark or light, what else is special, and whether in use."""
    try:
        theme = app_context.themes[key]
    except CodeexecError as error:  # a file of the user's own is no theme
        return Choice(key, key, "cannot be read", " ", problem=str(error))
    labels = ["dark" if theme.dark else "light"]
    if theme.contrast >= HIGH_CONTRAST:
        labels.insert(0, "high contrast")
    if theme.monochrome:
        labels.insert(0, "no colour")
    if key == DEFAULT:
        labels.insert(0, "default")
    is_current = key == app_context.theme.key
    if is_current:
        labels.insert(0, "current")
    return Choice(key, theme.title, ", ".join(labels), "●" if is_current else " ")
