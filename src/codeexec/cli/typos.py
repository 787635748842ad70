"""Suggests a command for an argument that is neither a file nor a command."""

from __future__ import annotations

import os

from codeexec.cli.command_table import COMMANDS

_ALIKE = 0.75

_WORDS = {
    "help": "--help",
    "version": "--version",
    "list": "sessions",
    "ls": "sessions",
    "ps": "sessions",
    "tour": "demo",
    "tutorial": "demo",
    "settings": "config",
    "images": "docker",
}
"""Commands of other programs, and the equivalent here."""


def mistyped_command(word: str) -> str:
    """The command that the user probably meant; empty for a file name."""
    if not word.isalpha() or os.path.exists(word):  # noqa: PTH110 (pathlib costs 5 ms)
        return ""
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    import difflib

    return next(iter(difflib.get_close_matches(word.lower(), COMMANDS, 1, _ALIKE)), "")


def refuse_mistyped(word: str) -> None:
    """Raise UsageError for a word that looks like a mistyped command."""
    if command := mistyped_command(word):
        from codeexec.domain.errors import UsageError

        raise UsageError(
            f"There is no command {word}. Did you mean {command}?",
            f"To open a new file of that name: codeexec-tui ./{word}",
        )
