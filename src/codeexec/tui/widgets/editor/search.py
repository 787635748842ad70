"""Find and replace in lines: plain or by regular expression, with a count."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeexec.domain.errors import UsageError
from codeexec.tui.widgets.editor.text import Location, Selection

if TYPE_CHECKING:
    from codeexec.tui.widgets.editor.model import EditorModel


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, line by line. Without `case`, capitals only count if there are some."""

    text: str
    regex: bool = False
    case: bool = False
    word: bool = False

    def compiled(self) -> re.Pattern[str]:
        """The pattern; raises UsageError when it is no regular expression."""
        pattern = self.text if self.regex else re.escape(self.text)
        if self.word:
            pattern = rf"\b(?:{pattern})\b"
        smart = self.case or self.text != self.text.lower()
        try:
            return re.compile(pattern, 0 if smart else re.IGNORECASE)
        except re.error as error:
            raise UsageError(
                f"{self.text} is no regular expression: {error.msg}.", "Escape it, or go plain."
            ) from error


@dataclass(frozen=True, slots=True)
class Found:
    """The match that was gone to, which one it is (from 1) and how many there are."""

    selection: Selection
    number: int
    count: int


def matches(pattern: re.Pattern[str], line: str) -> list[tuple[int, int]]:
    """The spans of a line that match; empty matches are passed over."""
    return [found.span() for found in pattern.finditer(line) if found.end() > found.start()]


def all_matches(lines: list[str], pattern: re.Pattern[str]) -> list[tuple[int, int, int]]:
    """Line, start and end of every match."""
    search = pattern.search
    return [
        (number, start, end)
        for number, line in enumerate(lines)
        if search(line)
        for start, end in matches(pattern, line)
    ]


def find(model: EditorModel, query: Query, step: int = 1, *, here: bool = False) -> Found | None:
    """The next match (`step` 1) or the one before (-1), around the end; selected.

    With `here` a match at the beginning of the selection counts, as while one is typing.
    """
    if not query.text:
        return None
    found = all_matches(model.lines, query.compiled())
    if not found:
        return None
    at = model.selection.start
    if step > 0:
        # Beyond the end of a selection that is a match itself, at its beginning while typing.
        origin = at if here else model.selection.end
        position = bisect_right(found, (origin.line, origin.column - 1, 1 << 60)) % len(found)
    else:
        position = (bisect_right(found, (at.line, at.column - 1, 1 << 60)) - 1) % len(found)
    line, start, end = found[position]
    model.select(Location(line, start), Location(line, end))
    return Found(model.selection, position + 1, len(found))


def replace_one(model: EditorModel, query: Query, replacement: str) -> bool:
    """Replace the selection if it is a match; the cursor is behind it then."""
    start, end = model.selection.start, model.selection.end
    if start.line != end.line or start == end:
        return False
    found = query.compiled().match(model.lines[start.line], start.column)
    if found is None or found.end() != end.column:
        return False
    return model.edit([(start, end, _expand(query, found, replacement))])


def replace_all(model: EditorModel, query: Query, replacement: str) -> int:
    """Replace every match as one step of history; how many there were."""
    pattern = query.compiled()
    if not query.text or model.read_only:
        return 0
    count = 0
    first = last = -1
    fresh: list[str] = []
    for number, line in enumerate(model.lines):
        if not pattern.search(line):
            continue
        changed, times = pattern.subn(lambda found: _expand(query, found, replacement), line)
        if not times:
            continue
        count += times
        if first < 0:
            first = last = number
        fresh.extend(model.lines[last + 1 : number] if fresh else [])
        fresh.append(changed)
        last = number
    if count:
        cursor = model.cursor
        edit = (Location(first, 0), Location(last, len(model.lines[last])), "\n".join(fresh))
        model.edit([edit])
        model.select(cursor)
    return count


def _expand(query: Query, found: re.Match[str], replacement: str) -> str:
    if not query.regex:
        return replacement
    try:
        return found.expand(replacement)
    except (re.error, IndexError) as error:
        raise UsageError(
            f"{replacement} is no replacement: {error}.", r"Groups are \1, \2 or \g<name>."
        ) from error
