"""Answers to `QueryTable`: JSON in, JSON out. Slow work goes on in threads, and the answer says so.

Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from codeexec.guest.prelude import MOST_COLUMNS, MOST_ROWS, clip, type_name
from codeexec.guest.tables.code import code_of
from codeexec.guest.tables.estimates import begin_only_if_short, seconds_to_sort
from codeexec.guest.tables.facts import count_values, describe_column
from codeexec.guest.tables.filters import FilterError
from codeexec.guest.tables.views import PAGE_SECONDS, WORK_SECONDS, RowsView, variable_view
from codeexec.guest.tables.work import (
    LongWork,
    Refused,
    StillWorking,
    cancel,
    finished,
    forget_one,
    is_begun,
    once,
    work,
)

TOP = 1000
"""Rows that are sorted first, where there are many."""

TOP_IS_FASTER = 30
"""How much faster the first rows are there than all, at least."""

FEW = 300_000
"""Rows that are put in order at once."""


def table_answer(user: dict[str, Any], text: str) -> str:
    """The answer to a question about a variable, with the fields of `TableAnswer`."""
    request = json.loads(text)
    return json.dumps(answer_of(request, lambda: variable_view(user, request)))


def answer_of(request: dict[str, Any], open_view: Callable[[], RowsView]) -> dict[str, Any]:
    """The answer to one question, or why there is none."""
    try:
        return TableQuestion(open_view(), request["question"]).answer()
    except FilterError as error:
        return {"fault": error.message, "at": error.at}
    except Refused as error:
        return {"fault": str(error)}
    except StillWorking as error:
        return {"working": str(error)}
    except LongWork as error:
        return {"asks": str(error)}
    except MemoryError:
        name = clip(str(request.get("name")), 80)
        return {"fault": f"{name} could not be read: it needs more memory than there is."}
    except BaseException as error:  # a table's own code may raise what it likes
        name = clip(str(request.get("name")), 80)
        reason = clip(" ".join(str(error).split()), 300) if is_known_error(error) else ""
        reason = reason.rstrip(".")
        why = f": {reason}" if reason else ""
        return {"fault": f"{name} could not be read: {type_name(error)}{why}."}


def is_known_error(error: BaseException) -> bool:
    """Whether to write it runs no code of the user's."""
    return type(error).__module__.split(".")[0] in (
        "builtins", "polars", "pyarrow", "pandas", "numpy", "duckdb", "_duckdb", "xarray",
    )  # fmt: skip


