"""Cells of a Markdown file: fences with code that runs, and the prose between them.

A fence is a cell if it names a language that runs; the first that is no shell is that of the
document. A fence of a shell beside others is run alone, by no run of several cells. Where a fence
is marked as one to run, as `{python}` (Quarto, R Markdown) or `{code-cell}` (MyST), those that are
not marked stay prose. Prose begins a new cell at each heading.
https://myst-nb.readthedocs.io/en/latest/authoring/text-notebooks.html
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from codeexec.documents.cell_language import CellForm
from codeexec.documents.model import Cell, CellKind
from codeexec.documents.percent.cells import CellIndex
from codeexec.documents.percent.separators import Separator

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*(.*?)[ \t]*")
_BRACED = re.compile(r"\{[ \t]*([^\s{},=.#]*)([^}]*)\}[ \t]*(\S*)")
_NAME = re.compile(r"[^\s{`]*")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_OPTION = re.compile(r":[\w-]+:")
_DIRECTIVES = ("code-cell", "code")
"""Directives of MyST whose content is run."""
_ALONE = ("bash", "sql")
"""Languages whose fences in a document of another one are run alone, unless they are marked: in a
README they install programs, start servers, remove files, or ask a database that is elsewhere."""


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
    fence: Fence | None = None


class _Mark(NamedTuple):
    """A line that may open or close a fence with `sign`, such as ```; a heading has none."""

    sign: str
    info: str


_HEADING_MARK = _Mark("", "")


def _parse_mark(line: str) -> _Mark | None:
    """What a line may be for the cells of the text; None for an ordinary line."""
    if "```" in line or "~~~" in line:
        match = _FENCE.fullmatch(line)
        if match is not None:
            return _Mark(*match.groups())
    return _HEADING_MARK if "#" in line and _HEADING.match(line) else None


def _scan_marks(lines: Iterable[str], first: int) -> tuple[list[int], list[_Mark]]:
    """Numbers of the lines that are marks, and the marks; `first` is the number of the first."""
    marks = [
        (number, mark)
        for number, line in enumerate(lines, first)
        if ("#" in line or "```" in line or "~~~" in line) and (mark := _parse_mark(line))
    ]
    return [number for number, _ in marks], [mark for _, mark in marks]


def _find_fences(
    numbers: Sequence[int], marks: Sequence[_Mark], first: int
) -> tuple[list[Fence], list[int]]:
    """The fences from line `first` that have an end, and the lines of headings outside of them."""
    fences: list[Fence] = []
    headings: list[int] = []
    opened: tuple[int, str, str] | None = None
    pending: list[int] = []  # headings, if the fence has no end: as it is typed
    begin = bisect_left(numbers, first)
    for number, mark in zip(numbers[begin:], marks[begin:], strict=True):
        if not mark.sign:
            (headings if opened is None else pending).append(number)
        elif opened is None:
            if not (mark.sign[0] == "`" and "`" in mark.info):
                opened = number, mark.sign, mark.info
        elif mark.sign.startswith(opened[1]) and not mark.info:
            fences.append(Fence(opened[0], number + 1, *opened[1:], *_language_of(opened[2])))
            opened = None
            pending.clear()
    return fences, headings + pending


def _end_of_front_matter(lines: Sequence[str]) -> int:
    if lines and lines[0].rstrip() == "---":
        for number in range(1, len(lines)):
            if lines[number].rstrip() in ("---", "..."):
                return number + 1
    return 0


