"""The workbench in a real terminal, with a shell in its terminal pane."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from support.containers import give_away
from support.servers import Apart, wait_for
from support.tty import Tty, workbench

ENTER = "\x1bH"
LEAVE = "\x1d"
PALETTE = "\x10"
_SHELL = {"SHELL": "/bin/bash", "CODEEXEC_SESSIONS_TERMINAL_SCROLLBACK": str(64 << 20)}


@contextmanager
def terminal_bench(
    columns: int, lines: int, environ: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[Tty, Apart]]:
    """A workbench on one file, whose shells are bash with the prompt `$ `."""
    with workbench(
        {"a.py": "x = 1\n"}, columns=columns, lines=lines, environ=_SHELL | dict(environ)
    ) as (tty, apart):
        give_away(apart.work)
        (apart.folder / ".bashrc").write_text("PS1='$ '\n", "utf-8")
        tty.shows("x = 1")
        yield tty, apart


def attach(apart: Apart, *words: str, columns: int, lines: int) -> Tty:
    """A further client of the session."""
    return Tty(
        ("attach", *words),
        home=apart.folder,
        cwd=apart.work,
        columns=columns,
        lines=lines,
        env=apart.environ | _SHELL,
    )


def wait_beside(tty: Tty, holds: Callable[[], object], what: str) -> None:
    """Wait for what another process does, while the terminal is read."""

    def reads_and_holds() -> object:
        tty.idles(0.02)
        return holds()

    try:
        wait_for(reads_and_holds, what)
    except AssertionError as error:
        raise AssertionError(f"{error}; the screen shows:\n{tty.text}") from None


def kill_server(tty: Tty, apart: Apart) -> None:
    """End the server at once; the client starts the next one."""
    server = apart.pid
    assert server is not None
    os.kill(server, signal.SIGKILL)
    wait_beside(tty, lambda: apart.pid not in (None, server), "another server")


def leave(tty: Tty) -> None:
    """Leave the program, so that keys read the scrollback."""
    tty.press(LEAVE)
    tty.shows("Enter types")


def choose(tty: Tty, words: str) -> None:
    """A command by the palette."""
    tty.press(PALETTE)
    tty.shows("what do you want to do?")
    tty.press(f"{words}\r")


def export_scrollback(tty: Tty, apart: Apart) -> list[str]:
    """The lines of scrollback and screen, by the key that exports them."""
    tty.press("w")
    tty.shows("terminal.txt")
    tty.press("\r")
    path = apart.work / "terminal.txt"
    wait_beside(tty, lambda: path.exists() and path.stat().st_size, "the exported file")
    return path.read_text("utf-8").splitlines()
