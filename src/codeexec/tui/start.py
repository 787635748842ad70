"""From the first frame to the running program: the server first, then what draws."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.client import spawn
from codeexec.config.paths import find_paths
from codeexec.domain.errors import UsageError

_PATIENCE = 0.15
"""Seconds for the terminal to answer, beside those that the imports have taken."""

if TYPE_CHECKING:
    from codeexec.client.spawn import Starting
    from codeexec.tui.app import OpenOptions
    from codeexec.tui.attaching import Place
    from codeexec.tui.first_paint import FirstFrame
    from codeexec.tui.graphics.probe import Answers


def start(options: OpenOptions, frame: FirstFrame | None) -> str:
    """Find or start the server, load the rest while it starts, and run; what is to be said at
    the end. Raises CodeexecError."""
    if frame is None:
        raise UsageError("The workbench needs a terminal.", "`codeexec-tui run` works without one.")
    from codeexec.tui.attaching import place_of

    place = place_of(options.files, Path.cwd())
    first: dict[str, object] | None = None
    if not options.attach:
        first = {"cwd": str(place.folder), "kernel": options.kernel, "name": options.session}
        if options.docker is not None:
            first["backend"] = "docker"
    starting = spawn.begin(find_paths(), first)
    _show_document(frame, place, starting.paths.state)
    return asyncio.run(_run(options, starting, frame))


def _show_document(frame: FirstFrame, place: Place, state: Path) -> None:
    """Show the text of what is opened, long before there is an editor to do so."""
    from codeexec.tui.first_text import document_text, front_document
    from codeexec.tui.layout import Layouts

    columns, lines = frame.size
    layout, kept = Layouts(state / "layouts").load(place.folder, columns)
    path = front_document(place.files, kept)
    if path is not None:
        frame.show(document_text(path, columns, lines, layout))


async def _run(options: OpenOptions, starting: Starting, frame: FirstFrame) -> str:
    from codeexec.tui.graphics.probe import (
        QUESTIONS,
        ask_tmux,
        cell_from,
        cell_of_window,
        decide,
        parse,
    )

    frame.ask(QUESTIONS.encode())
    from codeexec.client.socket import SocketHost
    from codeexec.config.load import load, user_folder
    from codeexec.documents.swap import SwapStore
    from codeexec.domain.requests import ClientInfo
    from codeexec.tui import keymap, theme
    from codeexec.tui.equipment import Equipment
    from codeexec.tui.program import Program

    me = my_name()
    async with SocketHost(client=ClientInfo(me, options.watch), starting=starting) as host:
        cwd = Path.cwd()
        loaded = load(cwd)
        look = loaded.settings.appearance
        folders = [theme.built_in_folder(), user_folder() / "themes"]
        themes = theme.Themes(folders)
        key = options.theme or theme.preferred_theme(os.environ, look.theme or None)
        answers = await _answers(frame)
        setting = {"blocks": "quadrant", "off": "none", "iterm2": "auto"}.get(
            look.images, look.images
        )
        cell = cell_from(look.cell_size) or answers.cell or cell_of_window(sys.stdout.fileno())
        tmux = await ask_tmux(os.environ)
        graphics = decide(answers, os.environ, setting=setting, cell=cell, tmux_client=tmux)
        equipment = Equipment(
            me=me,
            state=starting.paths.state,
            loaded=loaded,
            themes=themes,
            theme=themes.find(key),
            keymap=keymap.load(loaded.settings.editor.keymap, user_folder()),
            graphics=graphics,
            swaps=SwapStore(starting.paths.state / "swap"),
        )
        program = Program(host, options, equipment, cwd, parse(frame.hand_over())[1])
        words = await program.run_async() or ""
        if program.fault is not None:
            raise program.fault
        return words


async def _answers(frame: FirstFrame) -> Answers:
    """What the terminal has said; one that says nothing is not waited for long."""
    from codeexec.tui.graphics.probe import parse

    deadline = time.monotonic() + _PATIENCE
    while True:
        answers, _ = parse(frame.typed)
        if answers.complete or time.monotonic() > deadline:
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
