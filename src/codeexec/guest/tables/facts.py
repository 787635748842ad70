"""Facts about one column, each with a deadline. Python 3.8 on."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from codeexec.guest.prelude import MOST_ROWS
from codeexec.guest.tables.views import PAGE_SECONDS, RowsView
from codeexec.guest.tables.work import Refused, StillWorking, work

SHARES = [0.05, 0.25, 0.5, 0.75, 0.95]
BINS = 40
FREQUENT = 12


def column_at(view: RowsView, table: Any, name: str) -> int:
    if name not in table.names:
        raise Refused(f"{view.name} has no column {name}.")
    return int(table.names.index(name))


def describe_column(view: RowsView, name: str) -> dict[str, Any]:
    """Facts about a column; each has its own deadline, and what takes longer says so."""
    table = view.filtered()
    at = column_at(view, table, name)
    if table.is_lazy:
        lazy = table
        table = work(view.key("column", view.filter, at), "Reading the column",
                     lambda _: lazy.one(at), PAGE_SECONDS)  # fmt: skip
        if not table.is_lazy:
            at = 0
    is_number = table.numbers(at) is not None
    until = time.monotonic() + 1.5
    parts: list[tuple[str, Any]] = [
        ("rows", table.rows),
        ("nulls", lambda: table.nulls(at)),
        ("range", lambda: table.extent(at)),
    ]
    if is_number:
        parts += [
            ("mean", lambda: table.mean(at)),
            ("quantiles", lambda: table.quantiles(at, SHARES)),
            ("histogram", lambda: table.histogram(at, BINS)),
        ]
    parts += [
        ("distinct", lambda: table.distinct(at)),
        ("frequent", lambda: table.counts(at, FREQUENT)),
    ]
    facts: dict[str, Any] = {}
    late: list[str] = []
    for title, read in parts:
        try:
            key = view.key("fact", view.filter, name, title)
            facts[title] = work(key, title, partial(read_fact, read),
                                max(until - time.monotonic(), 0.01))  # fmt: skip
        except StillWorking:
            late.append(title)
        except (ValueError, TypeError, IndexError, Refused):
            facts[title] = None  # of no values there are none
        except Exception:
            facts[title] = None  # a type that has none, such as the range of lists
    return {"facts": facts_of(table.types[at], facts, late), "working": ", ".join(late)}


def count_values(view: RowsView, name: str, count: int) -> dict[str, Any]:
    """The most frequent values, as a page of rows."""
    table = view.filtered()
    at = column_at(view, table, name)
    most = min(count, MOST_ROWS)
    if table.is_lazy:
        lazy = table
        table = work(view.key("column", view.filter, at), "Reading the column",
                     lambda _: lazy.one(at), PAGE_SECONDS)  # fmt: skip
        if not table.is_lazy:
            at = 0
    key = view.key("frequency", view.filter, name)
    pairs = work(key, "Counting values", lambda _: table.counts(at, most), PAGE_SECONDS)
    total = work(
        view.key("count", view.filter), "Counting rows", lambda _: table.rows(), PAGE_SECONDS
    )
    most_frequent = max((count for _, count in pairs), default=1)
    cells = [
        [
            value,
            str(count),
            f"{100 * count / max(total, 1):.2f}%",
            "█" * round(20 * count / most_frequent),
        ]
        for value, count in pairs
    ]
    page = {
        "names": [name, "count", "share", "bar"],
        "types": [table.types[at], "int", "str", "str"],
        "index": [str(number) for number in range(1, len(cells) + 1)],
        "cells": cells,
        "start": 0,
        "rows": len(cells),
        "columns": 4,
    }
    return {"page": page, "note": f"of {total:,} rows"}


def read_fact(read: Any, job: Any) -> Any:
    return read()


def facts_of(kind: str, facts: dict[str, Any], late: list[str]) -> dict[str, Any]:
    """Facts as lines of a name and a text, with the histogram and the frequent values apart."""
    rows = facts.get("rows") or 0
    lines = [["type", kind], ["rows", f"{rows:,}"]]

    def add(title: str, text: str | None) -> None:
        if title in late or text is not None:
            lines.append([title, "takes longer" if title in late else str(text)])

    nulls = facts.get("nulls")
    add("nulls", None if nulls is None else f"{nulls:,} ({100 * nulls / max(rows, 1):.1f}%)")
    distinct = facts.get("distinct")
    add("distinct", None if distinct is None else f"{distinct:,}")
    extent = facts.get("range")
    add("range", None if extent is None else f"{extent[0]} … {extent[1]}")
    mean = facts.get("mean")
    add("mean", None if mean is None else f"{mean:.6g}")
    quantiles = facts.get("quantiles")
    quantile_text = None
    if quantiles is not None:
        quantile_text = "  ".join(f"{s:.0%} {v:.4g}" for s, v in zip(SHARES, quantiles))  # noqa: B905
    add("quantiles", quantile_text)
    histogram = facts.get("histogram")
    return {
        "lines": lines,
        "bins": histogram[0] if histogram else [],
        "low": f"{histogram[1]:.6g}" if histogram else "",
        "high": f"{histogram[2]:.6g}" if histogram else "",
        "frequent": facts.get("frequent") or [],
        "late": late,
    }
