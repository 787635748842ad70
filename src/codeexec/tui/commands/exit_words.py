"""Exit commands of a Python shell. In a kernel they would end it and lose its variables."""

from __future__ import annotations

_WORDS = frozenset({"exit", "quit", "exit()", "quit()"})


def leaves(code: str) -> bool:
    """Whether this code is a command to leave the program."""
    return code.strip() in _WORDS
