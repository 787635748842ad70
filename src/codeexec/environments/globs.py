"""Patterns of file names: `*` stays inside one part of a path, `**` crosses parts."""

from __future__ import annotations

import re
from collections.abc import Callable

from codeexec.domain.errors import UsageError
from codeexec.domain.text.patterns import UserPattern

MAX_GLOB = 500
_MOST_CROSSING = 4
_FEW_CROSSING = 2
"""`**` that `re` matches quickly; each more multiplies the time by the length of the path."""

_STEP = "Write a shorter pattern, such as **/*.py"


def glob(pattern: str) -> Callable[[str], object]:
    """A test for relative paths. UsageError for a pattern that is too long.

    Stars of one part are matched without going back, so that no name makes them slow: where the
    text between two stars is found first is always good enough.
    """
    parts: list[str] = []
    for part in pattern.split("/"):
        if part != "**" or not parts or parts[-1] != "**":
            parts.append(part)
    crossing = sum(part.count("**") for part in parts)
    if len(pattern) > MAX_GLOB or crossing > _MOST_CROSSING:
        raise UsageError(f"The pattern {pattern[:40]!r} is too long.", _STEP)
    expression = ""
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            expression += ".*" if is_last else "(?:.*/)?"
        else:
            expression += _part(part) + ("" if is_last else "/")
    if crossing <= _FEW_CROSSING:
        return re.compile(expression, re.DOTALL).fullmatch
    return UserPattern(f"(?s:{expression})").fullmatch


def depth(pattern: str) -> int | None:
    """How many levels of folders a match can be below the top; None: any number."""
    return None if "**" in pattern else pattern.count("/") + 1


def _part(part: str) -> str:
    if "**" in part:
        return ".*".join(map(_part, part.split("**")))
    first, *others = part.split("*")
    if not others:
        return _fixed(first)
    middle = "".join(f"(?>[^/]*?{_fixed(each)})" for each in others[:-1] if each)
    return f"{_fixed(first)}{middle}[^/]*{_fixed(others[-1])}"


def _fixed(text: str) -> str:
    return "".join("[^/]" if character == "?" else re.escape(character) for character in text)
