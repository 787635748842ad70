"""Requests for the output of executions: rows, displays, searches and blobs."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from codeexec.domain.outputs import Display, Runs
from codeexec.domain.requests.base import Reply, Request
from codeexec.domain.snapshot import ExecutionView


class Rows(Reply, frozen=True):
    """Rows from `start` on, `total` in all by now."""

    start: int
    total: int
    runs: Runs


class ReadRows(Request[Rows], frozen=True):
    """Read at most `count` rows (5,000 at most); long rows are clipped unless `whole`."""

    Answer: ClassVar[type[Reply]] = Rows
    execution_id: str
    start: int = 0
    count: int = 1000
    whole: bool = False


class ExecutionState(Reply, frozen=True):
    """An execution after event `seq`."""

    execution: ExecutionView
    seq: int


class ReadExecution(Request[ExecutionState], frozen=True):
    """Read any execution of the session, also one that its snapshot no longer holds. NotFound."""

    Answer: ClassVar[type[Reply]] = ExecutionState
    execution_id: str


class ExecutionPage(Reply, frozen=True):
    """Executions in the order of queueing; `more` when there are older ones."""

    executions: tuple[ExecutionView, ...]
    more: bool = False


class ListExecutions(Request[ExecutionPage], frozen=True):
    """List the last `limit` executions (200 and about 4 MB at most) whose number is below `before`
    (0: of all), without silent ones. With `document`, the last execution of each cell of that
    document instead, without output, 5,000 at most."""

    Answer: ClassVar[type[Reply]] = ExecutionPage
    before: int = 0
    limit: int = 50
    document: str = ""


class DisplayRow(Struct, frozen=True, omit_defaults=True):
    """A display in the output of an execution. `position` orders all displays of a session.
    The execution is without its output."""

    position: int
    row: int
    display: Display
    execution: ExecutionView


class DisplayPage(Reply, frozen=True):
    """Displays, newest first; `more` when there are older ones."""

    displays: tuple[DisplayRow, ...]
    more: bool = False


class ListDisplays(Request[DisplayPage], frozen=True):
    """List the last `limit` displays (200 at most) in the output of all executions, whose position
    is below `before` (0: of all), without those of plain text alone."""

    Answer: ClassVar[type[Reply]] = DisplayPage
    before: int = 0
    limit: int = 100


class RowMatch(Struct, frozen=True, omit_defaults=True):
    """A row of the output, or a line of the code, of an execution; both count from 0."""

    execution_id: str
    row: int
    text: str
    part: Literal["output", "code"] = "output"


class RowMatches(Reply, frozen=True):
    """`complete` is false when the limit cut the search short."""

    matches: tuple[RowMatch, ...]
    complete: bool = True


class SearchRows(Request[RowMatches], frozen=True):
    """Search rows by their plain text, in one execution or in all, oldest first. With `code`, also
    lines of the code, before the rows of the same execution."""

    Answer: ClassVar[type[Reply]] = RowMatches
    pattern: str
    execution_id: str = ""
    regex: bool = False
    ignore_case: bool = True
    start: int = 0
    limit: int = 1000
    code: bool = False


class Blob(Reply, frozen=True):
    """`data` is the content, base64 on the wire."""

    digest: str
    data: bytes


class ReadBlob(Request[Blob], frozen=True):
    Answer: ClassVar[type[Reply]] = Blob
    digest: str
