"""The outline of a document: its headings, cells and definitions, in the order of its lines."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from codeexec.documents.model import Cell, CellKind

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_NO_PARAGRAPH = re.compile(r"[ \t]*(?:$|[-*+>][ \t]|\d+[.)][ \t])| {4}|\t")
"""Lines below which `---` is a rule instead of a heading: blanks, lists, quotes, code."""

_LONGEST_NAME = 200

_NESTING = frozenset(
    {"class", "function", "method", "module", "interface", "type", "macro", "namespace"}
    | {"struct", "enum", "trait", "implementation", "object", "constructor"}
)
"""Kinds of definitions in an outline; constants and fields are left out."""


class OutlineKind(StrEnum):
    """Kind of a row of an outline."""

    HEADING = "heading"
    CELL = "cell"
    PROSE = "prose"
    DEFINITION = "definition"


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A row of an outline. `line` counts from 0, `depth` is the number of enclosing rows; `cell`
    is the key of its cell, `detail` the kind of a definition."""

    title: str
    line: int
    depth: int
    kind: OutlineKind
    cell: str = ""
    detail: str = ""


class Heading(NamedTuple):
    """A heading of Markdown; `level` from 1, `line` from 0."""

    level: int
    title: str
    line: int


class Definition(NamedTuple):
    """A name that code defines; `kind` such as `function`, `line` from 0."""

    name: str
    kind: str
    line: int


class Section(NamedTuple):
    """What a heading stands above: lines `first_line` to `end_line` (not included), which are the
    cells after its own as far as the next heading of its level or a higher one. `cell` is the key
    of its own cell, `level` counts from 1."""

    cell: str
    level: int
    first_line: int
    end_line: int


def heading_level(cell: Cell) -> int:
    """The level of the highest heading of a Markdown cell, from 1; 0 without headings."""
    if cell.kind is not CellKind.MARKDOWN:
        return 0
    levels = (heading.level for heading in headings(cell.source.split("\n")))
    return min(levels, default=0)


def sections(cells: Sequence[Cell], levels: Sequence[int] | None = None) -> tuple[Section, ...]:
    """The sections of a document of cells, by the highest heading of each Markdown cell; those
    without cells are left out. `levels` are the heading levels of the cells, where they are
    known."""
    found: list[Section] = []
    pending: list[tuple[int, Cell]] = []

    def close(level: int, end_line: int) -> None:
        while pending and pending[-1][0] >= level:
            above, cell = pending.pop()
            if cell.end < end_line:
                found.append(Section(cell.key, above, cell.end, end_line))

    for cell, level in zip(cells, levels or map(heading_level, cells), strict=True):
        if level:
            close(level, cell.start)
            pending.append((level, cell))
    close(1, cells[-1].end if cells else 0)
    return tuple(sorted(found, key=lambda section: section.first_line))


def cell_name(cell: Cell) -> str:
    """The name of a cell: its title, its first heading, or its first line with text.

    An empty cell without a title is named by its number, from 1.
    """
    if cell.title:
        return cell.title
    lines = cell.source.split("\n")
    if cell.kind is CellKind.MARKDOWN and (heading := next(headings(lines), None)) is not None:
        return heading.title
    for line in lines:
        text = line.strip().lstrip("#/;-! \t") or ""
        if text:
            return text[:_LONGEST_NAME]
    return f"empty cell {cell.index + 1}"


def headings(lines: Iterable[str]) -> Iterator[Heading]:
    """The headings of Markdown in order: `# Title` and underlined; code blocks are skipped."""
    fence, paragraph, front_matter = "", "", False
    for number, line in enumerate(lines):
        if number == 0 and line.rstrip() == "---":
            front_matter = True
            continue
        if front_matter:
            front_matter = line.rstrip() not in ("---", "...")
            continue
        mark = _FENCE.fullmatch(line)
        if fence:
            if mark is not None and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
            continue
        if mark is not None and not (mark[1][0] == "`" and "`" in mark[2]):
            fence, paragraph = mark[1], ""
        elif (atx := _ATX.fullmatch(line)) is not None:
            if atx[2]:
                yield Heading(len(atx[1]), atx[2].strip()[:_LONGEST_NAME], number)
            paragraph = ""
        elif paragraph and (rule := _SETEXT.fullmatch(line)) is not None:
            yield Heading(
                1 if rule[1][0] == "=" else 2, paragraph.strip()[:_LONGEST_NAME], number - 1
            )
            paragraph = ""
        else:
            paragraph = "" if _NO_PARAGRAPH.match(line) else line


