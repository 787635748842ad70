"""Words that leave a Python shell. In a kernel they would end it and lose its variables."""

from __future__ import annotations

_WORDS = frozenset({"exit", "quit", "exit()", "quit()"})


def leaves(code: str) -> bool:
    """Whether somebody who types this wants to leave the program."""
    return code.strip() in _WORDS
