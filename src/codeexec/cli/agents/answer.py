"""Answers to agents: text within a budget, the same as data, and pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CHARACTERS = 8000
"""Characters of output in one answer, about 2,000 tokens."""

ROW_CHARACTERS = 1000
"""Characters of one row; a longer one is cut."""

_CUT = re.compile(r"… ([\d,]+) more characters\Z")
"""The end of a row that `domain.outputs.clip_row` has cut."""


@dataclass(frozen=True, slots=True)
class ToolPicture:
    """A picture as the bytes of a file of this type."""

    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """`text` is what an agent reads, `data` the same for programs."""

    text: str
    data: Mapping[str, object] = field(default_factory=dict)
    pictures: tuple[ToolPicture, ...] = ()


def clipped(text: str, limit: int = ROW_CHARACTERS) -> str:
    """The beginning of a text; how much more there is stands behind it."""
    if len(text) <= limit:
        return text
    length = len(text)
    if (cut := _CUT.search(text)) is not None:
        # The server has cut the row already.
        length = cut.start() + int(cut[1].replace(",", ""))
    return f"{text[:limit]}… {length - limit:,} more characters"


def head_and_tail(lines: Sequence[str], limit: int = CHARACTERS) -> str:
    """Lines that fit into the budget: from the beginning and from the end; how many are left out
    between them stands there."""
    if sum(len(line) + 1 for line in lines) <= limit:
        return "\n".join(lines)
    head = fitting(lines, limit // 2)
    tail = fitting(lines[: head - len(lines) - 1 : -1] if head else lines[::-1], limit // 2)
    tail = min(tail, len(lines) - head)
    left = f"… {len(lines) - head - tail:,} lines left out …"
    return "\n".join([*lines[:head], left, *lines[len(lines) - tail :]])


def fitting(lines: Sequence[str], limit: int) -> int:
    """How many of the first lines fit into `limit` characters; at least one."""
    size = 0
    for count, line in enumerate(lines):
        size += len(line) + 1
        if size > limit and count:
            return count
    return len(lines)
