"""Requests about the variables of a kernel, and the history of executed code.

`kernel` is the name of a kernel within its session; empty for the default kernel.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from codeexec.domain.events import Variable
from codeexec.domain.requests.base import Done, Reply, Request


class Variables(Reply, frozen=True):
    variables: tuple[Variable, ...]
    truncated: bool = False


class RefreshVariables(Request[Variables], frozen=True):
    Answer: ClassVar[type[Reply]] = Variables
    kernel: str = ""


class VariableDetail(Reply, frozen=True):
    """`text` is a bounded repr of the variable, `children` are its items or attributes."""

    variable: Variable
    text: str = ""
    children: tuple[Variable, ...] = ()


class InspectVariable(Request[VariableDetail], frozen=True):
    Answer: ClassVar[type[Reply]] = VariableDetail
    name: str
    kernel: str = ""


class VariableSize(Struct, frozen=True, omit_defaults=True):
    """Bytes that a variable holds with all that is in it; what is reached twice counts once. Unless
    `is_whole` it is more than that: the count took too long, or a library does not tell."""

    name: str
    size: int
    is_whole: bool = True


class VariableSizes(Reply, frozen=True):
    """`rest` are names that were not reached in time: ask for them."""

    sizes: tuple[VariableSize, ...]
    rest: tuple[str, ...] = ()


class MeasureVariables(Request[VariableSizes], frozen=True):
    """Count how much memory variables hold: these, or all where none is named. It takes 50 ms of
    the kernel's processor for each and 250 ms for one answer at most. Busy while code runs."""

    Answer: ClassVar[type[Reply]] = VariableSizes
    names: tuple[str, ...] = ()
    kernel: str = ""


class TablePage(Reply, frozen=True):
    """Cells as text. `rows` and `columns` count the whole table."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    index: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    start: int
    rows: int
    columns: int


class ReadTable(Request[TablePage], frozen=True):
    """Read a page of a data frame or two-dimensional array, sorted by the column `sort`."""

    Answer: ClassVar[type[Reply]] = TablePage
    name: str
    start: int = 0
    count: int = 200
    sort: str = ""
    descending: bool = False
    kernel: str = ""


class DeleteVariable(Request[Done], frozen=True):
    name: str
    kernel: str = ""


class HistoryEntry(Struct, frozen=True, omit_defaults=True):
    session_id: str
    execution_id: str
    at: float
    code: str
    status: str = ""


class History(Reply, frozen=True):
    """Entries, newest first; repeated code is listed once."""

    entries: tuple[HistoryEntry, ...]


class SearchHistory(Request[History], frozen=True):
    """Search the history of all sessions, or of this one; `pattern` is a part of the code."""

    Answer: ClassVar[type[Reply]] = History
    pattern: str = ""
    limit: int = 200
    this_session: bool = False
