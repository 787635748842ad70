"""Titles of terminals: tabs, badge of the place, and words about how a program ended."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from codeexec.domain.places.backends import LOCAL, OVER_SSH, REMOTE
from codeexec.domain.terminals import TerminalView
from codeexec.domain.text.words import duration
from codeexec.tui.render.plain import fitted, home_path
from codeexec.tui.widgets.chrome import Tab

_ASSIGNMENT = re.compile(r"\w+=")
_LONGEST = 24
"""Cells of a title: a program chooses it."""
CONSOLE = "console"
"""Key of the tab that leads to the console."""


def name_of(terminal: TerminalView) -> str:
    """Name of a terminal: what the user or the program calls it, else its program."""
    program = PurePosixPath(terminal.command[0]).name if terminal.command else "shell"
    running = terminal.running
    started = _program_of(running.text) if running is not None else ""
    return fitted(terminal.name or started or program, _LONGEST)


def _program_of(line: str) -> str:
    """The program that a command line starts: its first word that sets no variable."""
    parts = (part for part in line.split() if not _ASSIGNMENT.match(part))
    return PurePosixPath(next(parts, "")).name


def tab_of(terminal: TerminalView, number: int) -> Tab:
    """The tab of a terminal, with a sign of how its program is."""
    sign, meaning = "", "muted"
    if terminal.state == "lost":
        sign, meaning = "?", "run.lost"
    elif terminal.state == "exited":
        is_ok = terminal.exit_code == 0
        sign, meaning = ("✓", "run.ok") if is_ok else ("✗", "run.failed")
    elif terminal.running is not None:
        sign, meaning = "▶", "run.running"
    title = f"{number} {name_of(terminal)}"
    return Tab(terminal.terminal_id, title, sign, meaning)


_PLACE_WORDS = {
    LOCAL: "local",
    OVER_SSH: "over ssh",
    REMOTE: "on the Jupyter server",
}
"""By the backend of the session's first kernel."""


def place_words(terminal: TerminalView) -> str:
    """Where the program runs: the badge."""
    return _PLACE_WORDS.get(terminal.place, f"container ({terminal.place})")


def folder_words(terminal: TerminalView, cells: int) -> str:
    """The working folder, as far as it fits."""
    folder = home_path(terminal.folder) if terminal.place == "local" else terminal.folder
    if len(folder) > cells:
        folder = "…/" + PurePosixPath(folder).name
    return fitted(folder, cells) if cells > 3 else ""


def end_words(terminal: TerminalView, *, with_time: bool = True) -> str:
    """How the program ended, and after which time."""
    if terminal.state == "lost" and terminal.joined:
        return "ended on the server, or closed there"
    if terminal.state == "lost":
        return "ended; how is not known"
    code = terminal.exit_code or 0
    text = f"ended by signal {code - 128}" if code > 128 else f"exit status {code}"
    if with_time and terminal.ended_at is not None and terminal.opened_at:
        text += f" after {duration(terminal.ended_at - terminal.opened_at)}"
    return text
