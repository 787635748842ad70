"""How long a filter or an order of a large table will take, before it is begun. Python 3.8 on.

The rates are those of two processors of 2020; where they are wrong by half, the question comes too
early or too late.
"""

from __future__ import annotations

import re
from typing import Any

from codeexec.guest.tables.work import LongWork

ASKS_FROM = 3.0
"""Seconds of work that is begun without a question."""

SORTED = {"polars": (9e6, 2e6), "arrays": (6e6, 7e5)}
"""Rows in a second and key, by engine: of numbers, and of texts or objects."""

FILTERED = {"polars": (4e8, 2e7), "arrays": (8e7, 3e6)}
"""Rows in a second and comparison."""

NUMERIC = re.compile(
    r"u?int|float|double|bool|date|time|duration|decimal|categor|enum", re.IGNORECASE
)


def engine_of(table: Any) -> str:
    return "polars" if hasattr(table, "frame") else "arrays"


def rate(rates: dict[str, tuple[float, float]], table: Any, column: int) -> float:
    """Rows in a second for a column."""
    of_numbers, of_texts = rates[engine_of(table)]
    kind = table.types[column] if column < len(table.types) else ""
    return of_numbers if NUMERIC.search(kind) else of_texts


def seconds_to_sort(table: Any, keys: list[tuple[int, bool]]) -> float:
    rows = int(table.rows())
    return sum(rows / rate(SORTED, table, at) for at, _ in keys)


def seconds_to_filter(table: Any, tree: Any) -> float:
    rows = int(table.rows())
    return sum(rows / rate(FILTERED, table, at) for at in compared_columns(tree))


def compared_columns(tree: Any) -> list[int]:
    """The columns that a filter reads, one for each comparison."""
    if tree[0] in ("and", "or"):
        return compared_columns(tree[1]) + compared_columns(tree[2])
    if tree[0] == "not":
        return compared_columns(tree[1])
    if tree[0] == "null":
        return [tree[1]]
    if tree[0] == "columns":
        return [tree[2], tree[3]]
    return [tree[2]]


def begin_only_if_short(title: str, seconds: float) -> None:
    """LongWork where it takes long."""
    if seconds > ASKS_FROM:
        raise LongWork(f"{title} takes about {words_of(seconds)}")


def words_of(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"
