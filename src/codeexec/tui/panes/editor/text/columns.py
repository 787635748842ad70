"""Convert text columns to terminal cells and back: tabs, wide characters, long lines."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len, split_graphemes

from codeexec.domain.text.printable import MARK, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = 20_000
"""Characters from which a line is measured in blocks, each character for itself."""
_BLOCK = 4096


# It takes 3 ms to be made, and a text in ASCII never needs it.
@cache
def _wide() -> re.Pattern[str]:
    return re.compile(
        r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\U0001f300-\U0001faff\U00020000-\U0003fffd]"
    )


def is_plain(line: str) -> bool:
    """Is each character of the line one cell wide? Then column and cell are the same."""
    return line.isascii() and (len(line) > LONG or line.isprintable())


@lru_cache(maxsize=1024)
def _graphemes(line: str) -> tuple[str, list[tuple[int, int, int]]]:
    """The line without what acts on a terminal, and start, end and width of its graphemes."""
    safe = printable(line.replace("\t", " "))
    return safe, split_graphemes(safe)[0]


@lru_cache(maxsize=1024)
def shown(line: str, tab: int) -> tuple[Sequence[int], str]:
    """Cell of each column (and of the end), and the line as it is drawn.

    Tabs become spaces, and what would act on the terminal a visible sign of one cell. All
    columns of a grapheme start where it starts; the drawn text has as many characters as
    the line has columns, with tabs as single spaces.
    """
    safe, graphemes = _graphemes(line)
    cells: list[int] = []
    cell = 0
    for start, end, width in graphemes:
        size = width
        if line[start] == "\t":
            size = tab - cell % tab
        cells.extend([cell] * (end - start))
        cell += size
    cells.append(cell)
    return cells, safe


@lru_cache(maxsize=4096)
def _block_width(block: str) -> int:
    return len(block) if block.isascii() else len(block) + len(_wide().findall(block))


def to_cell(line: str, column: int, tab: int) -> int:
    """The cell at which `column` begins."""
    if is_plain(line):
        return min(column, len(line))
    if len(line) <= LONG:
        cells, _ = shown(line, tab)
        return cells[min(column, len(line))]
    column = min(column, len(line))
    whole = column - column % _BLOCK
    widths = sum(_block_width(line[at : at + _BLOCK]) for at in range(0, whole, _BLOCK))
    return widths + _block_width(line[whole:column])


def to_column(line: str, cell: int, tab: int) -> int:
    """The column that covers `cell`; the end of the line for what is beyond it."""
    if cell <= 0:
        return 0
    if is_plain(line):
        return min(cell, len(line))
    if len(line) <= LONG:
        cells, _ = shown(line, tab)
        if cell >= cells[-1]:
            return len(line)
        return bisect_left(cells, cells[bisect_right(cells, cell) - 1])
    at = 0
    while at < len(line):
        width = _block_width(line[at : at + _BLOCK])
        if width > cell:
            break
        cell -= width
        at += _BLOCK
    for column in range(at, min(at + _BLOCK, len(line))):
        cell -= 2 if _wide().match(line[column]) else 1
        if cell < 0:
            return column
    return len(line)


def width(line: str, tab: int) -> int:
    """Cells of the whole line."""
    return to_cell(line, len(line), tab)


def snap(line: str, column: int) -> int:
    """The beginning of the grapheme that `column` is in, so that a cursor never splits one."""
    if line.isascii() or len(line) > LONG or not 0 < column < len(line):
        return column
    for start, end, _ in _graphemes(line)[1]:
        if start <= column < end:
            return start
    return column


def after(line: str, column: int) -> int:
    """The column after the grapheme at `column`."""
    if column >= len(line):
        return len(line)
    if not line.isascii() and len(line) <= LONG:
        for start, end, _ in _graphemes(line)[1]:
            if start <= column < end:
                return end
    return column + 1


def drawn(line: str, start: int, end: int, tab: int) -> list[str]:
    """What to draw for each column of `line[start:end]`: a tab is as many spaces as it fills,
    and the columns of a grapheme after its first draw nothing."""
    if len(line) > LONG:
        return [sign if cell_len(sign) else MARK for sign in printable(line[start:end])]
    if is_plain(line):
        return list(line[start:end])
    cells, safe = shown(line, tab)
    signs: list[str] = []
    column = start
    while column < end:
        stop = column + 1
        while stop < len(line) and cells[stop] == cells[column]:
            stop += 1
        if line[column] == "\t":
            signs.append(" " * (cells[column + 1] - cells[column]))
        else:
            signs.append(safe[column:stop])
        signs.extend([""] * (min(stop, end) - column - 1))
        column = stop
    return signs