class TableQuestion:
    def __init__(self, view: RowsView, ask: dict[str, Any]) -> None:
        self.view = view
        self.ask = ask

    def answer(self) -> dict[str, Any]:
        ask = self.ask["type"]
        if ask == "cancel":
            return {"count": cancel(self.view.table)}
        method = {
            "rows": self.rows,
            "find": self.find,
            "describe": lambda: describe_column(self.view, str(self.ask["column"])),
            "count": lambda: count_values(
                self.view, str(self.ask["column"]), int(self.ask.get("count", MOST_ROWS))
            ),
            "write": self.write,
            "code": self.code,
        }[ask]
        return method()

    # -- rows ------------------------------------------------------------------------------

    def rows(self) -> dict[str, Any]:
        start, count = max(int(self.ask.get("start", 0)), 0), int(self.ask.get("count", 200))
        count = min(max(count, 0), MOST_ROWS)
        table, total = self._rows_view(start + count)
        columns = list(range(min(len(table.names), MOST_COLUMNS)))
        rows = 0 if table.is_lazy else table.rows()
        working, note, asks = "", "", ""
        index, cells = once(
            self.view.table, "Reading rows", lambda: table.page(start, count, columns), PAGE_SECONDS
        )
        if table.is_lazy:
            rows, working = self._counted(table, start, len(index), count)
        elif total is not None:
            rows, working, note, asks = self._begin_order(rows, total)
        page = {
            "names": [clip(name, 200) for name in table.names[:MOST_COLUMNS]],
            "types": table.types[:MOST_COLUMNS],
            "index": index,
            "cells": [list(row) for row in zip(*cells)],  # noqa: B905 -- Python 3.8 has no strict
            "start": start,
            "rows": rows,
            "columns": len(table.names),
        }
        return {"page": page, "working": working, "note": note, "asks": asks}

    def _rows_view(self, until: int) -> tuple[Any, int | None]:
        """The view; where it is only the head of an order, the number of all rows too."""
        table = self.view.filtered()
        if table.is_lazy or not self.view.order:
            return self.view.ordered(), None
        rows = table.rows()
        if rows <= FEW:
            return self.view.ordered(PAGE_SECONDS), None
        whole = finished(self.view.order_key())
        if whole is not None:
            return table.picked(whole), None
        if until > TOP:
            return self.view.ordered(), None
        keys = self.view.keys(table.names)
        top_key = self.view.key("top", self.view.filter, json.dumps(self.view.order))
        title = f"Sorting {rows:,} rows"
        if not self.view.allows_long and not is_begun(top_key):
            # The first rows are a part of the work that grows with texts as all of it does.
            begin_only_if_short(title, seconds_to_sort(table, keys) / TOP_IS_FASTER)
        head = work(
            top_key,
            title,
            lambda _: table.top(keys, TOP).picks,
            PAGE_SECONDS,
        )
        return table.picked(head), rows

    def _begin_order(self, rows: int, total: int) -> tuple[int, str, str, str]:
        """Put all rows in order, now that the first ones are read: both take all processors. How
        many rows there are, what goes on, why not, and what is to be agreed to before."""
        try:
            self.view.ordered(0.0)
        except StillWorking as error:
            return total, str(error), "", ""
        except Refused as error:
            return rows, "", f"Only the first {rows:,} rows. {error}", ""
        except LongWork as error:
            return rows, "", f"Only the first {rows:,} rows.", str(error)
        return total, "", "", ""

    def _counted(self, table: Any, start: int, row_count: int, limit: int) -> tuple[int, str]:
        if row_count < limit and (row_count or not start):
            return start + row_count, ""
        try:
            key = self.view.key("count", self.view.filter)
            return work(key, "Counting rows", lambda _: table.rows(), WORK_SECONDS), ""
        except StillWorking as error:
            return start + row_count + limit, str(error)
        except Refused:  # it takes too long: there are more rows than these
            return start + row_count + limit, ""

    # -- find ------------------------------------------------------------------------------

    def find(self) -> dict[str, Any]:
        """The next cell that holds a text, from a cell on; round the end to the beginning."""
        text = str(self.ask["text"])
        row, column = int(self.ask.get("row", 0)), int(self.ask.get("column", -1))
        table = self.view.ordered()
        columns = list(range(min(len(table.names), MOST_COLUMNS)))
        if table.is_lazy:
            return self._find_in_pages(table, text, row, column, columns)
        next_column = self._in_row(table, row, column + 1, text, columns)
        if next_column is not None:
            return {"row": row, "column": next_column}
        tree: Any = None
        for at in columns:
            one = ("compare", "~", at, text)
            tree = one if tree is None else ("or", tree, one)
        if tree is None:
            return {"row": -1}
        base = self.view.base()
        if hasattr(base, "first_hit") and table.picks is None:
            return self._find_in_file(base, tree, text, row, columns)
        key = self.view.key("find", text.casefold())
        hits = work(key, "Searching", lambda _: base.filtered(tree).picks, WORK_SECONDS * 4)
        for start in (row + 1, 0):
            row_number = once(
                self.view.table, "Searching", partial(next_hit, table, hits, start), PAGE_SECONDS
            )
            if row_number is not None:
                first_column = self._in_row(table, row_number, 0, text, columns)
                return {"row": row_number, "column": first_column or 0}
        return {"row": -1}

    def _find_in_file(
        self, table: Any, tree: Any, text: str, row: int, columns: list[int]
    ) -> dict[str, Any]:
        """The next hit of rows that are read piece by piece, up to it alone."""
        for start in (row + 1, 0):
            key = self.view.key("find", text.casefold(), start)
            search = partial(first_hit, table, tree, start)
            row_number = work(key, "Searching", search, WORK_SECONDS * 4)
            if row_number is not None:
                first_column = self._in_row(table, row_number, 0, text, columns)
                return {"row": row_number, "column": first_column or 0}
        return {"row": -1}

    def _in_row(
        self, table: Any, row: int, first: int, text: str, columns: list[int]
    ) -> int | None:
        _, cells = once(
            self.view.table, "Reading rows", lambda: table.page(row, 1, columns), PAGE_SECONDS
        )
        sought = text.casefold()
        for at in columns[first:]:
            if cells[at] and sought in cells[at][0].casefold():
                return at
        return None

    def _find_in_pages(
        self, table: Any, text: str, row: int, column: int, columns: list[int]
    ) -> dict[str, Any]:
        until, sought = time.monotonic() + 1.0, text.casefold()
        at = row
        while time.monotonic() < until:
            start = at
            _, cells = once(
                self.view.table,
                "Searching",
                partial(table.page, start, MOST_ROWS, columns),
                PAGE_SECONDS,
            )
            row_count = len(cells[0]) if cells else 0
            for within in range(row_count):
                first = column + 1 if at + within == row else 0
                for place in columns[first:]:
                    if sought in cells[place][within].casefold():
                        return {"row": at + within, "column": place}
            if row_count < MOST_ROWS:
                return {"row": -1}
            at += row_count
        return {"row": at, "column": -1, "working": f"Searched {at:,} rows"}

    # -- out of the table ------------------------------------------------------------------

    def _shown(self, names: list[str]) -> list[int]:
        columns = [names.index(name) for name in self.ask.get("columns", []) if name in names]
        return columns or list(range(len(names)))

    def code(self) -> dict[str, Any]:
        names = self.view.base().names
        text = code_of(
            self.view.name,
            self.view.kind,
            names,
            self.view.tree(names),
            self.view.keys(names),
            self._shown(names),
        )
        return {"text": self.view.reading + text}

    def write(self) -> dict[str, Any]:
        """Write the view to a new file, which has its name when it is whole."""
        path = os.path.abspath(str(self.ask["path"]))
        key = self.view.key("write", path, self.view.filter, json.dumps(self.view.order))
        if not path.endswith((".csv", ".tsv", ".parquet")):
            raise Refused(
                "A file is CSV (.csv), TSV (.tsv) or Parquet (.parquet): end its name so."
            )
        table = self.view.ordered()
        columns = self._shown(table.names)

        def write(job: Any) -> int:
            if os.path.lexists(path):
                raise Refused(f"{path} is there already: choose another name.")
            stem, ending = os.path.splitext(path)
            part = f"{stem}.{os.getpid()}.part{ending}"
            try:
                table.write(part, columns)
                size = os.path.getsize(part)
                if not job.is_cancelled:
                    os.link(part, path)  # which fails where another file has come meanwhile
                return size
            finally:
                if os.path.lexists(part):
                    os.remove(part)

        size = work(key, f"Writing {os.path.basename(path)}", write, PAGE_SECONDS)
        forget_one(key)
        return {"text": path, "count": size}


def first_hit(table: Any, tree: Any, start: int, job: Any) -> int | None:
    hit: int | None = table.first_hit(tree, start)
    return hit


def next_hit(table: Any, hits: Any, start: int) -> int | None:
    """The first row of a view from `start` on that is among the rows `hits`."""
    if hasattr(table, "frame"):
        picks = table.picks
        if picks is None:
            later = hits.filter(hits >= start).head(1).to_list()
            return later[0] if later else None
        at = picks.slice(start).is_in(hits.implode()).arg_true().head(1).to_list()
        return start + at[0] if at else None
    import numpy as np

    if table.picks is None:
        at = int(np.searchsorted(hits, start))
        return int(hits[at]) if at < len(hits) else None
    positions = np.flatnonzero(np.isin(table.picks[start:], hits))
    return start + int(positions[0]) if len(positions) else None
