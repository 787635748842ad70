"""Lists of commands (palette, menus, page of keys), and running a command where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from textual import events
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.geometry import Offset
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from codeexec.tui.commands.command import Command
from codeexec.tui.commands.scopes import all_places, menu, places
from codeexec.tui.commands.table import BY_ID, menu_of, pane_scopes, scope_title
from codeexec.tui.panes.documents.menus import document_menu
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.screens.palette import CommandChooser
from codeexec.tui.session.ask import CommandRequested, CopyRequested
from codeexec.tui.session.watch_only import refusal, refuses
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.dispatch import Dispatcher, Handler, InWorker
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.surface import Surface, WorkbenchState

R = TypeVar("R")


class CommandController:
    """Commands of `anywhere` go to controllers, those of panes and parts to their widgets."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        panes: PaneSet,
        layout: LayoutController,
        dispatcher: Dispatcher,
        screen: Screen[R],
    ) -> None:
        self._surface = surface
        self._state = state
        self._panes = panes
        self._layout = layout
        self._dispatcher = dispatcher
        self._screen = screen

    def actions(self) -> Mapping[str, Handler]:
        return {
            "palette": InWorker(self.open_palette),
            "menu": InWorker(self.open_menu),
            "help": InWorker(self.open_help),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {
            StatusLine.CommandClicked: self._run_clicked,
            CommandRequested: self._run_requested,
            events.Click: self.open_menu_at_pointer,
        }

    # -- running ----------------------------------------------------------------------------------

    async def run(self, command: Command, scopes: Mapping[str, DOMNode] | None = None) -> None:
        """Do what a command says, in its own pane, or in the part that is `scopes`."""
        if command.where == "anywhere":
            await self.run_anywhere(command)
            return
        app = self._screen.app
        if scopes and command.where in scopes and command.where not in pane_scopes():
            await app.run_action(command.action, default_namespace=scopes[command.where])
            return
        target = self._target(command.where)
        if target is None:
            return
        self._layout.go("console" if command.where == "prompt" else command.where)
        if command.where == "console":
            self._panes.console.view.focus()
        await app.run_action(command.action, default_namespace=target)

    async def run_anywhere(self, command: Command) -> None:
        """Do a command of the workbench; what writes is refused where one only watches."""
        if self._state.options.watch and refuses(command.action):
            self._surface.show_error(refusal())
        else:
            await self._dispatcher.run(command.action)

    def _target(self, where: str) -> Widget | None:
        """The widget that has the actions of a scope; None while there is none."""
        try:
            match where:
                case "editor":
                    sheet = self._panes.documents.sheet
                    return sheet.editor if sheet is not None else self._screen.query_one(CodeEditor)
                case "prompt":
                    return self._panes.console.prompt
                case _:
                    return self._panes.find(where) if self._panes.is_mounted(where) else None
        except NoMatches:
            return None

    async def _run_clicked(self, event: StatusLine.CommandClicked) -> None:
        await self.run(BY_ID[event.command])

    async def _run_requested(self, event: CommandRequested) -> None:
        event.stop()
        await self.run(BY_ID[event.command])

    # -- lists ------------------------------------------------------------------------------------

    async def open_palette(self) -> None:
        """Every command: those of the scopes in focus come first."""
        scopes = places(self._screen)
        await self._run_chosen("Commands", menu(tuple(scopes)), scopes)

    async def open_menu(self) -> None:
        """The commands of the pane that has the keys."""
        scopes = places(self._screen)
        near = tuple(place for place in scopes if place != "anywhere")
        commands = [command for command in menu(near) if command.where in near]
        title = " · ".join(scope_title(place) for place in near if place != "rows")
        await self._run_chosen(title, commands, scopes)

    async def _run_chosen(
        self, title: str, commands: list[Command], scopes: Mapping[str, DOMNode]
    ) -> None:
        keymap = self._state.app_context.keymap
        chooser = CommandChooser(title, commands, keymap, near=scopes)
        chosen = await self._surface.ask_user(chooser)
        if chosen is not None:
            await self.run(BY_ID[chosen], scopes)

    async def open_help(self) -> None:
        """The page of keys; a command that is chosen there is done."""
        from codeexec.tui.screens.keys import KeysScreen  # not at the start

        scopes = places(self._screen)
        keys = self._state.app_context.keymap.keys
        page = KeysScreen(keys, all_places(tuple(scopes)))
        chosen = await self._surface.ask_user(page)
        if chosen is not None:
            await self.run(BY_ID[chosen], scopes)

    def open_menu_at_pointer(self, event: events.Click) -> None:
        """The right button shows what can be done where it is pressed."""
        if event.button != 3:
            return
        widget = self._screen.get_widget_at(event.screen_x, event.screen_y)[0]
        pane = self._layout.pane_of(widget)
        if pane and pane != self._layout.here:
            self._layout.go(pane)
        is_prompt = widget is self._panes.console.prompt
        scope = "prompt" if is_prompt else pane or self._layout.here
        open_menu = partial(self._open_context_menu, scope, event.screen_offset)
        self._surface.start(open_menu, "choose", exclusive=True)

    async def _open_context_menu(self, scope: str, at: Offset) -> None:
        """What can be done in a pane, or at the prompt, in a small menu at the pointer."""
        from codeexec.tui.screens.context_menu import ContextMenu, entries  # not at the start

        is_editor = scope == "editor"
        pane_menu = document_menu(self._panes.documents) if is_editor else menu_of(scope)
        if pane_menu is None:
            return
        scopes = places(self._screen)
        rows = entries(scope, pane_menu, is_open=self._panes.documents.sheet is not None)
        keymap = self._state.app_context.keymap
        chosen = await self._surface.ask_user(ContextMenu(rows, keymap, at))
        if chosen is None:
            return
        selected = self._screen.get_selected_text() if chosen.endswith(".copy") else None
        if selected:
            self._surface.post_message(CopyRequested(selected, "The selection"))
        else:
            await self.run(BY_ID[chosen], scopes)
