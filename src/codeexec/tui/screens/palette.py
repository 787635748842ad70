"""Command palette: commands by letters of their title, with their keys."""

from __future__ import annotations

from collections.abc import Container, Sequence

from codeexec.tui.commands.command import Command
from codeexec.tui.commands.keymap import Keymap, key_words
from codeexec.tui.commands.table import scope_title
from codeexec.tui.widgets.dialogs import Choice, Chooser

_SYNONYMS = {
    "app.help": ("help", "shortcuts", "keyboard", "manual"),
    "tour.show": ("tour", "tutorial", "lesson"),
    "app.quit": ("exit", "quit", "close", "leave", "detach"),
    "app.stop_quit": ("exit", "kill session"),
    "file.open": ("open", "load"),
    "file.save": ("save", "write"),
    "kernel.clear_queue": ("clear queue",),
    "kernel.restart": ("reset", "clear variables"),
    "console.end": ("clear",),
    "app.theme": ("colours", "colors", "dark", "light"),
    "app.settings": ("preferences", "options", "config"),
}
"""Other words for what a command does, as people type them."""


class CommandChooser(Chooser):
    """Dismissed with the id of the chosen command."""

    def __init__(
        self, title: str, commands: Sequence[Command], keymap: Keymap, near: Container[str] = ()
    ) -> None:
        """Commands of places that are not `near` are told with their place."""
        choices = [
            Choice(
                command.id,
                _title(command, near),
                key_words(keymap.of(command)),
                synonyms=_SYNONYMS.get(command.id, ()),
            )
            for command in commands
        ]
        super().__init__(title, choices, placeholder="what do you want to do?")


def _title(command: Command, near: Container[str]) -> str:
    if command.where in near or command.where == "anywhere" or command.group == "run":
        return command.title
    return f"{scope_title(command.where)}: {command.title}"
