"""Lists the plugins of the session, changes them, and loads those that the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from textual.message import Message

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.tui.session.ask import ask, ask_quietly
from codeexec.tui.widgets.dialogs import Asker
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState


class PluginController:
    """Plugins run code: those of a project's settings are loaded once its folder is trusted."""

    def __init__(self, surface: Surface, state: WorkbenchState) -> None:
        self._surface = surface
        self._state = state
        self._configured = ""

    def actions(self) -> Mapping[str, Handler]:
        return {"list_plugins": InWorker(self.choose)}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def choose(self) -> None:
        """Show the list."""
        from codeexec.tui.screens.plugins import PluginsScreen  # not at the start

        await self._surface.ask_user(PluginsScreen(self._state.snapshot, self.act))

    def act(self, action: str, name: str) -> None:
        """Do this with a plugin, in the background."""
        work = self._load_file if action == "load" else partial(self._perform, action, name)
        self._surface.start(work, "plugin")

    async def _load_file(self) -> None:
        hint = "A Python file, or a folder of them. Code calls a plugin by the name of its file."
        path = await self._surface.ask_user(Asker("Load a plugin", "", hint))
        if path:
            await self._load([self._state.place.folder / Path(path).expanduser()])

    async def _perform(self, action: str, name: str) -> None:
        request = q.TestPlugin(name) if action == "test" else q.UnloadPlugin(name)
        answer = await ask(self._surface, self._state.session, request)
        if answer is not None:
            self._tell(answer)

    async def load_configured(self) -> None:
        """Load the plugins that `session.plugins` names, but for those that are loaded. Called at
        the start, and when the settings have changed, such as by trust."""
        words = self._state.settings.session.plugins
        options = self._state.options
        if words == self._configured or options.watch or options.attach:
            return
        self._configured = words
        from codeexec.config.plugin_files import plugin_paths

        try:
            await self._load(plugin_paths(words, self._state.place.folder), again=False)
        except CodeexecError as error:
            self._surface.show_error(error)

    async def _load(self, paths: Sequence[Path], *, again: bool = True) -> None:
        from codeexec.config.plugin_files import read_plugins

        plugins, problems = await asyncio.to_thread(read_plugins, paths)
        for problem in problems:
            self._surface.show_error(problem)
        if again and not plugins and not problems:
            self._surface.show_error(
                UsageError("There is no Python file in this folder.", "Name a file.")
            )
        loaded: set[str] = set()
        if not again and plugins:
            listed = await ask_quietly(self._state.session, q.ListPlugins())
            loaded = {view.name for view in listed.plugins} if listed is not None else set()
        for plugin in plugins:
            if plugin.name in loaded:
                continue
            request = q.LoadPlugin(plugin.name, plugin.text, plugin.config, source=str(plugin.path))
            answer = await ask(self._surface, self._state.session, request)
            if answer is not None and (again or not answer.is_success):
                self._tell(answer)

    def _tell(self, answer: q.PluginAnswer) -> None:
        if answer.is_success:
            self._surface.notify(answer.message or "Done.", title=f"Plugin {answer.name}")
            return
        lines = [line for text in (answer.message, *answer.messages) for line in text.split("\n")]
        self._surface.show_error(
            UsageError(f"The plugin {answer.name}: {lines[-1]}", "Its message is in Plugins…")
        )
