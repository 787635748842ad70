"""Notifications while the terminal is not in focus: the bell, and OSC 9."""

from __future__ import annotations

import re

from codeexec.config.model import Notify
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.terminals import TerminalCommand
from codeexec.domain.text.glyphs import EXECUTIONS
from codeexec.domain.text.printable import printable
from codeexec.domain.text.words import duration
from codeexec.tui.render.plain import fitted
from codeexec.tui.session.feed import Frame

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f;]+")


def sequence(message: str, settings: Notify, *, tmux: bool = False) -> str:
    """Bytes for the terminal: bell and notification, without characters that could end the
    sequence."""
    bell = "\a" if settings.bell else ""
    if not settings.desktop:
        return bell
    notification = f"\x1b]9;{printable(_CONTROL.sub(' ', message))[:200]}\x1b\\"
    if tmux:
        notification = f"\x1bPtmux;{notification.replace(chr(27), chr(27) * 2)}\x1b\\"
    return bell + notification


class AnswerWaits:
    """Seconds that executions waited for the user's input, which do not count as run time."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._waited: dict[str, float] = {}

    def note(self, frame: Frame, now: float) -> None:
        for key in frame.changed:
            view = frame.view(key)
            if view is not None and view.is_open and view.stdin is not None:
                self._since.setdefault(key, now)
            elif key in self._since:
                self._waited[key] = self.of(key) + now - self._since.pop(key)

    def of(self, execution_id: str) -> float:
        """Seconds that it has waited for answers."""
        return self._waited.get(execution_id, 0.0)


def long_runs(
    frame: Frame, settings: Notify, waits: AnswerWaits | None = None
) -> list[ExecutionView]:
    """Executions that ended in this frame and ran longer than the configured time, without the time
    in which they waited for an answer."""
    if not settings.after:
        return []
    waits = waits or AnswerWaits()
    ended = []
    for key in frame.changed:
        view, previous = frame.view(key), frame.before.executions.get(key)
        if view is None or previous is None or view.is_open or not previous.is_open:
            continue
        if _taken(view, waits) >= settings.after:
            ended.append(view)
    return ended


def _taken(view: ExecutionView, waits: AnswerWaits) -> float:
    taken = (view.finished_at or 0.0) - (view.started_at or view.finished_at or 0.0)
    return taken - waits.of(view.execution_id)


def words_for(view: ExecutionView, waits: AnswerWaits | None = None) -> str:
    """Such as `✓ plot: done in 1:20`."""
    title = view.cell.title if view.cell is not None and view.cell.title else ""
    title = title or fitted(view.code.strip().split("\n")[0], 40)
    taken = duration(_taken(view, waits or AnswerWaits()))
    ok = view.status == "ok"
    mark = EXECUTIONS["ok" if ok else "error"]
    return f"{mark} {title}: {'done' if ok else view.status} after {taken}"


def long_commands(frame: Frame, settings: Notify) -> list[tuple[str, TerminalCommand]]:
    """Commands of shells that ended in this frame and took longer than the configured time, each
    with the id of its terminal."""
    if not settings.after:
        return []
    ended = []
    for terminal_id, terminal in frame.snapshot.terminals.items():
        previous = frame.before.terminals.get(terminal_id)
        was_running = previous.running if previous is not None else None
        if previous is terminal or was_running is None:
            continue
        for command in terminal.commands:
            taken = (command.ended_at or command.started_at) - command.started_at
            if command.number == was_running.number and taken >= settings.after:
                ended.append((terminal_id, command))
    return ended


def words_for_command(command: TerminalCommand) -> str:
    """Such as `✗ make: exit 2 after 1:20`."""
    taken = duration((command.ended_at or command.started_at) - command.started_at)
    if command.exit_code is None:
        mark, end = EXECUTIONS["lost"], "ended"
    elif command.exit_code:
        mark, end = EXECUTIONS["error"], f"exit {command.exit_code}"
    else:
        mark, end = EXECUTIONS["ok"], "done"
    return f"{mark} {fitted(command.text, 40)}: {end} after {taken}"
