"""Cells of a text as blocks of lines, and edits that put other blocks in place of some."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codeexec.documents.fenced.cells import outer_fence
from codeexec.documents.model import CellKind
from codeexec.documents.percent.attributes import only_language
from codeexec.documents.percent.cells import CellIndex
from codeexec.documents.percent.separators import (
    Separator,
    code_of,
    comment,
    escape,
    parse_separator,
    uncomment,
    unescape,
)

_OPENING = re.compile(r" {0,3}(?:`{3,}|~{3,})")
"""How a fence of Markdown begins."""


@dataclass(frozen=True, slots=True)
class CellText:
    """The lines of a text and the index of its cells."""

    lines: Sequence[str]
    index: CellIndex


@dataclass(frozen=True, slots=True)
class Derived:
    """Where a new cell has its metadata from: the cells `sources` (attachments of all of them, the
    rest of the first), or `raw`. Without `keeps_id` it gets an id of its own."""

    key: str
    sources: tuple[str, ...] = ()
    raw: dict[str, Any] | None = None
    keeps_id: bool = False
    keeps_outputs: bool = False


@dataclass(frozen=True, slots=True)
class CellEdit:
    """Lines `first_line` to `end_line` (not included) become `lines`. Afterwards `keys` are those
    of all cells; `derived` are the new ones that are not empty of metadata, `select` the indices of
    the cells to select, and `caret` a line and column."""

    first_line: int
    end_line: int
    lines: tuple[str, ...]
    keys: tuple[str, ...]
    select: range
    caret: tuple[int, int]
    derived: tuple[Derived, ...] = ()


@dataclass(frozen=True, slots=True)
class CellBlock:
    """A cell with its lines in the text; `head` is empty for text above the first separator, and
    for prose of a Markdown file. `foot` closes a fence."""

    head: str
    body: tuple[str, ...]
    key: str
    foot: str = ""


def blocks_of(text: CellText, first: int, last: int) -> list[CellBlock]:
    blocks = []
    for index in range(first, last + 1):
        start, end = text.index.span(index)
        separator = text.index.separator_at(start)
        has_head = separator is not None
        head = text.lines[start] if separator is not None else ""
        if separator is not None and separator.is_mark:
            head = Separator().render(text.index.marker)
        foot_line = _foot_line(text, start, end)
        body = tuple(text.lines[start + has_head : end if foot_line is None else foot_line])
        foot = "" if foot_line is None else text.lines[foot_line]
        blocks.append(CellBlock(head, body, text.index.key(index), foot))
    return blocks


def _foot_line(text: CellText, start: int, end: int) -> int | None:
    """The line that closes the fence of a cell; the lines below it are blank."""
    for line in range(end - 1, start, -1):
        if text.lines[line].strip():
            return line if text.index.is_foot(line) else None
    return None


def separator_of(text: CellText, block: CellBlock) -> Separator:
    if not text.index.is_fenced:
        return parse_separator(block.head, text.index.marker) or Separator()
    match = _OPENING.match(block.head)
    if match is None:
        return Separator(CellKind.MARKDOWN)
    return Separator(CellKind.CODE, "", block.head[match.end() :].strip(), is_fence=True)


def separator_like(text: CellText, separator: Separator) -> Separator:
    """A separator of the same kind, for a cell of its own."""
    if text.index.is_fenced:
        return separator
    return Separator(separator.kind, "", only_language(separator.attributes))


def source_of(text: CellText, block: CellBlock) -> str:
    """The source of a cell, without the blank lines at its end."""
    lines = without_blank_end(block.body)
    if text.index.escaped:
        lines = [unescape(line, text.index.marker) for line in lines]
    if text.index.is_fenced:
        return "\n".join(lines)
    separator = separator_of(text, block)
    source = "\n".join(lines)
    if separator.kind is CellKind.CODE:
        form = text.index.form_of(separator)
        return code_of(source, form._replace(magic=""), text.index.marker)
    return uncomment(source, text.index.marker)


def block_of(text: CellText, separator: Separator, source: str, key: str) -> CellBlock:
    if text.index.is_fenced:
        return _fenced_block(text, separator, source, key)
    marker = text.index.marker
    is_code = separator.kind is CellKind.CODE
    is_plain = is_code and not text.index.form_of(separator).is_commented
    shown = source if is_plain or not source else comment(source, marker)
    lines = shown.split("\n") if shown else []
    if text.index.escaped:
        lines = [escape(line, marker) for line in lines]
    return CellBlock(separator.render(marker), tuple(lines), key)


def _fenced_block(text: CellText, separator: Separator, source: str, key: str) -> CellBlock:
    lines = tuple(source.split("\n")) if source else ()
    if separator.kind is not CellKind.CODE:
        return CellBlock("", lines or ("Text",), key)
    fence = outer_fence(source)
    info = separator.attributes if separator.is_fence else text.index.info
    return CellBlock(fence + info, lines, key, fence)


def insert_blocks(text: CellText, at: int, blocks: Sequence[CellBlock]) -> CellEdit:
    count = len(text.index)
    at = max(0, min(at, count))
    select = range(at, at + len(blocks))
    neighbour = min(at, count - 1)
    (old,) = blocks_of(text, neighbour, neighbour)
    if not old.head and not any(line.strip() for line in old.body):
        return replace_blocks(text, neighbour, neighbour, list(blocks), range(len(blocks)))
    both = [*blocks, old] if at <= neighbour else [old, *blocks]
    return replace_blocks(text, neighbour, neighbour, both, select)


def replace_blocks(
    text: CellText, first: int, last: int, blocks: Sequence[CellBlock], select: range
) -> CellEdit:
    """Cells `first` to `last` become `blocks`."""
    index = text.index
    start, end = index.span(first)[0], index.span(last)[1]
    is_end = last == len(index) - 1
    ends_with_newline = not text.lines or not text.lines[-1]
    lines: list[str] = []
    keys: list[str] = []
    places: list[int] = []
    for place, block in enumerate(blocks):
        head, key = block.head, block.key
        if not head and first + place > 0 and not index.is_fenced:
            head, key = Separator().render(index.marker), index.fresh_key()
        places.append(start + len(lines))
        keys.append(key)
        lines += [head] if head else []
        # A fence has a line to write in.
        lines += (without_blank_end(block.body) or [""]) if block.foot else block.body
        lines += [block.foot] if block.foot else []
        is_last = is_end and place == len(blocks) - 1
        if (not is_last or ends_with_newline) and (not lines or lines[-1].strip()):
            lines.append("")
    all_keys = (*index.keys[:first], *keys, *index.keys[last + 1 :])
    after = _After(text.lines, start, end, lines)
    if select[0] < first:
        caret_line = index.span(select[0])[0]
    elif select[0] < first + len(places):
        caret_line = places[select[0] - first]
    else:
        caret_line = start + len(lines)
    if index.is_fenced:
        is_separator = _OPENING.match(after.line(caret_line)) is not None
    else:
        is_separator = parse_separator(after.line(caret_line), index.marker) is not None
    has_more = caret_line + 1 < after.count
    caret = (caret_line + (is_separator and has_more), 0)
    return CellEdit(start, end, tuple(lines), all_keys, select, caret)


@dataclass(frozen=True, slots=True)
class _After:
    """The lines of a text of which those from `start` to `end` become `inserted`."""

    old: Sequence[str]
    start: int
    end: int
    inserted: Sequence[str]

    @property
    def count(self) -> int:
        return len(self.old) - (self.end - self.start) + len(self.inserted)

    def line(self, place: int) -> str:
        if place < self.start:
            return self.old[place]
        if place < self.start + len(self.inserted):
            return self.inserted[place - self.start]
        place += self.end - self.start - len(self.inserted)
        return self.old[place] if place < len(self.old) else ""


def comment_prefix(line: str, marker: str) -> str:
    if line.startswith(f"{marker} "):
        return f"{marker} "
    return marker if line.startswith(marker) else ""


def without_blank_end(lines: Sequence[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return list(lines[:end])


def without_blank_start(lines: Sequence[str]) -> list[str]:
    start = 0
    while start < len(lines) and not lines[start].strip():
        start += 1
    return list(lines[start:])
