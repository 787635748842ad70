"""Which code at the prompt asks to leave instead of ending the kernel."""

from __future__ import annotations

import pytest

from codeexec.tui.commands.exit_words import leaves


@pytest.mark.parametrize(
    "code",
    ["exit", "quit", "exit()", " quit() \n", "exit(0)", "exit ();", "%exit", "quit  # enough"],
)
def test_exit_commands_ask_to_leave(code: str) -> None:
    assert leaves(code)


@pytest.mark.parametrize(
    "code", ["exit = 1", "exit(code)", "exit?", "print(exit)", "exiting", "exit\nx", "", "%quit x"]
)
def test_other_code_runs(code: str) -> None:
    assert not leaves(code)
