"""Open the session, import the drawing modules meanwhile, and run the application."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

_PATIENCE = 0.15
"""Seconds for the terminal to answer, beside those that loading has taken."""

_STEP = 0.15
"""Seconds between signs of life."""

if TYPE_CHECKING:
    from codeexec.client.spawn import Starting
    from codeexec.config.load import Loaded
    from codeexec.tui.boot.first_frame import FirstFrame
    from codeexec.tui.boot.typeahead import FirstRun
    from codeexec.tui.context import AppContext
    from codeexec.tui.graphics.probe import TerminalReplies
    from codeexec.tui.layout import Box
    from codeexec.tui.options import OpenOptions
    from codeexec.tui.session.workspace import Workspace


class BootScreen(Struct, frozen=True):
    """Owner of the terminal until the application takes it over."""

    frame: FirstFrame
    first: FirstRun
    sign: asyncio.Task[None]

    def give_up_screen(self) -> list[Any]:
        return self.frame.give_up_screen()

    def give_way(self) -> None:
        self.sign.cancel()
        self.first.end()


class SettingsReader:
    """The settings for work in a folder, which are read when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: Loaded | None = None

    def load(self) -> Loaded:
        from codeexec.config.load import load

        self._loaded = self._loaded or load(self._folder)
        return self._loaded


async def launch(
    options: OpenOptions,
    place: Workspace,
    starting: Starting | None,
    frame: FirstFrame,
    console: Box,
    has_document: bool,
) -> str:
    """Show the session of the server that is starting, or of that in the options; returns the
    message for the end. Raises CodeexecError."""
    from codeexec.tui.graphics.probe import parse, questions

    frame.ask(questions(os.environ).encode())
    from codeexec.client.socket import SocketHost
    from codeexec.config.paths import find_paths
    from codeexec.domain.requests import ClientInfo, GetHostInfo
    from codeexec.tui.boot.background_import import Loading
    from codeexec.tui.boot.first_frame import begins_at_prompt
    from codeexec.tui.boot.typeahead import FirstRun
    from codeexec.tui.pane_registry import DOCUMENT_VIEW
    from codeexec.tui.session.attach import find_session

    me, cwd = my_name(), Path.cwd()
    address = options.server.address if options.server else None
    client = ClientInfo(me, options.only_watches, can_confirm=not options.watch)
    async with SocketHost(address, client, starting, must_answer=address is not None) as host:
        if address is not None:
            await host.call(GetHostInfo())  # what is wrong is told before the screen is drawn
        settings = SettingsReader(place.folder)
        if starting is not None and starting.is_loading():
            settings.load()  # there is time, and the session will be a new one
        find = find_session(host, options, place, lambda: settings.load().settings)
        opening = asyncio.create_task(find)
        loading = Loading("codeexec.tui.app", *([DOCUMENT_VIEW] if has_document else []))
        first = FirstRun(frame, host, opening, me, console, loading)
        if begins_at_prompt(options.files) and not options.watch:
            first.begin()
        loading.begin()
        start = BootScreen(frame, first, asyncio.create_task(_show_starting(frame)))
        try:
            await loading.finish()
            from codeexec.tui.app import WorkbenchApp
            from codeexec.tui.textual_ext.terminal_replies import keep_partial

            app_context = await _equip(options, settings.load(), frame, find_paths().state, me)
            typed = keep_partial(parse(await first.hand_over())[1])
            program = WorkbenchApp(
                host, options, app_context, cwd, typed, opening=opening, start=start
            )
            try:
                last_message = await program.run_async() or ""
            finally:
                program.let_go()
                await program.close_hosts()
        finally:
            start.give_way()
        if program.fault is not None:
            raise program.fault
        return last_message


async def _show_starting(frame: FirstFrame) -> None:
    """Nothing else moves until the workbench is there."""
    step = 0
    while True:
        await asyncio.sleep(_STEP)
        frame.show_starting(step := step + 1)


async def _equip(
    options: OpenOptions, loaded: Loaded, frame: FirstFrame, state: Path, me: str
) -> AppContext:
    """What the program's screens share, the terminal's abilities among it."""
    from codeexec.config.load import user_folder
    from codeexec.documents.swap import SwapStore
    from codeexec.tui.commands import keymap
    from codeexec.tui.context import AppContext
    from codeexec.tui.graphics.probe import ask_tmux, cell_from, cell_of_window, decide
    from codeexec.tui.theme import theme
    from codeexec.tui.theme.color_depth import TerminalColors

    look = loaded.settings.appearance
    themes = theme.Themes([theme.built_in_folder(), user_folder() / "themes"])
    key = options.theme or theme.preferred_theme(os.environ, look.theme or None)
    answers = await _answers(frame)
    setting = {"blocks": "quadrant", "off": "none", "iterm2": "auto"}.get(look.images, look.images)
    cell = cell_from(look.cell_size) or answers.cell or cell_of_window(sys.stdout.fileno())
    tmux = await ask_tmux(os.environ)
    colors = TerminalColors(os.environ, look.colors, tmux)
    colors.note(answers.true_color, answers.version)
    return AppContext(
        me=me,
        state=state,
        loaded=loaded,
        themes=themes,
        theme=themes.find(key).at(colors.depth),
        keymap=keymap.load(loaded.settings.editor.keymap, user_folder()),
        graphics=decide(answers, os.environ, setting=setting, cell=cell, tmux_client=tmux),
        swaps=SwapStore(state / "swap"),
        colors=colors,
        clusters=answers.clusters,
    )


async def _answers(frame: FirstFrame) -> TerminalReplies:
    """What the terminal has said; one that says nothing is not waited for long."""
    from codeexec.tui.graphics.probe import parse
    from codeexec.tui.textual_ext.terminal_replies import expect_answers

    deadline = time.monotonic() + _PATIENCE
    while True:
        answers, _ = parse(frame.typed)
        if not answers.complete and time.monotonic() > deadline:
            expect_answers()
            return answers
        if answers.complete:
            return answers
        await asyncio.sleep(0.005)


def my_name() -> str:
    """How others see us: the user, and the terminal where that is known."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    try:
        return f"{user}@{os.ttyname(sys.stdin.fileno()).removeprefix('/dev/')}"
    except (OSError, ValueError):
        return user
