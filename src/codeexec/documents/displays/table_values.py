"""Values of a table's cells: numbers, missing values, and the order of rows by a column."""

from __future__ import annotations

import re

from codeexec.domain.requests import TablePage

NULLS = frozenset({"", "NaN", "nan", "NaT", "None", "<NA>", "null", "...", "…"})
"""Cells without a value: missing values, and elided cells."""

_NUMBER = re.compile(r"[-+−]?(?:\d[\d,_ ]*)?\.?\d+(?:[eE][-+]?\d+)?%?|[-+−]?inf")
_LONGEST_NUMBER = 200
_NUMERIC_TYPES = re.compile(r"u?int|float|complex|decimal|number|[iuf]\d+\Z", re.IGNORECASE)
"""Prefixes of numeric types in pandas and polars (`i64`)."""


def is_number(text: str) -> bool:
    """Whether a cell reads as a number."""
    return len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) is not None


def number(text: str) -> float | None:
    """The value of a cell that reads as a number."""
    if not is_number(text):
        return None
    return float(text.rstrip("%").replace("−", "-").translate(_NO_GROUPS))


_NO_GROUPS = str.maketrans("", "", ",_ ")


def is_numeric(page: TablePage, column: int) -> bool:
    """Whether a column is numeric: by its type, else by its cells."""
    if column < len(page.types) and page.types[column]:
        return _NUMERIC_TYPES.match(page.types[column]) is not None
    filled = [row[column] for row in page.cells if row[column] not in NULLS]
    return bool(filled) and all(map(is_number, filled))


def sorted_page(page: TablePage, sort: str, descending: bool) -> TablePage:
    """The page sorted by one column: numbers by value, texts alphabetically, nulls last."""
    if sort not in page.names:
        return page
    column = page.names.index(sort)
    numeric = is_numeric(page, column)

    def value(at: int) -> tuple[float, str]:
        text = page.cells[at][column]
        return (number(text) or 0.0, "") if numeric else (0.0, text.casefold())

    filled = [at for at, row in enumerate(page.cells) if row[column] not in NULLS]
    empty = [at for at, row in enumerate(page.cells) if row[column] in NULLS]
    order = sorted(filled, key=value, reverse=descending) + empty
    return TablePage(
        names=page.names,
        types=page.types,
        index=tuple(page.index[at] for at in order) if page.index else (),
        cells=tuple(page.cells[at] for at in order),
        start=page.start,
        rows=page.rows,
        columns=page.columns,
    )
