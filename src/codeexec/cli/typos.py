"""Is a word that names no file a mistyped command, or one of other programs?"""

from __future__ import annotations

import os

from codeexec.cli.main import COMMANDS

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
"""Words that other programs have as commands."""


def mistyped_command(word: str) -> str:
    """The command that was probably meant; empty for the name of a file."""
    if not word.isalpha() or os.path.exists(word):  # noqa: PTH110 (pathlib costs 5 ms)
        return ""
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    import difflib

    return next(iter(difflib.get_close_matches(word.lower(), COMMANDS, 1, _ALIKE)), "")


def refuse_mistyped(word: str) -> None:
    """Raises UsageError for a word that looks like a command."""
    if command := mistyped_command(word):
        from codeexec.domain.errors import UsageError

        raise UsageError(
            f"There is no command {word}. Did you mean {command}?",
            f"A new file of that name: codeexec-tui ./{word}",
        )
