"""Cells of a Markdown file: fences with code that runs, and the prose between them.

A fence is a cell if it names the language of the document, which is that of the first fence in a
language that runs. Where a fence is marked as one to run, as `{python}` (Quarto, R Markdown) or
`{code-cell}` (MyST), those that are not marked stay prose. Prose begins a new cell at each heading.
https://myst-nb.readthedocs.io/en/latest/authoring/text-notebooks.html
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import NamedTuple

from codeexec.documents.model import Cell, CellKind
from codeexec.documents.percent.cells import CellIndex, Separator

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*(.*?)[ \t]*")
_BRACED = re.compile(r"\{[ \t]*([^\s{},=.#]*)([^}]*)\}[ \t]*(\S*)")
_NAME = re.compile(r"[^\s{`]*")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_OPTION = re.compile(r":[\w-]+:")
_DIRECTIVES = ("code-cell", "code")
"""Directives of MyST whose content is run."""


class Fence(NamedTuple):
    """A fence: lines `start` to `end` (not included), with both marks; `mark` as it is opened."""

    start: int
    end: int
    mark: str
    info: str
    name: str
    is_marked: bool
    """It says that it is to be run."""


_PROSE = Separator(CellKind.MARKDOWN)


class _Part(NamedTuple):
    """The first line of a cell, and its kind as a separator has it."""

    start: int
    separator: Separator


def find_fences(lines: Sequence[str]) -> tuple[list[Fence], list[int]]:
    """The fences of a Markdown text that have an end, and the lines of headings outside of them, in
    order.
    Front matter holds neither."""
    fences: list[Fence] = []
    headings: list[int] = []
    opened: tuple[int, str, str] | None = None
    first = _end_of_front_matter(lines)
    for number in range(first, len(lines)):
        line = lines[number]
        if "```" in line or "~~~" in line:
            match = _FENCE.fullmatch(line)
            if match is None:
                continue
            mark, info = match.groups()
            if opened is None:
                if not (mark[0] == "`" and "`" in info):
                    opened = number, mark, info
            elif mark.startswith(opened[1]) and not info:
                name, is_marked = _language_of(opened[2])
                fences.append(Fence(opened[0], number + 1, *opened[1:], name, is_marked))
                opened = None
        elif opened is None and "#" in line and _HEADING.match(line):
            headings.append(number)
    if opened is not None:  # as it is typed: what is below is no code yet
        headings += [
            number
            for number in range(opened[0] + 1, len(lines))
            if "#" in lines[number] and _HEADING.match(lines[number])
        ]
    return fences, headings


def _end_of_front_matter(lines: Sequence[str]) -> int:
    if lines and lines[0].rstrip() == "---":
        for number in range(1, len(lines)):
            if lines[number].rstrip() in ("---", "..."):
                return number + 1
    return 0


def _language_of(info: str) -> tuple[str, bool]:
    """The language that the words after a fence name, in lower case, and whether they mark it as
    one to run. `{code-cell}` without a name has the empty one."""
    braced = _BRACED.match(info)
    if braced is None:
        return _first_word(info).lower(), False
    name, options, after = braced.groups()
    if name in _DIRECTIVES:
        return after.lower(), name == "code-cell"
    return name.lower(), bool(name) and not options.startswith("=")


def _first_word(info: str) -> str:
    match = _NAME.match(info)
    return match[0] if match is not None else ""


class FencedCells(CellIndex):
    """Index of the cells of Markdown, with the interface of `CellIndex`.

    A cell of code begins with the line that opens its fence, which counts as its separator, and
    ends with the blank lines below the fence; prose has no separator. `lines` are those of the
    buffer, and are read again after each edit. `language_of` returns the name of a language that
    runs for a word after a fence, or an empty string.
    """

    def __init__(self, lines: Sequence[str], language_of: Callable[[str], str]) -> None:
        self._text = lines
        self._language_of = language_of
        self._fences: dict[int, Fence] = {}
        super().__init__(lines, "")

    is_fenced = True

    def _scan(self, lines: Iterable[str], first: int) -> list[tuple[int, Separator]]:
        return [(part.start, part.separator) for part in self._find_parts()]

    def _scan_quotes(self, lines: Iterable[str], first: int) -> tuple[list[int], list[str]]:
        return [], []

    def _choose(self) -> None:
        self._identity = None
        self._starts = list(self._lines)
        self._separators = list(self._found)
        self._keys = list(self._found_keys)

    def _find_parts(self) -> list[_Part]:
        """The cells of the text as it is now, in order."""
        fences, headings = find_fences(self._text)
        names = [self._resolved(fence.name) for fence in fences]
        marked = [
            fence.is_marked and bool(name or not fence.name)
            for fence, name in zip(fences, names, strict=True)
        ]
        if any(marked):
            names = [
                name if is_marked else "" for name, is_marked in zip(names, marked, strict=True)
            ]
        self.language = next(filter(None, names), "python" if any(marked) else "")
        runnable = [
            fence
            for fence, name, is_marked in zip(fences, names, marked, strict=True)
            if (self.language and name == self.language) or (is_marked and not fence.name)
        ]
        self._fences = {fence.start: fence for fence in runnable}
        self.info = _plain_info(runnable[0].info) if runnable else "python"
        matter = _end_of_front_matter(self._text)
        parts = [_Part(0, Separator(CellKind.RAW))] if matter else []
        above = matter
        for fence in runnable:
            parts += self._prose(above, fence.start, headings)
            parts.append(
                _Part(fence.start, Separator(CellKind.CODE, "", fence.info, is_fence=True))
            )
            above = fence.end
        parts += self._prose(above, len(self._text), headings)
        return parts or [_Part(0, _PROSE)]

    def _resolved(self, name: str) -> str:
        """The language that a word after a fence means, also with a version (`ipython3`)."""
        plain = name.rstrip("0123456789.")
        return (self._language_of(name) or self._language_of(plain)) if plain else ""

    def _prose(self, first: int, end: int, headings: Sequence[int]) -> list[_Part]:
        """Cells of prose in these lines; blank lines alone belong to the cell above."""
        start = next((line for line in range(first, end) if self._text[line].strip()), end)
        if first == 0 and end:
            start = 0  # no cell is above
        if start == end:
            return []
        starts = headings[bisect_right(headings, start) : bisect_left(headings, end)]
        if starts and not any(line.strip() for line in self._text[start : starts[0]]):
            starts = starts[1:]
        return [_Part(line, _PROSE) for line in (start, *starts)]

    def splice(self, first: int, removed: int, inserted: Sequence[str]) -> bool:
        old = list(zip(self._lines, self._found, self._found_keys, strict=True))
        shift = len(inserted) - removed
        self._line_count += shift
        scanned = self._scan((), 0)
        keys = _matched(old, scanned, first, first + removed, shift)
        self._lines = [start for start, _ in scanned]
        self._found = [separator for _, separator in scanned]
        is_other = [(key, separator) for _, separator, key in old] != list(
            zip(keys, self._found, strict=True)
        )
        self._found_keys = [key or self._new_key() for key in keys]
        self._choose()
        return is_other

    def separator_at(self, line: int) -> Separator | None:
        return super().separator_at(line) if line in self._fences else None

    def is_foot(self, line: int) -> bool:
        fence = self._fences.get(self.span(self.at(line))[0])
        return fence is not None and line == fence.end - 1

    def fence_of(self, index: int) -> Fence | None:
        """The fence of a cell of code."""
        return self._fences.get(self.span(index)[0])

    def cell(self, index: int, lines: Sequence[str]) -> Cell:
        start, end = self.span(index)
        kind, key = self.kind(index), self.key(index)
        fence = self._fences.get(start)
        body, last = start, end
        if fence is not None:
            body, last = _code_of(fence, lines)
        while last > body and not lines[last - 1].strip():
            last -= 1
        return Cell(index, kind, "", start, body, end, "\n".join(lines[body:last]), key)


def _code_of(fence: Fence, lines: Sequence[str]) -> tuple[int, int]:
    """The lines of code in a fence, without the options of a MyST directive."""
    body, last = fence.start + 1, fence.end - 1
    if not fence.info.startswith("{code-cell}"):
        return body, last
    if body < last and lines[body].strip() == "---":
        ends = (line for line in range(body + 1, last) if lines[line].strip() == "---")
        return next(ends, body - 1) + 1, last
    while body < last and _OPTION.match(lines[body]):
        body += 1
    return body, last


def _plain_info(info: str) -> str:
    """The words after a fence without options."""
    braced = _BRACED.match(info)
    if braced is None:
        return _first_word(info)
    return f"{{{braced[1]}}} {braced[3]}".rstrip()


def _matched(
    old: Sequence[tuple[int, Separator, str]],
    new: Sequence[tuple[int, Separator]],
    first: int,
    end: int,
    shift: int,
) -> list[str]:
    """Keys for the cells `new` after lines `first` to `end` have changed: cells above and below
    keep theirs, and those between have them in order, by kind. Empty for a cell that is new."""
    head = 0
    while head < min(len(old), len(new)) and old[head][0] == new[head][0] <= first:
        if old[head][1].kind is not new[head][1].kind:
            break
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head:
        (old_start, old_separator, _), (start, separator) = old[-1 - tail], new[-1 - tail]
        is_same = old_start + shift == start and old_separator.kind is separator.kind
        if not is_same or old_start < end:
            break
        tail += 1
    between = list(old[head : len(old) - tail])
    keys = [key for _, _, key in old[:head]]
    for _, separator in new[head : len(new) - tail]:
        kind = separator.kind
        place = next((at for at, one in enumerate(between) if one[1].kind is kind), None)
        keys.append(between.pop(place)[2] if place is not None else "")
    return [*keys, *(key for _, _, key in old[len(old) - tail :])]


def outer_fence(source: str, mark: str = "```") -> str:
    """A fence that no line of `source` ends, of the same sign as `mark`."""
    for length in count(len(mark)):
        fence = mark[0] * length
        if not any(line.strip().startswith(fence) for line in source.split("\n")):
            return fence
    raise AssertionError  # count() has no end
