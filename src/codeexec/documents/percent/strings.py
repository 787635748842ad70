"""Strings of Python over several lines: which triple quotes are open after a line."""

from __future__ import annotations

import re

_TRIPLE = re.compile(r"""\\.|\"{3}|'{3}|["'#]""")


def quote_after(line: str, quote: str) -> str:
    """The triple quotes open after the line, given those open before it (`quote`)."""
    at = 0
    while match := _TRIPLE.search(line, at):
        mark, at = match[0], match.end()
        if quote:
            quote = "" if mark == quote else quote
        elif mark == "#":
            return ""
        elif len(mark) == 3:
            quote = mark
        elif mark in "\"'":
            # A string on one line: skip to its end, or the end of the line.
            end = re.compile(rf"(?:\\.|[^{mark}\\])*{mark}").match(line, at)
            at = end.end() if end else len(line)
    return quote
