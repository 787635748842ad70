"""Selects the cells of a run: at a line, above, below, or all."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeexec.documents.model import Cell


def cell_at(cells: Sequence[Cell], line: int) -> Cell | None:
    """The cell that contains `line` (from 0); lines before the first cell belong to it."""
    if not cells:
        return None
    return cells[max(0, bisect_right(cells, line, key=lambda cell: cell.start) - 1)]


def above(cells: Sequence[Cell], line: int) -> tuple[Cell, ...]:
    """Code cells above the cell at `line`."""
    current = cell_at(cells, line)
    return tuple(
        cell for cell in runnable(cells) if current is not None and cell.index < current.index
    )


def below(cells: Sequence[Cell], line: int) -> tuple[Cell, ...]:
    """Code cells from the cell at `line` to the end."""
    current = cell_at(cells, line)
    return tuple(
        cell for cell in runnable(cells) if current is not None and cell.index >= current.index
    )


def runnable(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """All code cells that a run of several cells runs, but blank ones."""
    return tuple(cell for cell in cells if cell.is_code and not (cell.is_blank or cell.is_alone))


def following(cells: Sequence[Cell], line: int) -> Cell | None:
    """The cell after the cell at `line`, for run-and-advance; None at the last."""
    current = cell_at(cells, line)
    if current is None or current.index + 1 >= len(cells):
        return None
    return cells[current.index + 1]
