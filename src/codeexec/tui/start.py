"""From the first frame to the running program: the server first, then what draws."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.client import spawn
from codeexec.config.paths import find_paths

if TYPE_CHECKING:
    from codeexec.client.spawn import Starting
    from codeexec.tui.app import OpenOptions


def start(options: OpenOptions) -> int:
    """Find or start the server, load the rest while it starts, and run. Raises CodeexecError."""
    from codeexec.tui.attaching import place_of

    place = place_of(options.files, Path.cwd())
    first: dict[str, object] | None = None
    if not options.attach:
        first = {"cwd": str(place.folder), "kernel": options.kernel, "name": options.session}
    starting = spawn.begin(find_paths(), first)
    words = asyncio.run(_run(options, starting))
    if words:
        print(words)  # noqa: T201 (the terminal is the shell's again)
    return 0


async def _run(options: OpenOptions, starting: Starting) -> str:
    from codeexec.tui.graphics.probe import Probe, ask_tmux, decide

    probe = Probe(sys.stdin.fileno(), sys.stdout.fileno())
    probe.ask()
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
        key = options.theme or theme.preferred_theme(os.environ, look.theme or None)
        answers = await probe.answers()
        setting = {"blocks": "quadrant", "off": "none", "iterm2": "auto"}.get(
            look.images, look.images
        )
        graphics = decide(
            answers, os.environ, setting=setting, tmux_client=await ask_tmux(os.environ)
        )
        equipment = Equipment(
            me=me,
            state=starting.paths.state,
            loaded=loaded,
            themes=theme.load_themes(folders),
            theme=theme.find_theme(key, folders),
            keymap=keymap.load(loaded.settings.editor.keymap, user_folder()),
            graphics=graphics,
            swaps=SwapStore(starting.paths.state / "swap"),
        )
        program = Program(host, options, equipment, cwd, probe.rest)
        return await program.run_async() or ""


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