@lru_cache(maxsize=256)
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
        self._fences: list[Fence | None] = []
        """By index of the cell, as if its cell began at line 0; None for prose."""
        self._forms: list[CellForm] = []
        self._matter = 0
        """Lines of front matter."""
        self._mark_lines, self._marks = _scan_marks(lines, 0)
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
        self._matter = matter = _end_of_front_matter(self._text)
        fences, headings = _find_fences(self._mark_lines, self._marks, matter)
        names = [self._resolved(fence.name) for fence in fences]
        marked = [
            fence.is_marked and bool(name or not fence.name)
            for fence, name in zip(fences, names, strict=True)
        ]
        if any(marked):
            names = [
                name if is_marked else "" for name, is_marked in zip(names, marked, strict=True)
            ]
        known = [name for name in names if name]
        shells = known[:1] or (["python"] if any(marked) else [""])
        self.language = next((name for name in known if name not in _ALONE), shells[0])
        runnable = [
            fence
            for fence, name, is_marked in zip(fences, names, marked, strict=True)
            if name or (is_marked and not fence.name)
        ]
        self.info = _plain_info(runnable[0].info) if runnable else "python"
        parts = [_Part(0, Separator(CellKind.RAW))] if matter else []
        above = matter
        for fence in runnable:
            parts += self._prose(above, fence.start, headings)
            parts.append(
                _Part(fence.start, Separator(CellKind.CODE, "", fence.info, is_fence=True), fence)
            )
            above = fence.end
        parts += self._prose(above, len(self._text), headings)
        parts = parts or [_Part(0, _PROSE)]
        self._fences = [
            fence and fence._replace(start=0, end=fence.end - fence.start)
            for fence in (part.fence for part in parts)
        ]
        self._forms = [self._form_of_fence(part.fence) for part in parts]
        return parts

    def _form_of_fence(self, fence: Fence | None) -> CellForm:
        language = self._resolved(fence.name) if fence is not None else ""
        return CellForm("" if language == self.language else language)

    def form(self, index: int) -> CellForm:
        return self._forms[index]

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
        above = range(start, starts[0]) if starts else ()
        if starts and not any(self._text[line].strip() for line in above):
            starts = starts[1:]
        return [_Part(line, _PROSE) for line in (start, *starts)]

    def splice(self, first: int, removed: int, inserted: Sequence[str]) -> bool:
        shift = len(inserted) - removed
        self._line_count += shift
        is_plain, is_same = self._splice_marks(first, removed, inserted)
        if is_same and removed == 1:
            return False  # a heading with other words
        if is_plain and self._is_inside(first, removed):
            if shift:
                self._shift(self.at(first), shift)
            return False
        old = list(zip(self._lines, self._found, self._found_keys, strict=True))
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

    def _splice_marks(self, first: int, removed: int, inserted: Sequence[str]) -> tuple[bool, bool]:
        """Bring the marks up to date; whether neither the old lines nor the new ones have any, and
        whether both have the same ones."""
        numbers, marks = self._mark_lines, self._marks
        low, high = bisect_left(numbers, first), bisect_left(numbers, first + removed)
        new_numbers, new_marks = _scan_marks(inserted, first)
        shift = len(inserted) - removed
        if shift:
            numbers[high:] = [number + shift for number in numbers[high:]]
        is_plain = low == high and not new_marks
        is_same = not shift and bool(new_marks) and marks[low:high] == new_marks
        numbers[low:high] = new_numbers
        marks[low:high] = new_marks
        return is_plain, is_same

    def _is_inside(self, first: int, removed: int) -> bool:
        """Whether lines without marks have changed within one cell, so that all cells stay: in a
        fence, or below the first line of prose."""
        if first <= self._matter or (not self._matter and self._text[0].rstrip() == "---"):
            return False
        index = self.at(first)
        start = self._starts[index]
        following = index + 1
        end = self._starts[following] if following < len(self._starts) else self._line_count
        if first <= start or (following < len(self._starts) and first + removed > end):
            return False
        fence = self._fences[index]
        if fence is not None:
            return first + removed < start + fence.end
        return bool(self._text[start].strip())

    def _shift(self, index: int, shift: int) -> None:
        """The cell has become longer by `shift` lines."""
        fence = self._fences[index]
        if fence is not None:
            self._fences[index] = fence._replace(end=fence.end + shift)
        starts = [start + shift for start in self._lines[index + 1 :]]
        self._lines[index + 1 :] = starts
        self._starts[index + 1 :] = starts

    def separator_at(self, line: int) -> Separator | None:
        index = self.at(line)
        return super().separator_at(line) if self._fences[index] is not None else None

    def is_foot(self, line: int) -> bool:
        index = self.at(line)
        fence = self._fences[index]
        return fence is not None and line == self._starts[index] + fence.end - 1

    def language_at(self, line: int) -> str:
        """The language that the fence around a line names, a cell or not; empty outside of fences,
        and where code in it cannot be run."""
        fences, _ = _find_fences(self._mark_lines, self._marks, self._matter)
        at = bisect_right(fences, line, key=lambda fence: fence.start) - 1
        is_in = at >= 0 and fences[at].start < line < fences[at].end - 1
        return self._resolved(fences[at].name) if is_in else ""

    def cell(self, index: int, lines: Sequence[str]) -> Cell:
        start, end = self.span(index)
        kind, key = self.kind(index), self.key(index)
        fence = self._fences[index]
        body, last = start, end
        if fence is not None:
            body, last = _code_of(fence, start, lines)
        while last > body and not lines[last - 1].strip():
            last -= 1
        language = self._forms[index].language
        is_alone = fence is not None and language in _ALONE and not fence.is_marked
        source = "\n".join(lines[body:last])
        return Cell(index, kind, "", start, body, end, source, key, language, is_alone)


def _code_of(fence: Fence, start: int, lines: Sequence[str]) -> tuple[int, int]:
    """The lines of code in a fence at line `start`, without the options of a MyST directive."""
    body, last = start + fence.start + 1, start + fence.end - 1
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


def with_language(info: str, language: str) -> str:
    """The words after a fence with another language; marks and options stay."""
    braced = _BRACED.match(info)
    if braced is None:
        return language + info[len(_first_word(info)) :]
    if braced[1] in _DIRECTIVES:
        return (
            f"{info[: braced.start(3)]}{language}{info[braced.end(3) :]}"
            if braced[3]
            else (f"{info.rstrip()} {language}")
        )
    return f"{info[: braced.start(1)]}{language}{info[braced.end(1) :]}"


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
