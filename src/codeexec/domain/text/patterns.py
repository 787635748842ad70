"""Regular expressions that users write, matched with a limit to the time that they may take.

The standard library's `re` holds the interpreter's lock for as long as it matches: `(a+)+$` on one
line of output would stop the whole program for hours. `regex` releases it, and stops in time.
"""

from __future__ import annotations

import re
import time
from math import prod
from typing import TYPE_CHECKING

from codeexec.domain.errors import UsageError

if TYPE_CHECKING:
    import regex

MAX_PATTERN = 1000
"""Characters of a pattern."""

MAX_REPEATS = 50_000
"""The product of all numbers in braces: `regex` writes repeats out when it compiles them."""

SECONDS = 3.0
"""For all matching with one pattern."""

_BRACES = re.compile(r"\{\s*(\d*)\s*,?\s*(\d*)")


class UserPattern:
    """A compiled pattern with a budget: `seconds` in all since it was made, or since `restart`.

    Its methods raise UsageError when that is spent.
    """

    def __init__(
        self,
        text: str,
        *,
        ignore_case: bool = False,
        multiline: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        """UsageError for what is no regular expression, or too large a one."""
        self.text = text
        self._seconds = seconds
        self._compiled = _compile(text, ignore_case=ignore_case, multiline=multiline)
        self.restart()

    def restart(self) -> None:
        """Give it its whole time again, for another search."""
        self._deadline = time.monotonic() + self._seconds

    def search(self, text: str) -> regex.Match[str] | None:
        left = self._left()
        try:
            return self._compiled.search(text, timeout=left, concurrent=True)
        except (TimeoutError, MemoryError) as error:
            raise self._too_slow() from error

    def fullmatch(self, text: str) -> regex.Match[str] | None:
        left = self._left()
        try:
            return self._compiled.fullmatch(text, timeout=left, concurrent=True)
        except (TimeoutError, MemoryError) as error:
            raise self._too_slow() from error

    def match_at(self, text: str, start: int) -> regex.Match[str] | None:
        """A match that begins at `start`."""
        left = self._left()
        try:
            return self._compiled.match(text, start, timeout=left, concurrent=True)
        except (TimeoutError, MemoryError) as error:
            raise self._too_slow() from error

    def find_all(self, text: str) -> list[regex.Match[str]]:
        """All matches that are not empty, in order."""
        left = self._left()
        try:
            found = self._compiled.finditer(text, timeout=left, concurrent=True)
            return [match for match in found if match.end() > match.start()]
        except (TimeoutError, MemoryError) as error:
            raise self._too_slow() from error

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._too_slow()
        return left

    def _too_slow(self) -> UsageError:
        return UsageError(
            f"The search for {_short(self.text)} took longer than {self._seconds:g} s.",
            "Write the pattern without a repeat within a repeat, or search for plain text.",
        )


def _compile(text: str, *, ignore_case: bool, multiline: bool) -> regex.Pattern[str]:
    import regex  # 14 ms, which no start need wait for

    repeats = prod(
        max(int(low[:9] or 1), int(high[:9] or 1), 1) for low, high in _BRACES.findall(text)
    )
    if len(text) > MAX_PATTERN or repeats > MAX_REPEATS:
        raise UsageError(
            f"The regular expression {_short(text)} is too large.",
            f"Use at most {MAX_PATTERN:,} characters, and smaller numbers in braces.",
        )
    flags = (regex.IGNORECASE if ignore_case else 0) | (regex.MULTILINE if multiline else 0)
    try:
        return regex.compile(text, flags)
    except (regex.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise UsageError(
            f"{_short(text)} is no regular expression: {error}.",
            "Search for it as plain text, or correct it.",
        ) from error


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
