"""Parts a large notebook into its cells piece by piece, so that it is never in memory as a whole.

A parser for the whole text would touch each page of a mapped file. Here cells are found by the
bytes between two of them, which are only taken for a boundary if each part is a JSON object and
the rest, with one cell, a notebook; otherwise the text is left to that parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain

from codeexec.documents.notebook.raw_json import Piece, SplitJson, split_list, split_object

LARGE = 8 << 20
"""Bytes from which a text is parted so."""

_MOST_REST = 32 << 20
"""Largest text beside all cells but the last, in bytes: it is copied."""

_SPACE = rb"[ \t\r\n]*"
_CELLS = re.compile(rb'"cells"' + _SPACE + rb":" + _SPACE + rb"\[" + _SPACE + rb"(?=\{)")
_BOUNDARY = re.compile(
    rb"\}"
    + _SPACE
    + rb","
    + _SPACE
    + rb"(?=\{"
    + _SPACE
    + rb'"(?:attachments|cell_type|execution_count|id|source)"'
    + _SPACE
    + rb":)"
)
"""Between two cells. A string has no quote without a backslash before it, so that this stands in
one only if the string ends with the brace."""


def split_in_parts(
    text: memoryview, read: Callable[[int], None], most_cells: int
) -> tuple[SplitJson, SplitJson] | None:
    """The members of a notebook and its cells, as `split_object` and `split_list` part them; None
    where that cannot be said in this way. `read` is called with the number of bytes that were
    read, as often as a cell was found."""
    head = _CELLS.search(text)
    if head is None or head.end() > _MOST_REST:
        return None
    bracket = text[: head.end()].tobytes().rindex(b"[")
    starts, ends = [head.end()], []
    for boundary in _BOUNDARY.finditer(text, head.end()):
        ends.append(boundary.start() + 1)
        starts.append(boundary.end())
        if len(starts) > most_cells:
            return None
        read(starts[-1] - starts[-2])
    if len(text) - starts[-1] + head.end() > _MOST_REST:
        return None
    rest = _rest(text, bracket, starts[-1])
    if rest is None:
        return None
    members, last = rest
    ends.append(starts[-1] + len(last))
    at = members.names.index("cells")
    list_end = len(text) - len(members.end) - _length(members, slice(at + 1, None))
    gaps = [
        text[bracket : starts[0]],
        *(text[end:start] for end, start in zip(ends, starts[1:], strict=False)),
    ]
    values = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    cells = SplitJson((), gaps, (b"",) * len(gaps), values, text[ends[-1] : list_end])
    all_values = [*members.values]
    all_values[at] = text[bracket:list_end]
    whole = SplitJson(members.names, members.gaps, members.keys, all_values, members.end)
    return whole, cells


def _rest(text: memoryview, bracket: int, last_start: int) -> tuple[SplitJson, Piece] | None:
    """The members of the notebook with its last cell alone, and that cell; None if that is no
    notebook, or its cells are not those that begin at `bracket`."""
    small = text[: bracket + 1].tobytes() + text[last_start:].tobytes()
    try:
        members = split_object(small)
        if members.names.count("cells") != 1:
            return None
        at = members.names.index("cells")
        cells = split_list(members.values[at])
    except ValueError:
        return None
    start = _length(members, slice(at)) + len(members.gaps[at]) + len(members.keys[at])
    is_there = start == bracket
    return (members, cells.values[0]) if is_there and len(cells.values) == 1 else None


def _length(members: SplitJson, part: slice) -> int:
    """Bytes of some of the members."""
    return sum(map(len, chain(members.gaps[part], members.keys[part], members.values[part])))
