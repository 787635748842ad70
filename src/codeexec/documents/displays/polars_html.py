"""Reads HTML of polars data frames: shape, types of columns, quotes, no index."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codeexec.domain.requests import TablePage

SHAPE = re.compile(r"shape: \(([\d_,]+), ([\d_,]+)\)")
"""The line above the table; polars groups digits by `_` or as it is configured."""

_ELIDED = "…"
_TEXTS = ("str", "cat", "enum")


def frame_shape(caption: str) -> tuple[int, int] | None:
    """Rows and columns of the whole frame, from the text above its table."""
    match = SHAPE.search(caption)
    if match is None:
        return None
    rows, columns = (int(part.replace("_", "").replace(",", "")) for part in match.groups())
    return rows, columns


def polars_page(
    names: Sequence[str],
    types: Sequence[str],
    body: Sequence[Sequence[str]],
    shape: tuple[int, int],
) -> TablePage | None:
    """The page of a frame with the cells `body`; None without rows.

    Rows have their numbers in the frame, also after the row of "…".
    """
    if not body or not names:
        return None
    rows, columns = shape
    cells = tuple(
        tuple(_unquoted(cell, kind) for cell, kind in zip(row, types, strict=True)) for row in body
    )
    return TablePage(
        names=tuple(names),
        types=tuple(types),
        index=_numbers(body, rows),
        cells=cells,
        start=0,
        rows=max(rows, len(cells)),
        columns=max(columns, len(names)),
    )


def _unquoted(cell: str, kind: str) -> str:
    """The text of a cell without the quotes that polars adds in text columns."""
    is_quoted = len(cell) >= 2 and cell[0] == cell[-1] == '"'
    return cell[1:-1] if is_quoted and kind.startswith(_TEXTS) else cell


def _numbers(body: Sequence[Sequence[str]], rows: int) -> tuple[str, ...]:
    """The number of each row in the frame, from 0; "…" for the row of elided rows."""
    gap = next((at for at, row in enumerate(body) if set(row) == {_ELIDED}), None)
    if gap is None or rows < len(body):
        return tuple(map(str, range(len(body))))
    rows_below = len(body) - gap - 1
    return (*map(str, range(gap)), _ELIDED, *map(str, range(rows - rows_below, rows)))
