"""Lines of code that are emphasised, as the words of a fence name them: `{3}` or `{1,4-6}`."""

from __future__ import annotations

import re

LineRange = tuple[int, int]
"""First and last line, from 1."""

_MARKS = re.compile(r"\{\s*(\d+(?:-\d+)?(?:\s*,\s*\d+(?:-\d+)?)*)\s*\}")


def take_marks(fence_info: str) -> tuple[str, tuple[LineRange, ...]]:
    """The words of a fence without the lines that they emphasise, and these."""
    match = _MARKS.search(fence_info)
    if match is None:
        return fence_info, ()
    ranges = [part.strip().partition("-") for part in match[1].split(",")]
    marks = tuple((int(first), int(last or first)) for first, _, last in ranges)
    return f"{fence_info[: match.start()]} {fence_info[match.end() :]}".strip(), marks


def missing_lines(marks: tuple[LineRange, ...], code: str) -> str:
    """Why the code has no such lines; empty where it has them."""
    count = len(code.rstrip("\n").split("\n"))
    for first, last in marks:
        if not 1 <= first <= last <= count:
            lines = f"{first}-{last}" if first != last else str(first)
            return f"The code has no lines {lines[:20]} to emphasise; it has {count}."
    return ""
