"""Checks of a request's values that its types do not express: ranges, characters, lengths."""

from __future__ import annotations

import math

from msgspec import Struct

from codeexec.domain.errors import UsageError

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader has exactly, and SQLite too."""

MAX_NAME = 200
"""Characters of a name or an id that a client chooses."""

_FREE_TEXT = frozenset(
    {"code", "text", "data", "env", "pattern", "sort", "title", "implementation", "config"}
)
"""Fields that may hold any character."""


def check_request(request: Struct) -> None:
    """UsageError where a value makes no sense whatever the request: an integer below 0 or above
    `MAX_INTEGER`, a number that is not finite, a NUL, an id with half a surrogate pair."""
    for field in request.__struct_fields__:
        value = getattr(request, field)
        if isinstance(value, Struct):
            check_request(value)
        elif isinstance(value, int):
            check_integer(value, field)
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise UsageError(f"{field} is not a finite number.", "Give a plain number.")
        elif isinstance(value, str) and field not in _FREE_TEXT:
            if "\0" in value:
                raise UsageError(f"{field} holds a NUL character.", "Remove it.")
            if field.endswith("_id") and not is_unicode(value):
                raise UsageError(f"{field} is not valid Unicode.", "Use the id as it was given.")


def check_integer(value: int, what: str) -> None:
    """UsageError below 0 or above `MAX_INTEGER`."""
    if not 0 <= value <= MAX_INTEGER:
        raise UsageError(f"{what} is out of range.", f"Give 0 to {MAX_INTEGER}.")


def check_id(text: str, what: str) -> None:
    """UsageError unless `text` can be the id of something: printable, and not too long."""
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise UsageError(
            f"This is no {what}: {text[:40]!a}.",
            f"Choose up to {MAX_NAME} printable characters, or leave it out.",
        )


def check_name(text: str) -> str:
    """The name of a session without the spaces around it. UsageError when it is none."""
    name = text.strip()
    if not name or len(name) > MAX_NAME or not is_unicode(name):
        raise UsageError(
            "A session's name is not empty, and not too long.", f"Give 1 to {MAX_NAME} characters."
        )
    return name


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold it: there is no half of a surrogate pair in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
