"""Marks of commands, and words about the end of commands and terminals."""

from __future__ import annotations

import pytest

from codeexec.domain.terminals import TerminalCommand, TerminalView
from codeexec.tui.panes.terminal.gutter import CommandMark, mark_of, marks_of
from codeexec.tui.panes.terminal.titles import end_words, place_words
from codeexec.tui.workbench.notify import words_for_command


@pytest.mark.parametrize(
    ("exit_code", "mark"),
    [
        (0, CommandMark("✓", "", "run.ok")),
        (3, CommandMark("✗", "exit 3", "run.failed")),
        (None, CommandMark("?", "", "run.lost")),  # the shell did not tell it
    ],
)
def test_a_mark_says_how_a_command_ended(exit_code: int | None, mark: CommandMark) -> None:
    command = TerminalCommand(1, "true", end_row=2, exit_code=exit_code)
    assert mark_of(command) == mark


@pytest.mark.parametrize(
    ("backend", "badge"),
    [
        ("local", "local"),
        ("ssh", "over ssh"),
        ("remote", "on the Jupyter server"),
        ("docker", "container (docker)"),
    ],
)
def test_the_badge_says_where_a_terminal_runs(backend: str, badge: str) -> None:
    assert place_words(TerminalView("t", ("bash",), place=backend)) == badge


def test_a_command_that_runs_and_an_empty_line() -> None:
    assert mark_of(TerminalCommand(1, "true")) == CommandMark("▶", "", "run.running")
    assert mark_of(TerminalCommand(1, "", end_row=2)) is None


def test_the_end_of_a_terminal_in_words() -> None:
    ended = TerminalView("a", ("sh",), state="exited", exit_code=3, opened_at=1.0, ended_at=3.5)
    assert end_words(ended) == "exit status 3 after 2.5 s"
    assert end_words(ended, with_time=False) == "exit status 3"


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [(0, "✓ make: done"), (2, "✗ make: exit 2"), (None, "? make: ended")],
)
def test_the_end_of_a_long_command_in_words(exit_code: int | None, words: str) -> None:
    command = TerminalCommand(
        1, "make", end_row=2, exit_code=exit_code, started_at=1.0, ended_at=81.0
    )
    assert words_for_command(command) == f"{words} after 1:20"


def test_commands_whose_rows_were_cleared_have_no_marks() -> None:
    rows = (0, 5, 9, 0, 2)
    commands = [
        TerminalCommand(number, "ls", row, row, row + 1, 0) for number, row in enumerate(rows, 1)
    ]
    assert list(marks_of(commands)) == [0, 2]
