"""Ends shells in which nothing runs, and that have not been used for a long time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import psutil

from codeexec.domain.places.backends import LOCAL
from codeexec.domain.terminals import TerminalView
from codeexec.session.terminals.terminal import SessionTerminal

log = logging.getLogger(__name__)


async def end_idle(
    terminals: Iterable[SessionTerminal],
    view_of: Callable[[str], TerminalView | None],
    limit: float,
) -> None:
    """End shells that had no input and no output for `limit` seconds and run no command. Each can
    be started again, below what it has shown."""
    for terminal in terminals:
        view = view_of(terminal.terminal_id)
        if view is not None and terminal.raw.idle_for >= limit and is_waiting(view):
            log.info("terminal %s was idle for %g s", terminal.terminal_id, limit)
            await terminal.stop_program()


def is_waiting(view: TerminalView) -> bool:
    """Whether this is a shell in which no command runs, as far as that is known."""
    if view.state != "running" or view.argv or view.running is not None:
        return False
    if view.has_integration or view.pid is None or view.place != LOCAL:
        return True
    try:
        return not psutil.Process(view.pid).children()
    except psutil.Error:
        return False  # it has just ended
