"""Operations on whole cells, as edits of the text and of the keys that cells have.

Each function returns a `CellEdit` and changes nothing. Cells are named by their index, `first` and
`last` both included. Metadata, attachments and outputs are found by key, so that one undo of text
and keys undoes everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from codeexec.documents.cell_blocks import (
    CellEdit,
    CellText,
    Derived,
    block_of,
    blocks_of,
    comment_prefix,
    insert_blocks,
    replace_blocks,
    separator_like,
    separator_of,
    source_of,
    without_blank_end,
    without_blank_start,
)
from codeexec.documents.cell_language import script_word
from codeexec.documents.fenced.cells import with_language as with_fence_language
from codeexec.documents.model import CellKind
from codeexec.documents.percent.attributes import with_language
from codeexec.documents.percent.separators import Separator


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


# -- operations --------------------------------------------------------------------------------


def insert_cell(text: CellText, at: int, kind: CellKind = CellKind.CODE) -> CellEdit:
    """A new empty cell that becomes cell `at`."""
    block = block_of(text, Separator(kind), "", text.index.fresh_key())
    return insert_blocks(text, at, [block])


def delete_cells(text: CellText, first: int, last: int) -> CellEdit:
    """Without these cells; an empty code cell stays if there is no other."""
    if first == 0 and last == len(text.index) - 1:
        empty = block_of(text, Separator(), "", text.index.fresh_key())
        return replace_blocks(text, first, last, [empty], range(1))
    left = len(text.index) - (last - first + 1)
    place = min(first, left - 1)
    return replace_blocks(text, first, last, [], range(place, place + 1))


def move_cells(text: CellText, first: int, last: int, by: int) -> CellEdit:
    """The cells `by` places further down, or up if it is negative, as far as there are cells."""
    by = max(-first, min(by, len(text.index) - 1 - last))
    start, end = min(first, first + by), max(last, last + by)
    blocks = blocks_of(text, start, end)
    own = blocks[first - start : last - start + 1]
    others = blocks[: first - start] + blocks[last - start + 1 :]
    at = first + by - start
    select = range(first + by, last + by + 1)
    return replace_blocks(text, start, end, [*others[:at], *own, *others[at:]], select)


def copy_cells(text: CellText, first: int, last: int) -> tuple[CopiedCell, ...]:
    """The cells as they can be put into any document."""
    copied = []
    for index, block in enumerate(blocks_of(text, first, last), first):
        separator = separator_of(text, block)
        language = text.index.form(index).language
        key, source = text.index.key(index), source_of(text, block)
        copied.append(CopiedCell(separator.kind, separator, source, key, None, language))
    return tuple(copied)


def paste_cells(text: CellText, at: int, copied: Sequence[CopiedCell]) -> CellEdit:
    """Copies of cells, of which the first becomes cell `at`. Their ids are free to be used again,
    as after a cut."""
    blocks, derived = [], []
    for cell in copied:
        is_of_kind = cell.separator.is_fence == text.index.is_fenced
        separator = cell.separator if is_of_kind else _converted(text, cell)
        block = block_of(text, separator, cell.source, text.index.fresh_key())
        blocks.append(block)
        if cell.raw is not None:
            derived.append(Derived(block.key, (), cell.raw, keeps_id=True, keeps_outputs=True))
    return replace(insert_blocks(text, at, blocks), derived=tuple(derived))


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
    (block,) = blocks_of(text, index, index)
    start, _ = text.index.span(index)
    separator = separator_of(text, block)
    body_line = line - start - bool(block.head)
    if body_line < 0:
        body_line, column = 0, 0
    above, below = list(block.body[:body_line]), list(block.body[body_line:])
    if below:
        cut = below[0]
        is_comment = separator.kind is not CellKind.CODE and not text.index.is_fenced
        prefix = comment_prefix(cut, text.index.marker) if is_comment else ""
        column = max(column, len(prefix)) if column else 0
        head_part, tail_part = cut[:column].rstrip(), cut[column:]
        if column and (head_part or tail_part):
            if head_part.strip() and head_part.strip() != (text.index.marker or None):
                above.append(head_part)
            below[0] = prefix + tail_part
        if tail_part == "" and column:
            del below[0]
    key = text.index.fresh_key()
    second = block_of(text, separator_like(text, separator), "", key)
    blocks = [
        replace(block, body=tuple(without_blank_end(above))),
        replace(second, body=tuple(without_blank_start(below))),
    ]
    edit = replace_blocks(text, index, index, blocks, range(index + 1, index + 2))
    return replace(edit, derived=(Derived(key, (block.key,)),))


def merge_cells(text: CellText, first: int, last: int) -> CellEdit:
    """One cell of the kind of the first, with a blank line between the sources."""
    blocks = blocks_of(text, first, last)
    separator = separator_of(text, blocks[0])
    sources = [source_of(text, block) for block in blocks]
    kept = [source for source in sources if source.strip()]
    is_prose = separator.kind is not CellKind.CODE
    key = text.index.fresh_key() if is_prose else blocks[0].key
    merged = block_of(text, separator, "\n\n".join(kept), key)
    if not blocks[0].head and not text.index.is_fenced:
        merged = replace(merged, head="")
    edit = replace_blocks(text, first, last, [merged], range(first, first + 1))
    if not is_prose:
        return edit
    # Attachments belong to the cell whose text names them.
    origin = tuple(block.key for block in blocks)
    return replace(edit, derived=(Derived(key, origin, keeps_id=True),))


def change_kind(text: CellText, first: int, last: int, kind: CellKind) -> CellEdit:
    """The cells as code, Markdown or raw text, with the same source and the same keys."""
    blocks = []
    for block in blocks_of(text, first, last):
        separator = separator_of(text, block)
        if separator.kind is kind or (text.index.is_fenced and kind is CellKind.RAW):
            blocks.append(block)
            continue
        key = block.key if block.head or text.index.is_fenced else text.index.fresh_key()
        changed = replace(separator, kind=kind)
        blocks.append(block_of(text, changed, source_of(text, block), key))
    return replace_blocks(text, first, last, blocks, range(first, last + 1))


def set_language(text: CellText, first: int, last: int, language: str) -> CellEdit:
    """The cells as code in this language (empty: that of the document), with the same source and
    the same keys."""
    index, blocks = text.index, []
    for number, block in enumerate(blocks_of(text, first, last), first):
        separator = separator_of(text, block)
        if separator.kind is CellKind.CODE and index.form(number).language == language:
            blocks.append(block)
            continue
        key = block.key if block.head or index.is_fenced else index.fresh_key()
        changed = _in_language(text, separator, language)
        blocks.append(block_of(text, changed, source_of(text, block), key))
    return replace_blocks(text, first, last, blocks, range(first, last + 1))


def insert_in_language(text: CellText, at: int, language: str) -> CellEdit:
    """A new empty code cell in this language that becomes cell `at`."""
    separator = _in_language(text, Separator(), language)
    return insert_blocks(text, at, [block_of(text, separator, "", text.index.fresh_key())])


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
    for block in blocks_of(text, first, last):
        separator = separator_of(text, block)
        if separator.kind is CellKind.CODE and block.head:
            key = text.index.fresh_key()
            derived.append(Derived(key, (block.key,), keeps_id=True))
            block = replace(block, key=key)
        blocks.append(block)
    edit = replace_blocks(text, first, last, blocks, range(first, last + 1))
    return replace(edit, derived=tuple(derived))