def outline(
    lines: Sequence[str],
    cells: Sequence[Cell] = (),
    definitions: Iterable[Definition] = (),
    *,
    is_markdown: bool = False,
) -> tuple[OutlineEntry, ...]:
    """The outline of a text with these cells and definitions; a Markdown file has headings only.
    A text without separators has no rows for cells."""
    if is_markdown:
        return tuple(_nested(list(headings(lines))))
    sorted_definitions = sorted(
        {
            definition
            for definition in map(Definition._make, definitions)
            if definition.kind in _NESTING
        },
        key=lambda definition: definition.line,
    )
    has_cells = len(cells) > 1 or (len(cells) == 1 and cells[0].body > cells[0].start)
    if not has_cells:
        return tuple(_definitions(sorted_definitions, lines, 0, cells[0].key if cells else ""))
    entries: list[OutlineEntry] = []
    levels: list[int] = []
    for cell in cells:
        if cell.kind is CellKind.MARKDOWN:
            entries += _prose(cell, levels)
        elif cell.kind is CellKind.RAW:
            depth, name = len(levels), cell_name(cell)
            entries.append(OutlineEntry(name, cell.start, depth, OutlineKind.PROSE, cell.key))
        elif not (cell.is_blank and cell.body == cell.start):  # blank lines above the first cell
            depth = len(levels)
            name = cell_name(cell)
            entries.append(OutlineEntry(name, cell.start, depth, OutlineKind.CELL, cell.key))
            first = bisect_left(sorted_definitions, cell.body, key=_line_of)
            inside = sorted_definitions[
                first : bisect_left(sorted_definitions, cell.end, key=_line_of)
            ]
            entries += _definitions(inside, lines, depth + 1, cell.key)
    return tuple(entries)


def _line_of(definition: Definition) -> int:
    return definition.line


def entry_at(entries: Sequence[OutlineEntry], line: int) -> int | None:
    """The index of the entry that contains a line; None above the first."""
    places = [place for place, entry in enumerate(entries) if entry.line <= line]
    return places[-1] if places else None


def _prose(cell: Cell, levels: list[int]) -> Iterator[OutlineEntry]:
    """The headings of a Markdown cell, or one row for it; `levels` are those of open headings."""
    is_titled = False
    for heading in headings(cell.source.split("\n")):
        is_titled = True
        yield _entry(heading, levels, cell.body, cell.key)
    if not is_titled and not cell.is_blank:
        yield OutlineEntry(cell_name(cell), cell.start, len(levels), OutlineKind.PROSE, cell.key)


def _entry(heading: Heading, levels: list[int], first: int, key: str = "") -> OutlineEntry:
    while levels and levels[-1] >= heading.level:
        levels.pop()
    depth = len(levels)
    levels.append(heading.level)
    return OutlineEntry(heading.title, first + heading.line, depth, OutlineKind.HEADING, key)


def _nested(markdown_headings: Sequence[Heading]) -> Iterator[OutlineEntry]:
    levels: list[int] = []
    for heading in markdown_headings:
        yield _entry(heading, levels, 0)


def _definitions(
    definitions: Iterable[Definition], lines: Sequence[str], depth: int, key: str
) -> Iterator[OutlineEntry]:
    """Definitions nested by their indentation."""
    open_indents: list[int] = []
    for definition in definitions:
        line = lines[definition.line] if definition.line < len(lines) else ""
        indent = len(line) - len(line.lstrip())
        while open_indents and open_indents[-1] >= indent:
            open_indents.pop()
        inside = depth + len(open_indents)
        open_indents.append(indent)
        yield OutlineEntry(
            definition.name, definition.line, inside, OutlineKind.DEFINITION, key, definition.kind
        )
