"""Requests about tables of a kernel: rows of a filtered and ordered view, columns, files, code.

`kernel` is the name of a kernel within its session; empty for the default kernel.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from codeexec.domain.requests.base import Reply, Request
from codeexec.domain.requests.variables import TablePage


class SortKey(Struct, frozen=True, omit_defaults=True):
    """A column that the rows are sorted by; missing values come last."""

    column: str
    descending: bool = False


class TableView(Struct, frozen=True, omit_defaults=True):
    """Which rows of a table, in which order. `filter` is an expression such as
    `price > 10 & city ~ "ber"`. Orders and filters that the kernel has computed for another
    `revision` are not used. With `allows_long` a filter or an order is begun however long it takes;
    else the answer asks first (`TableAnswer.asks`)."""

    filter: str = ""
    order: tuple[SortKey, ...] = ()
    revision: int = 0
    allows_long: bool = False


class TableRows(Struct, frozen=True, tag="rows"):
    """Rows from `start` on, counted from 0."""

    start: int = 0
    count: int = 200


class FindValue(Struct, frozen=True, tag="find"):
    """The next cell that holds this text, in any case, after the cell `row`, `column`."""

    text: str
    row: int = 0
    column: int = -1


class DescribeColumn(Struct, frozen=True, tag="describe"):
    """Missing and distinct values, range, quantiles, histogram and the most frequent values."""

    column: str


class CountValues(Struct, frozen=True, tag="count"):
    """How often each value of a column is there, the most frequent first."""

    column: str
    count: int = 1000


class WriteTable(Struct, frozen=True, tag="write"):
    """Write the view to a new file: CSV, TSV or Parquet by the end of its name. `path` is the
    kernel's; `columns` are all where none is named."""

    path: str
    columns: tuple[str, ...] = ()


class TableCode(Struct, frozen=True, tag="code"):
    """The code that makes this view of these columns."""

    columns: tuple[str, ...] = ()


class CancelTable(Struct, frozen=True, tag="cancel"):
    """Let go of what is computed for this table in the background."""


TableQuestion = (
    TableRows | FindValue | DescribeColumn | CountValues | WriteTable | TableCode | CancelTable
)


class ColumnFacts(Struct, frozen=True, omit_defaults=True):
    """A column in short: `lines` are names with their texts, `bins` count the values between `low`
    and `high`, `late` names what takes longer than its deadline."""

    lines: tuple[tuple[str, str], ...]
    bins: tuple[int, ...] = ()
    low: str = ""
    high: str = ""
    frequent: tuple[tuple[str, int], ...] = ()
    late: tuple[str, ...] = ()


class TableAnswer(Reply, frozen=True, omit_defaults=True):
    """The answer to a question; fields that it does not concern are empty.

    `working` says what goes on in the kernel: ask again. `asks` says what would take long, such as
    `Sorting 100,000,000 rows takes about 12 s`, and is not begun: ask with
    `TableView.allows_long`. `fault` is why there is no answer, `at` the place in the filter that it
    is about.
    """

    page: TablePage | None = None
    facts: ColumnFacts | None = None
    row: int = -1
    column: int = -1
    count: int = 0
    text: str = ""
    note: str = ""
    working: str = ""
    asks: str = ""
    fault: str = ""
    at: int = -1


class QueryTable(Request[TableAnswer], frozen=True):
    """Ask about a data frame, a lazy frame, a relation or an array, beside code that runs."""

    Answer: ClassVar[type[Reply]] = TableAnswer
    name: str
    question: TableQuestion
    view: TableView = TableView()
    kernel: str = ""
