"""Operations on whole cells, as edits of the text and of the keys that cells have.

Each function returns a `CellEdit` and changes nothing. Cells are named by their index, `first` and
`last` both included. Metadata, attachments and outputs are found by key, so that one undo of text
and keys undoes everything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from codeexec.documents.cell_language import script_word
from codeexec.documents.fenced.cells import outer_fence
from codeexec.documents.fenced.cells import with_language as with_fence_language
from codeexec.documents.model import CellKind
from codeexec.documents.percent.attributes import only_language, with_language
from codeexec.documents.percent.cells import (
    CellIndex,
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
class CopiedCell:
    """A cell without its place: `separator` is its first line, `source` its text as it is run or
    read; `raw` its JSON, if it is one of a notebook. `language` is empty for that of the
    document."""

    kind: CellKind
    separator: Separator
    source: str
    key: str
    raw: dict[str, Any] | None = None
    language: str = ""


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
class _Block:
    """A cell with its lines in the text; `head` is empty for text above the first separator, and
    for prose of a Markdown file. `foot` closes a fence."""

    head: str
    body: tuple[str, ...]
    key: str
    foot: str = ""


# -- operations --------------------------------------------------------------------------------


def insert_cell(text: CellText, at: int, kind: CellKind = CellKind.CODE) -> CellEdit:
    """A new empty cell that becomes cell `at`."""
    block = _block_of(text, Separator(kind), "", text.index.fresh_key())
    return _insert(text, at, [block])


def delete_cells(text: CellText, first: int, last: int) -> CellEdit:
    """Without these cells; an empty code cell stays if there is no other."""
    if first == 0 and last == len(text.index) - 1:
        empty = _block_of(text, Separator(), "", text.index.fresh_key())
        return _replace(text, first, last, [empty], range(1))
    left = len(text.index) - (last - first + 1)
    place = min(first, left - 1)
    return _replace(text, first, last, [], range(place, place + 1))


def move_cells(text: CellText, first: int, last: int, by: int) -> CellEdit:
    """The cells `by` places further down, or up if it is negative, as far as there are cells."""
    by = max(-first, min(by, len(text.index) - 1 - last))
    start, end = min(first, first + by), max(last, last + by)
    blocks = _blocks(text, start, end)
    own = blocks[first - start : last - start + 1]
    others = blocks[: first - start] + blocks[last - start + 1 :]
    at = first + by - start
    select = range(first + by, last + by + 1)
    return _replace(text, start, end, [*others[:at], *own, *others[at:]], select)


def copy_cells(text: CellText, first: int, last: int) -> tuple[CopiedCell, ...]:
    """The cells as they can be put into any document."""
    copied = []
    for index, block in enumerate(_blocks(text, first, last), first):
        separator = _separator_of(text, block)
        language = text.index.form(index).language
        key, source = text.index.key(index), _source(text, block)
        copied.append(CopiedCell(separator.kind, separator, source, key, None, language))
    return tuple(copied)


def paste_cells(text: CellText, at: int, copied: Sequence[CopiedCell]) -> CellEdit:
    """Copies of cells, of which the first becomes cell `at`. Their ids are free to be used again,
    as after a cut."""
    blocks, derived = [], []
    for cell in copied:
        is_of_kind = cell.separator.is_fence == text.index.is_fenced
        separator = cell.separator if is_of_kind else _converted(text, cell)
        block = _block_of(text, separator, cell.source, text.index.fresh_key())
        blocks.append(block)
        if cell.raw is not None:
            derived.append(Derived(block.key, (), cell.raw, keeps_id=True, keeps_outputs=True))
    return replace(_insert(text, at, blocks), derived=tuple(derived))


def _converted(text: CellText, cell: CopiedCell) -> Separator:
    """The first line of a cell of Markdown in a text with separators, or the other way round."""
    if not cell.language:
        return Separator(cell.kind)
    if text.index.is_fenced:
        info = with_fence_language(text.index.info, cell.language)
        return Separator(cell.kind, "", info, is_fence=True)
    return Separator(cell.kind, "", with_language("", script_word(cell.language)))


def split_cell(text: CellText, line: int, column: int) -> CellEdit:
    """Two cells instead of the one that has this place; the first keeps the outputs."""
    index = text.index.at(line)
    (block,) = _blocks(text, index, index)
    start, _ = text.index.span(index)
    separator = _separator_of(text, block)
    body_line = line - start - bool(block.head)
    if body_line < 0:
        body_line, column = 0, 0
    above, below = list(block.body[:body_line]), list(block.body[body_line:])
    if below:
        cut = below[0]
        is_comment = separator.kind is not CellKind.CODE and not text.index.is_fenced
        prefix = _prefix(cut, text.index.marker) if is_comment else ""
        column = max(column, len(prefix)) if column else 0
        head_part, tail_part = cut[:column].rstrip(), cut[column:]
        if column and (head_part or tail_part):
            if head_part.strip() and head_part.strip() != (text.index.marker or None):
                above.append(head_part)
            below[0] = prefix + tail_part
        if tail_part == "" and column:
            del below[0]
    key = text.index.fresh_key()
    second = _block_of(text, _like(text, separator), "", key)
    blocks = [
        replace(block, body=tuple(_without_blank_end(above))),
        replace(second, body=tuple(_without_blank_start(below))),
    ]
    edit = _replace(text, index, index, blocks, range(index + 1, index + 2))
    return replace(edit, derived=(Derived(key, (block.key,)),))


def merge_cells(text: CellText, first: int, last: int) -> CellEdit:
    """One cell of the kind of the first, with a blank line between the sources."""
    blocks = _blocks(text, first, last)
    separator = _separator_of(text, blocks[0])
    sources = [_source(text, block) for block in blocks]
    kept = [source for source in sources if source.strip()]
    is_prose = separator.kind is not CellKind.CODE
    key = text.index.fresh_key() if is_prose else blocks[0].key
    merged = _block_of(text, separator, "\n\n".join(kept), key)
    if not blocks[0].head and not text.index.is_fenced:
        merged = replace(merged, head="")
    edit = _replace(text, first, last, [merged], range(first, first + 1))
    if not is_prose:
        return edit
    # Attachments belong to the cell whose text names them.
    origin = tuple(block.key for block in blocks)
    return replace(edit, derived=(Derived(key, origin, keeps_id=True),))


def change_kind(text: CellText, first: int, last: int, kind: CellKind) -> CellEdit:
    """The cells as code, Markdown or raw text, with the same source and the same keys."""
    blocks = []
    for block in _blocks(text, first, last):
        separator = _separator_of(text, block)
        if separator.kind is kind or (text.index.is_fenced and kind is CellKind.RAW):
            blocks.append(block)
            continue
        key = block.key if block.head or text.index.is_fenced else text.index.fresh_key()
        changed = replace(separator, kind=kind)
        blocks.append(_block_of(text, changed, _source(text, block), key))
    return _replace(text, first, last, blocks, range(first, last + 1))


def set_language(text: CellText, first: int, last: int, language: str) -> CellEdit:
    """The cells as code in this language (empty: that of the document), with the same source and
    the same keys."""
    index, blocks = text.index, []
    for number, block in enumerate(_blocks(text, first, last), first):
        separator = _separator_of(text, block)
        if separator.kind is CellKind.CODE and index.form(number).language == language:
            blocks.append(block)
            continue
        key = block.key if block.head or index.is_fenced else index.fresh_key()
        changed = _in_language(text, separator, language)
        blocks.append(_block_of(text, changed, _source(text, block), key))
    return _replace(text, first, last, blocks, range(first, last + 1))


def insert_in_language(text: CellText, at: int, language: str) -> CellEdit:
    """A new empty code cell in this language that becomes cell `at`."""
    separator = _in_language(text, Separator(), language)
    return _insert(text, at, [_block_of(text, separator, "", text.index.fresh_key())])


def _in_language(text: CellText, separator: Separator, language: str) -> Separator:
    if text.index.is_fenced:
        info = separator.attributes if separator.is_fence else text.index.info
        info = with_fence_language(info, language or text.index.language)
        return Separator(CellKind.CODE, "", info, is_fence=True)
    word = language if text.index.escaped or not language else script_word(language)
    attributes = with_language(separator.attributes, word)
    return replace(separator, kind=CellKind.CODE, attributes=attributes)


def clear_outputs(text: CellText, first: int, last: int) -> CellEdit:
    """The same cells with new keys, to which no output belongs."""
    blocks, derived = [], []
    for block in _blocks(text, first, last):
        separator = _separator_of(text, block)
        if separator.kind is CellKind.CODE and block.head:
            key = text.index.fresh_key()
            derived.append(Derived(key, (block.key,), keeps_id=True))
            block = replace(block, key=key)
        blocks.append(block)
    edit = _replace(text, first, last, blocks, range(first, last + 1))
    return replace(edit, derived=tuple(derived))


# -- lines ---------------------------------------------------------------------------------------


def _blocks(text: CellText, first: int, last: int) -> list[_Block]:
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
        blocks.append(_Block(head, body, text.index.key(index), foot))
    return blocks


def _foot_line(text: CellText, start: int, end: int) -> int | None:
    """The line that closes the fence of a cell; the lines below it are blank."""
    for line in range(end - 1, start, -1):
        if text.lines[line].strip():
            return line if text.index.is_foot(line) else None
    return None


def _separator_of(text: CellText, block: _Block) -> Separator:
    if not text.index.is_fenced:
        return parse_separator(block.head, text.index.marker) or Separator()
    match = _OPENING.match(block.head)
    if match is None:
        return Separator(CellKind.MARKDOWN)
    return Separator(CellKind.CODE, "", block.head[match.end() :].strip(), is_fence=True)


def _like(text: CellText, separator: Separator) -> Separator:
    """A separator of the same kind, for a cell of its own."""
    if text.index.is_fenced:
        return separator
    return Separator(separator.kind, "", only_language(separator.attributes))


def _source(text: CellText, block: _Block) -> str:
    """The source of a cell, without the blank lines at its end."""
    lines = _without_blank_end(block.body)
    if text.index.escaped:
        lines = [unescape(line, text.index.marker) for line in lines]
    if text.index.is_fenced:
        return "\n".join(lines)
    separator = _separator_of(text, block)
    source = "\n".join(lines)
    if separator.kind is CellKind.CODE:
        form = text.index.form_of(separator)
        return code_of(source, form._replace(magic=""), text.index.marker)
    return uncomment(source, text.index.marker)


def _block_of(text: CellText, separator: Separator, source: str, key: str) -> _Block:
    if text.index.is_fenced:
        return _fenced_block(text, separator, source, key)
    marker = text.index.marker
    is_code = separator.kind is CellKind.CODE
    is_plain = is_code and not text.index.form_of(separator).is_commented
    shown = source if is_plain or not source else comment(source, marker)
    lines = shown.split("\n") if shown else []
    if text.index.escaped:
        lines = [escape(line, marker) for line in lines]
    return _Block(separator.render(marker), tuple(lines), key)


def _fenced_block(text: CellText, separator: Separator, source: str, key: str) -> _Block:
    lines = tuple(source.split("\n")) if source else ()
    if separator.kind is not CellKind.CODE:
        return _Block("", lines or ("Text",), key)
    fence = outer_fence(source)
    info = separator.attributes if separator.is_fence else text.index.info
    return _Block(fence + info, lines, key, fence)


def _insert(text: CellText, at: int, blocks: Sequence[_Block]) -> CellEdit:
    count = len(text.index)
    at = max(0, min(at, count))
    select = range(at, at + len(blocks))
    neighbour = min(at, count - 1)
    (old,) = _blocks(text, neighbour, neighbour)
    if not old.head and not any(line.strip() for line in old.body):
        return _replace(text, neighbour, neighbour, list(blocks), range(len(blocks)))
    both = [*blocks, old] if at <= neighbour else [old, *blocks]
    return _replace(text, neighbour, neighbour, both, select)


def _replace(
    text: CellText, first: int, last: int, blocks: Sequence[_Block], select: range
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
        lines += (_without_blank_end(block.body) or [""]) if block.foot else block.body
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


def _prefix(line: str, marker: str) -> str:
    if line.startswith(f"{marker} "):
        return f"{marker} "
    return marker if line.startswith(marker) else ""


def _without_blank_end(lines: Sequence[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return list(lines[:end])


def _without_blank_start(lines: Sequence[str]) -> list[str]:
    start = 0
    while start < len(lines) and not lines[start].strip():
        start += 1
    return list(lines[start:])
