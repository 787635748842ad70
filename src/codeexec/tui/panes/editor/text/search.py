"""Find and replace in lines: plain or by regular expression, with a count."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

from codeexec.domain.errors import UsageError
from codeexec.domain.text.patterns import UserPattern
from codeexec.tui.panes.editor.text.text import Location, Selection

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.text.model import EditorModel


FIND_SECONDS = 1.0
"""For a search through the whole text: the screen stands still meanwhile."""


class Match(Protocol):
    """What `re` and `regex` say of a match, as far as it is used here."""

    def start(self) -> int: ...
    def end(self) -> int: ...
    def span(self) -> tuple[int, int]: ...
    def group(self) -> str | Any: ...
    def expand(self, template: str, /) -> str: ...


class Pattern(Protocol):
    """A `UserPattern`, or a plain text that is searched for."""

    def restart(self) -> None: ...
    def search(self, text: str) -> Match | None: ...
    def fullmatch(self, text: str) -> Match | None: ...
    def match_at(self, text: str, start: int) -> Match | None: ...
    def find_all(self, text: str) -> Sequence[Match]: ...


class PlainPattern:
    """Plain text, matched by `re` alone: it never goes back."""

    def __init__(self, compiled: re.Pattern[str]) -> None:
        self.search = compiled.search
        self.fullmatch = compiled.fullmatch
        self.match_at = compiled.match
        self._finditer = compiled.finditer

    def restart(self) -> None:
        """It has no time that could be spent."""

    def find_all(self, text: str) -> list[re.Match[str]]:
        return [match for match in self._finditer(text) if match.end() > match.start()]


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, line by line unless it names line ends (`spans_lines`). Without `case`,
    capitals only count if there are some."""

    text: str
    regex: bool = False
    case: bool = False
    word: bool = False

    @property
    def spans_lines(self) -> bool:
        """Whether a match may go over the end of a line: a regular expression that says so."""
        return self.regex and "\\n" in self.text

    def compiled(self, seconds: float = FIND_SECONDS) -> Pattern:
        """The pattern; raises UsageError when it is no regular expression. One that the user wrote
        is given `seconds` in all, and its methods raise UsageError after that."""
        pattern = self.text if self.regex else re.escape(self.text)
        if self.word:
            pattern = rf"\b(?:{pattern})\b"
        ignore_case = not self.case and self.text == self.text.lower()
        if not self.regex:
            return PlainPattern(re.compile(pattern, re.IGNORECASE if ignore_case else 0))
        return UserPattern(
            pattern, ignore_case=ignore_case, multiline=self.spans_lines, seconds=seconds
        )


@dataclass(frozen=True, slots=True)
class CurrentMatch:
    """The match that was gone to, which one it is (from 1) and how many there are."""

    selection: Selection
    number: int
    count: int


def matches(pattern: Pattern, line: str) -> list[tuple[int, int]]:
    """The spans of a line that match; empty matches are passed over."""
    return [match.span() for match in pattern.find_all(line)]


def all_matches(lines: list[str], pattern: Pattern) -> list[tuple[int, int, int]]:
    """Line, start and end of every match."""
    search = pattern.search
    return [
        (number, start, end)
        for number, line in enumerate(lines)
        if search(line)
        for start, end in matches(pattern, line)
    ]


def find(
    model: EditorModel, query: Query, step: int = 1, *, at_selection: bool = False
) -> CurrentMatch | None:
    """The next match (`step` 1) or the one before (-1), around the end; selected.

    With `at_selection` a match at the beginning of the selection counts, as while one is typing.
    """
    if not query.text:
        return None
    if query.spans_lines:
        spans = _matches_across(model.lines, query.compiled())
    else:
        spans = [
            (Location(line, start), Location(line, end))
            for line, start, end in all_matches(model.lines, query.compiled())
        ]
    if not spans:
        return None
    at = model.selection.start
    if step > 0:
        # Beyond the end of a selection that is a match itself, at its beginning while typing.
        origin = at if at_selection else model.selection.end
        position = bisect_left(spans, origin, key=_start) % len(spans)
    else:
        position = (bisect_left(spans, at, key=_start) - 1) % len(spans)
    model.select(*spans[position])
    return CurrentMatch(model.selection, position + 1, len(spans))


def _start(match: tuple[Location, Location]) -> Location:
    return match[0]


def _matches_across(lines: list[str], pattern: Pattern) -> list[tuple[Location, Location]]:
    """Where matches in the whole text begin and end."""
    starts = [0, *accumulate(len(line) + 1 for line in lines)]

    def place(offset: int) -> Location:
        line = min(bisect_right(starts, offset) - 1, len(lines) - 1)
        return Location(line, offset - starts[line])

    spans = matches(pattern, "\n".join(lines))
    return [(place(start), place(end)) for start, end in spans]


def replace_one(model: EditorModel, query: Query, replacement: str) -> bool:
    """Replace the selection if it is a match; the cursor is behind it then."""
    start, end = model.selection.start, model.selection.end
    if query.spans_lines:
        whole = query.compiled().fullmatch(model.selected_text) if start != end else None
        return whole is not None and model.edit([(start, end, _expand(query, whole, replacement))])
    if start.line != end.line or start == end:
        return False
    match = query.compiled().match_at(model.lines[start.line], start.column)
    if match is None or match.end() != end.column:
        return False
    return model.edit([(start, end, _expand(query, match, replacement))])


def replace_all(model: EditorModel, query: Query, replacement: str) -> int:
    """Replace every match as one step of history; how many there were."""
    pattern = query.compiled()
    if not query.text or model.read_only:
        return 0
    if query.spans_lines:
        return _replace_across(model, query, replacement)
    count = 0
    first = last = -1
    fresh: list[str] = []
    for number, line in enumerate(model.lines):
        if not pattern.search(line):
            continue
        changed, times = _replaced(query, pattern, line, replacement)
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


def _replace_across(model: EditorModel, query: Query, replacement: str) -> int:
    pattern = query.compiled()
    spans = _matches_across(model.lines, pattern)
    whole = "\n".join(model.lines)
    texts = [_expand(query, match, replacement) for match in pattern.find_all(whole)]
    cursor = model.cursor
    if spans:
        model.edit([(*span, text) for span, text in zip(spans, texts, strict=True)])
        model.select(cursor)
    return len(spans)


def _replaced(query: Query, pattern: Pattern, line: str, replacement: str) -> tuple[str, int]:
    """The line with every match replaced, and how many there were."""
    pieces: list[str] = []
    at = 0
    line_matches = pattern.find_all(line)
    for match in line_matches:
        pieces += (line[at : match.start()], _expand(query, match, replacement))
        at = match.end()
    return "".join([*pieces, line[at:]]), len(line_matches)


def _expand(query: Query, match: Match, replacement: str) -> str:
    if not query.regex:
        return replacement
    try:
        return match.expand(replacement)
    except (ValueError, IndexError, KeyError, re.error) as error:
        raise UsageError(
            f"{replacement} is no replacement: {error}.", r"Groups are \1, \2 or \g<name>."
        ) from error
