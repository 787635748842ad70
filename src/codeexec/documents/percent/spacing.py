"""Blank lines between the cells of a Python percent script: two around functions and classes, as
in jupytext, which follows PEP 8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from codeexec.documents.percent.strings import quote_after

_DEFINITIONS = ("def ", "async ", "class ")


def join_cells(blocks: Sequence[Sequence[str]], language: str) -> str:
    """The text of cells, given the lines of each with its separator."""
    if not blocks:
        return ""
    # Readers drop blank lines at the end of the file, as those before a separator.
    chunks: list[Sequence[str]] = [[""] if blocks[-1][-1] else ["", ""], blocks[-1]]
    for block in reversed(blocks[:-1]):
        count = _blank_lines(block, chunks) if language == "python" else 1
        chunks += [[""] * count, block]
    return "\n".join(_lines(chunks))


def _lines(chunks: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of chunks that are in reverse order."""
    return chain.from_iterable(reversed(chunks))


def _blank_lines(block: Sequence[str], following: Sequence[Sequence[str]]) -> int:
    """The number of blank lines between a cell and the chunks after it, the last first."""
    if not block[-1].strip():
        return 1  # after a blank line a reader takes the second for a part of the cell
    if _ends_with_definition(block):
        return 2 if _has_code(_lines(following)) else 1
    if not block[-1].startswith("#") and _begins_with_definition(_lines(following)):
        return 2
    return 1


def _outside_strings(lines: Iterable[str]) -> Iterator[str]:
    quote = ""
    for line in lines:
        if not quote:
            yield line
        quote = quote_after(line, quote)


def _instructions(lines: Iterable[str]) -> Iterator[str]:
    """The lines that are not blank, before the first two consecutive blank lines."""
    after_blank = False
    for line in lines:
        is_blank = not line.strip()
        if is_blank and after_blank:
            return
        if not is_blank:
            yield line
        after_blank = is_blank


def _ends_with_definition(lines: Sequence[str]) -> bool:
    backwards = _instructions(reversed(list(_outside_strings(lines))))
    last = (line for line in backwards if not line.startswith(("#", " ", ")")))
    return next(last, "").startswith(_DEFINITIONS)


def _begins_with_definition(lines: Iterable[str]) -> bool:
    forwards = _instructions(_outside_strings(lines))
    first = (line for line in forwards if not line.startswith(("#", "@", " ", ")")))
    return next(first, "").startswith(_DEFINITIONS)


def _has_code(lines: Iterable[str]) -> bool:
    return any(not line.lstrip().startswith("#") for line in _instructions(lines))
