"""Views of a table: its rows after a filter, in an order. Python 3.8 on."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from codeexec.guest.prelude import TABLES, is_index, library, type_name
from codeexec.guest.tables.columns import ColumnsTable
from codeexec.guest.tables.duckdb_tables import DuckdbTable
from codeexec.guest.tables.estimates import begin_only_if_short, seconds_to_filter, seconds_to_sort
from codeexec.guest.tables.filters import parse_filter
from codeexec.guest.tables.polars_tables import LazyPolarsTable, PolarsTable
from codeexec.guest.tables.sources import ArraySource, ArrowSource, PandasSource, XarraySource
from codeexec.guest.tables.work import (
    Refused,
    check_memory,
    forget,
    forget_all_of,
    is_begun,
    once,
    work,
)

PAGE_SECONDS = 2.0
WORK_SECONDS = 0.25
"""How long a question waits for a filter or an order before it says that it goes on."""

_tables: dict[str, tuple[Any, int]] = {}
"""By the name of the variable: a weak reference to its value, and a number for it."""


def open_table(name: str, value: Any) -> Any:
    """The engine for a value; Refused where it is no table."""
    kind = library(value)
    if kind in ("pandas.DataFrame", "pandas.Series") or is_index(kind):
        return ColumnsTable(PandasSource(value))
    if kind == "numpy.ndarray":
        return ColumnsTable(ArraySource(value))
    if kind in ("pyarrow.Table", "pyarrow.RecordBatch"):
        return ColumnsTable(ArrowSource(value))
    if kind in ("xarray.DataArray", "xarray.Dataset"):
        return ColumnsTable(XarraySource(value))
    if kind in ("polars.DataFrame", "polars.Series"):
        return PolarsTable(value)
    if kind == "polars.LazyFrame":
        return LazyPolarsTable(value)
    if kind == "duckdb.DuckDBPyRelation":
        return DuckdbTable(value)
    raise Refused(
        f"{name} is no table that is known: {type_name(value)}. to_pandas() may make one."
    )


def not_known(name: str, value: Any) -> Refused:
    """Classes of the user's are not read, as their code would run."""
    return Refused(f"{name} is no table that can be read without its own code: {type_name(value)}.")


def number_of(name: str, value: Any) -> tuple[str, int]:
    """A key for what the variable holds now; another value gets another number."""
    if library(value) not in (*TABLES, "numpy.ndarray") and not is_index(library(value)):
        raise not_known(name, value)
    table = _tables.get(name)
    if table is not None and table[0]() is value:
        return name, table[1]
    if table is not None:
        forget_all_of((name, table[1]))
    serial = table[1] + 1 if table is not None else 0
    _tables[name] = (weakref.ref(value, lambda _: forget_all_of((name, serial))), serial)
    return name, serial


def variable_view(user: dict[str, Any], request: dict[str, Any]) -> RowsView:
    """The view of a variable that a question is about."""
    name: str = request["name"]
    if name not in user:
        raise Refused(f"There is no variable {name}.")
    value = user[name]
    kind = library(value)

    def open_engine(view: RowsView) -> Any:
        if kind == "polars.LazyFrame":
            opened = partial(open_table, name, value)
            return once(view.table, "Reading the schema", opened, PAGE_SECONDS)
        table = open_table(name, value)
        if isinstance(table, ColumnsTable):
            # Columns that were read for a filter serve the next ones.
            table.columns_read = work(view.key("columns"), "Reading", lambda _: {}, PAGE_SECONDS)
        return table

    return RowsView(name, kind, number_of(name, value), request, open_engine)


class RowsView:
    """A filter and an order of a table. What is computed for it is kept for its revision.

    `kind` is the class of the table, for the code that makes the view.
    """

    def __init__(
        self, name: str, kind: str, table: Any, request: dict[str, Any],
        open_engine: Callable[[RowsView], Any],
    ) -> None:  # fmt: skip
        """`table` is the key of the table among those of this process. `open_engine` opens the
        engine of the whole table."""
        self.name = name
        self.kind = kind
        self.table = table
        self._open_engine = open_engine
        self.reading = ""
        """Code that makes the variable, where there is none yet."""
        view = request.get("view", {})
        self.filter: str = view.get("filter", "").strip()
        self.order: list[dict[str, Any]] = view.get("order", [])
        self.revision: int = view.get("revision", 0)
        self.allows_long: bool = view.get("allows_long", False)
        forget(self.table, self.revision)

    def key(self, part: str, *more: Any) -> Any:
        return (part, self.table, self.revision, *more)

    def base(self) -> Any:
        return self._open_engine(self)

    def tree(self, names: list[str]) -> Any:
        return parse_filter(self.filter, names) if self.filter else None

    def filtered(self, seconds: float = WORK_SECONDS) -> Any:
        table = self.base()
        tree = self.tree(table.names)
        if tree is None:
            return table
        if table.is_lazy:
            return table.filtered(tree)
        key = self.key("filter", self.filter)
        self._ask_before(
            key, f"Filtering {table.rows():,} rows", lambda: seconds_to_filter(table, tree)
        )
        # What is kept are numbers of rows: no reference that outlives the variable.
        return table.picked(work(key, "Filtering", lambda _: table.filtered(tree).picks, seconds))

    def _ask_before(self, key: Any, title: str, seconds: Callable[[], float]) -> None:
        """LongWork where this takes long, has not begun, and the user has not agreed."""
        if not self.allows_long and not is_begun(key):
            begin_only_if_short(title, seconds())

    def keys(self, names: list[str]) -> list[tuple[int, bool]]:
        for key in self.order:
            if key["column"] not in names:
                raise Refused(f"{self.name} has no column {key['column']}.")
        return [(names.index(key["column"]), bool(key.get("descending"))) for key in self.order]

    def order_key(self) -> Any:
        return self.key("order", self.filter, json.dumps(self.order))

    def ordered(self, seconds: float = WORK_SECONDS) -> Any:
        """The view in its full order; StillWorking until that is there."""
        table = self.filtered(seconds)
        keys = self.keys(table.names)
        if not keys:
            return table
        if table.is_lazy:
            return table.sorted(keys)
        check_memory(table.rows(), make_room=getattr(table, "make_room", None))
        title = f"Sorting {table.rows():,} rows"
        self._ask_before(self.order_key(), title, lambda: seconds_to_sort(table, keys))
        return table.picked(
            work(self.order_key(), title, lambda _: table.sorted(keys).picks, seconds)
        )
