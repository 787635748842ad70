"""Cursor motions: pure functions from lines and location to location."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text.columns import after, snap
from codeexec.tui.panes.editor.text.text import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

    Lines = Sequence[str]

_WORD = re.compile(r"\w+|[^\w\s]+")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = {close: opening for opening, close in _BRACKETS.items()}
_LONGEST_NAME = 200
_SEARCH_LIMIT = 20_000
"""Characters looked at for a matching bracket: it must not slow down a key."""


def left(lines: Lines, at: Location) -> Location:
    if at.column:
        return Location(at.line, snap(lines[at.line], at.column - 1))
    return Location(at.line - 1, len(lines[at.line - 1])) if at.line else at


def right(lines: Lines, at: Location) -> Location:
    line = lines[at.line]
    if at.column < len(line):
        return Location(at.line, after(line, at.column))
    return Location(at.line + 1, 0) if at.line + 1 < len(lines) else at


def word_left(lines: Lines, at: Location) -> Location:
    """The beginning of the word before, on the line above if there is none."""
    if at.column == 0:
        return left(lines, at)
    start = 0
    for word in _WORD.finditer(lines[at.line], max(0, at.column - _SEARCH_LIMIT), at.column):
        start = word.start()
    return Location(at.line, start)


def word_right(lines: Lines, at: Location) -> Location:
    """The end of the word after, on the line below if there is none."""
    word = _WORD.search(lines[at.line], at.column)
    if word is not None:
        return Location(at.line, word.end())
    return right(lines, Location(at.line, len(lines[at.line])))


def next_word_start(lines: Lines, at: Location) -> Location:
    """The beginning of the next word (vim's `w`)."""
    for word in _WORD.finditer(lines[at.line], at.column):
        if word.start() > at.column:
            return Location(at.line, word.start())
    for line in range(at.line + 1, len(lines)):
        if not lines[line]:
            return Location(line, 0)
        if first := _WORD.search(lines[line]):
            return Location(line, first.start())
    return Location(len(lines) - 1, len(lines[-1]))


def word_end(lines: Lines, at: Location) -> Location:
    """The last character of this word or the next (vim's `e`)."""
    column = at.column + 1
    for line in range(at.line, len(lines)):
        for word in _WORD.finditer(lines[line]):
            if word.end() - 1 >= column:
                return Location(line, max(word.end() - 1, word.start()))
        column = 0
    return Location(len(lines) - 1, max(0, len(lines[-1]) - 1))


def word_at(line: str, column: int) -> tuple[int, int]:
    """The span of the word at `column`, or before it; else of the one character there."""
    for word in _WORD.finditer(line, 0, min(len(line), column + _SEARCH_LIMIT)):
        if word.start() <= column < word.end():
            return word.span()
    return (column, min(len(line), column + 1))


def identifier_before(line: str, column: int) -> str:
    """The part of an identifier that ends at `column`, up to a plausible length of a name."""
    start, lowest = column, max(0, column - _LONGEST_NAME)
    while start > lowest and (line[start - 1].isalnum() or line[start - 1] == "_"):
        start -= 1
    return line[start:column]


def indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def home(lines: Lines, at: Location) -> Location:
    """The first character that is no blank; from there the beginning of the line."""
    first = len(indentation(lines[at.line]))
    return Location(at.line, 0 if at.column == first else first)


def line_end(lines: Lines, at: Location) -> Location:
    return Location(at.line, len(lines[at.line]))


def paragraph(lines: Lines, at: Location, step: int) -> Location:
    """The next blank line in the direction of `step` (1 or -1)."""
    line = at.line + step
    while 0 < line < len(lines) - 1 and (lines[line].strip() or not lines[line - step].strip()):
        line += step
    line = min(max(line, 0), len(lines) - 1)
    return Location(line, len(lines[line]) if step > 0 and line == len(lines) - 1 else 0)


def matching_bracket(lines: Lines, at: Location) -> tuple[Location, Location] | None:
    """The bracket at `at` (or just before it) and its partner; None without one near."""
    line = lines[at.line]
    for column in (at.column, at.column - 1):
        if 0 <= column < len(line) and (line[column] in _BRACKETS or line[column] in _CLOSING):
            bracket = Location(at.line, column)
            partner = _partner(lines, bracket)
            return (bracket, partner) if partner is not None else None
    return None


def _partner(lines: Lines, at: Location) -> Location | None:
    sign = lines[at.line][at.column]
    forward = sign in _BRACKETS
    other = _BRACKETS[sign] if forward else _CLOSING[sign]
    step = 1 if forward else -1
    line, column, depth = at.line, at.column, 0
    for _ in range(_SEARCH_LIMIT):
        text = lines[line]
        while not 0 <= column < len(text):
            line += step
            if not 0 <= line < len(lines) or abs(line - at.line) > 500:
                return None
            text = lines[line]
            column = 0 if forward else len(text) - 1
        if text[column] == sign:
            depth += 1
        elif text[column] == other:
            depth -= 1
            if depth == 0:
                return Location(line, column)
        column += step
    return None
