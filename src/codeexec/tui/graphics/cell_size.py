"""Size of a terminal cell in pixels. Light, for the questions at a start."""

from __future__ import annotations

from typing import NamedTuple


class CellSize(NamedTuple):
    """A terminal cell in pixels."""

    width: int
    height: int


NOMINAL_CELL = CellSize(10, 20)
"""What a cell is taken to be where the terminal does not say: the VT340's, and near most fonts."""
