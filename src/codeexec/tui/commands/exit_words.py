"""Exit commands of a Python shell. In a kernel they would end it and lose its variables."""

from __future__ import annotations

import re

_EXIT = re.compile(r"%?(?:exit|quit)\s*(?:\(\s*\d*\s*\))?\s*;?\s*(?:#.*)?")
"""With a status, as a magic, and with what may follow a statement."""


def leaves(code: str) -> bool:
    """Whether this code is a command to leave the program."""
    return _EXIT.fullmatch(code.strip()) is not None
