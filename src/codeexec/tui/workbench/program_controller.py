"""The application from anywhere: themes, settings, other sessions, the connection."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from textual.message import Message

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import ClientInfo
from codeexec.tui.context import AppContext
from codeexec.tui.messages import Attach, ThemeChosen
from codeexec.tui.theme.theme import DEFAULT
from codeexec.tui.theme.tokens import HIGH_CONTRAST
from codeexec.tui.widgets.dialogs import Choice, Chooser
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.files.leaving import LeavingController
from codeexec.tui.workbench.surface import Surface, WorkbenchState


class ProgramController:
    """Commands on the application, posted to it as messages."""

    def __init__(self, surface: Surface, state: WorkbenchState, leaving: LeavingController) -> None:
        self._surface = surface
        self._state = state
        self._leaving = leaving

    def actions(self) -> Mapping[str, Handler]:
        return {
            "choose_theme": InWorker(self.choose_theme),
            "settings": InWorker(self.show_settings),
            "sessions": InWorker(self.choose_session),
            "servers": InWorker(self.choose_server),
            "new_session": InWorker(self.begin_session),
            "reconnect": lambda: self._state.host.retry_now(),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def choose_theme(self) -> None:
        """Choose a theme from a list; the one under the cursor is shown."""
        app_context = self._state.app_context
        current_key = app_context.theme.key

        def preview(key: str | None) -> None:
            self._surface.post_message(ThemeChosen(key or current_key))

        choices = [theme_choice(key, app_context) for key in app_context.themes]
        chooser = Chooser("Themes", choices, current=current_key, preview=preview)
        chosen = await self._surface.ask_user(chooser)
        self._surface.post_message(ThemeChosen(chosen or current_key))

    async def show_settings(self) -> None:
        from codeexec.tui.screens.settings import SettingsScreen  # not at the start

        themes = {"appearance.theme": ["", *self._state.app_context.themes]}
        await self._surface.ask_user(SettingsScreen(self._state.place.folder, {}, themes))

    async def choose_session(self) -> None:
        """Attach to another session that the user chooses."""
        from codeexec.tui.screens.sessions import SessionsScreen  # not at the start

        own = self._state.session.session_id
        chosen = await self._surface.ask_user(SessionsScreen(self._state.host, own))
        if chosen in (None, own) or not await self._leaving.may_leave():
            return
        options = self._state.options._replace(session=chosen, attach=True, files=())
        self._surface.post_message(Attach(options))

    async def choose_server(self) -> None:
        """Show the last session of another server that the user chooses."""
        from codeexec.tui.session.servers import connect, target_of  # not at the start
        from codeexec.tui.workbench.session.login_controller import ask_for_line

        state = self._state
        options = state.options
        servers = {server.name: server for server in state.app_context.settings.servers}
        current_name = options.server.name if options.server else ""
        choices = [Choice("", "This machine", "", "●" if not current_name else " ")]
        choices += [
            Choice(name, name, server.url, "●" if name == current_name else " ")
            for name, server in servers.items()
        ]
        chosen = await self._surface.ask_user(Chooser("Servers", choices, current=current_name))
        if chosen is None or chosen == current_name or not await self._leaving.may_leave():
            return
        me = state.app_context.me
        client = ClientInfo(me, options.only_watches, can_confirm=not options.watch)
        try:
            target = target_of(servers[chosen]) if chosen else None
            host = await connect(target, client, partial(ask_for_line, self._surface))
        except CodeexecError as error:
            self._surface.show_error(error)
            return
        is_remote = target is not None
        changed = options._replace(server=target, session="", attach=is_remote, files=())
        self._surface.post_message(Attach(changed, host))

    async def begin_session(self) -> None:
        """Leave this session, and begin a new one with the files that are open."""
        if await self._leaving.may_leave():
            paths = (str(self._state.place.folder), *self._state.open_paths)
            options = self._state.options
            lesson = "" if options.is_tour else options.lesson
            fresh = options._replace(
                session="", attach=False, watch=False, lesson=lesson, is_tour=False
            )
            self._surface.post_message(Attach(fresh._replace(new=True, files=paths)))


def theme_choice(key: str, app_context: AppContext) -> Choice:
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
