"""Marks of command lines beside the rows of a terminal: how each ended, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from codeexec.domain.terminals import TerminalCommand
from codeexec.domain.text.words import duration

_SHORT = 1.0
"""Seconds below which the time of a command that succeeded is not shown."""


class CommandMark(NamedTuple):
    """Sign in the gutter, words at the right of the row, and the meaning of both in the theme."""

    sign: str
    words: str
    meaning: str


def mark_of(command: TerminalCommand) -> CommandMark | None:
    """The mark of a command; None for one that did nothing, as an empty line."""
    if command.end_row is None:
        return CommandMark("▶", "", "run.running")
    if not command.text:
        return None
    seconds = command.ended_at - command.started_at if command.ended_at is not None else 0.0
    time = duration(seconds) if seconds >= _SHORT else ""
    if command.exit_code is None:
        return CommandMark("?", time, "run.lost")
    if not command.exit_code:
        return CommandMark("✓", time, "run.ok")
    label = " · ".join(filter(None, (f"exit {command.exit_code}", time)))
    return CommandMark("✗", label, "run.failed")


def marks_of(commands: Sequence[TerminalCommand]) -> dict[int, CommandMark]:
    """Marks by the row of the prompt. Commands whose rows `clear` has given to later ones have
    none."""
    shown: list[TerminalCommand] = []
    for command in commands:
        while shown and shown[-1].row >= command.row:
            shown.pop()
        shown.append(command)
    marks = ((command.row, mark_of(command)) for command in shown)
    return {row: mark for row, mark in marks if mark is not None}


def command_at(commands: Sequence[TerminalCommand], row: int) -> TerminalCommand | None:
    """The command to which a row belongs: its prompt, its line or its output."""
    earlier = [command for command in commands if command.row <= row and command.text]
    return earlier[-1] if earlier else None


def next_command(commands: Sequence[TerminalCommand], row: int, by: int) -> TerminalCommand | None:
    """The command above a row (`by` -1) or below it (1)."""
    typed = [command for command in commands if command.text]
    if by < 0:
        return next((command for command in reversed(typed) if command.row < row), None)
    return next((command for command in typed if command.row > row), None)
