"""The variable that code shows: the name that its last line is."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?:display\(\s*)?([^\W\d]\w*)\s*\)?;?")


def shown_name(code: str) -> str:
    """Empty where the last line is something else."""
    last = code.rstrip().rpartition("\n")[2].strip()
    match = _NAME.fullmatch(last)
    return match[1] if match else ""
