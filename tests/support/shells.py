"""The terminal pane of a bench: a shell whose prompt tests know, and what its screen shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from codeexec.domain.terminals import TerminalCommand
from codeexec.tui.panes.terminal.pane import TerminalPane
from support.bench import Bench

PROMPT = "$"
"""The screen of a shell that waits, without the blank behind it."""


def use_plain_bash(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have new shells be bash, without the settings of whoever runs the tests."""
    home.mkdir(exist_ok=True)
    (home / ".bashrc").write_text("PS1='$ '\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SHELL", "/bin/bash")
    for name in ("PROMPT_COMMAND", "PS1", "LS_COLORS", "HISTFILE"):
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Shell:
    """The terminal pane, which has the keys."""

    bench: Bench

    @property
    def pane(self) -> TerminalPane:
        pane = self.bench.workbench.panes.find("terminal")
        assert isinstance(pane, TerminalPane), "the pane is built after the first frame"
        return pane

    @property
    def rows(self) -> list[str]:
        """Rows of the screen, as far as there is text."""
        rows = [row.text.rstrip() for row in self.pane.view.store.screen.rows]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    async def open(self) -> Shell:
        """Go to the terminal by its key, and wait for the prompt of the shell."""
        await self.bench.press("alt+shift+h")
        await self.bench.until(
            lambda: self.bench.workbench.panes.are_complete and self.pane.input.is_inside,
            "keys go to the shell",
        )
        await self.waits()
        return self

    async def until(self, holds: Callable[[list[str]], object], what: str) -> None:
        await self.bench.until(lambda: holds(self.rows), f"{what}; the terminal: {self.rows}")

    async def waits(self) -> None:
        """The shell is at its prompt, and what its last command wrote is on the screen: the events
        of a terminal may arrive before the screen does."""

        def is_at_prompt(rows: list[str]) -> bool:
            screen, commands = self.pane.view.store.screen, self.commands
            end = commands[-1].end_row if commands else 0
            row = screen.history + screen.cursor.row
            return rows[-1:] == [PROMPT] and end is not None and row >= end

        await self.until(is_at_prompt, "a prompt")

    async def runs(self) -> None:
        """A program has the terminal: keys that are pressed before that are for the shell, which
        ignores Ctrl+Z. The event of its command has come, too."""
        await self.bench.until(lambda: self.running, "a command that runs")
        view = self.pane.current
        assert view is not None
        stat = Path(f"/proc/{view.pid}/stat")

        def has_given_the_terminal() -> bool:
            fields = stat.read_text("utf-8").rpartition(")")[2].split()
            group, in_front = fields[2], fields[5]
            return group != in_front

        await self.bench.until(has_given_the_terminal, "a program in front")

    async def sees(self, row: str) -> None:
        """A row of the screen is that text."""
        await self.until(lambda rows: row in rows, f"the row {row!r}")

    async def type(self, line: str) -> None:
        """Type a line and press Enter."""
        await self.bench.write(line)
        await self.bench.press("enter")

    async def run(self, line: str) -> list[str]:
        """Type a line, wait for the prompt after it, and return the rows of its output that are
        on the screen."""
        commands = len(self.commands)
        await self.type(line)
        await self.bench.until(
            lambda: len(self.commands) > commands and self.commands[-1].end_row is not None,
            f"the end of {line!r}",
        )
        await self.waits()
        rows = self.rows
        starts = [number for number, row in enumerate(rows) if row == f"{PROMPT} {line}"]
        return rows[starts[-1] + 1 : -1] if starts else rows[:-1]

    @property
    def commands(self) -> tuple[TerminalCommand, ...]:
        current = self.pane.current
        return current.commands if current is not None else ()

    async def leave(self) -> None:
        """Leave the program by the key that does so."""
        await self.bench.press("ctrl+right_square_bracket")
        await self.bench.until(lambda: not self.pane.input.is_inside, "left")

    @property
    def running(self) -> TerminalCommand | None:
        """The command line that runs now."""
        current = self.pane.current
        return current.running if current is not None else None
