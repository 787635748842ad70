"""Fenced blocks in Markdown cells of a percent script: lines inside do not begin a cell.

A comment in mermaid begins with `%%`. https://spec.commonmark.org/0.31.2/#fenced-code-blocks
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def may_fence(line: str) -> bool:
    """Whether the line may begin or end a fenced block."""
    return "```" in line or "~~~" in line


def fenced_marks(marks: Sequence[tuple[int, bool]], fences: Iterable[tuple[int, str]]) -> set[int]:
    """The lines of `marks` that are inside a fenced block.

    `marks` are lines that read as separators, with whether their cell is Markdown; `fences` are
    lines that may begin or end a block, without comment markers. Both are in order. A block
    without an end is ignored.
    """
    events: list[tuple[int, str | None, bool]] = [(line, None, text) for line, text in marks]
    events += [(line, text, False) for line, text in fences]
    events.sort(key=lambda event: event[0])
    inside: set[int] = set()
    is_text, opened = False, ""
    for number, (line, fence, begins_text) in enumerate(events):
        if fence is None:
            if opened:
                inside.add(line)
            else:
                is_text = begins_text
        elif opened:
            if _closes(fence, opened):
                opened = ""
        elif is_text and (opening := _opening(fence)):
            later = (text for _, text, _ in events[number + 1 :] if text is not None)
            if any(_closes(text, opening) for text in later):
                opened = opening
    return inside


def _opening(text: str) -> str:
    """The fence of a block that begins with this line; empty: no block begins."""
    match = _FENCE.fullmatch(text)
    return match[1] if match and not (match[1][0] == "`" and "`" in match[2]) else ""


def _closes(text: str, opened: str) -> bool:
    match = _FENCE.fullmatch(text)
    return match is not None and match[1].startswith(opened) and not match[2].strip()
