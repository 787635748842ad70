"""Commands of the console's table and the actions on cards that they name."""

from __future__ import annotations

import inspect

import pytest
from textual.actions import parse

from codeexec.tui.commands.command import Command
from codeexec.tui.commands.table import of
from codeexec.tui.panes.console.actions import CardActions


@pytest.mark.parametrize("command", of("console"), ids=lambda command: command.id)
def test_a_command_of_the_console_is_an_action_on_cards(command: Command) -> None:
    _, action, (name, *arguments) = parse(command.action)
    assert action == "card"
    method = getattr(CardActions, str(name))
    inspect.signature(method).bind(None, *arguments)
