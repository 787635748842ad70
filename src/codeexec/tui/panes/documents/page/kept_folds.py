"""Folded outputs and sections of a page as they are stored with the view of a session."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from codeexec.documents.model import Cell
from codeexec.tui.session.views import CellFold, Fold


class OutputFold(Enum):
    """How much of an output is shown."""

    BOUNDED = "bounded"
    WHOLE = "whole"
    COLLAPSED = "collapsed"


class FoundFolds(NamedTuple):
    """Folds of outputs, headings of folded sections, and for cells whose outputs were cleared the
    number of executions that there were then."""

    outputs: dict[str, OutputFold]
    headings: set[str]
    cleared: dict[str, int]


def stored_folds(
    cells: Sequence[Cell],
    outputs: Mapping[str, OutputFold],
    headings: Iterable[str],
    cleared: Mapping[str, int] = {},
) -> tuple[CellFold, ...]:
    """Folds of outputs, headings of folded sections, and outputs that were cleared, by the keys of
    cells, to be stored."""
    folds: dict[str, Fold] = dict.fromkeys(headings, "section")
    folds |= dict.fromkeys(cleared, "cleared")
    for key, fold in outputs.items():
        if fold is not OutputFold.BOUNDED:
            folds[key] = "whole" if fold is OutputFold.WHOLE else "collapsed"
    return tuple(
        CellFold(number, _digest(cell), folds[cell.key], cleared.get(cell.key, 0))
        for number, cell in enumerate(cells)
        if cell.key in folds
    )


def found_folds(cells: Sequence[Cell], stored: Iterable[CellFold]) -> FoundFolds:
    """What was stored, by the keys that the cells have now.

    The cell is that with the stored number if it has the source that it had, else the only cell
    that has it, else the cell with the number, which was edited since.
    """
    by_digest: dict[str, list[int]] = {}
    for number, cell in enumerate(cells):
        by_digest.setdefault(_digest(cell), []).append(number)
    found = FoundFolds({}, set(), {})
    for fold in stored:
        numbers = by_digest.get(fold.digest, [])
        number = numbers[0] if len(numbers) == 1 else fold.number
        if not 0 <= number < len(cells):
            continue
        key = cells[number].key
        if fold.fold == "section":
            found.headings.add(key)
        elif fold.fold == "cleared":
            found.cleared[key] = fold.count
        else:
            found.outputs[key] = OutputFold(fold.fold)
    return found


def _digest(cell: Cell) -> str:
    return f"{zlib.crc32(cell.source.encode('utf-8', 'surrogatepass')):08x}"
