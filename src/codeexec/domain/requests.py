"""EditorMessages, which flow down: what a face asks for, and what it is answered.

A request is answered at once with whether it was taken; what comes of it is told by facts.
Only questions (`Complete`, `ReadRows`, ...) are answered with what was asked.
"""

from __future__ import annotations

from typing import ClassVar, Generic, Literal, TypeVar

from msgspec import Struct

from codeexec.domain.events import CellRef, LadderStage, Variable
from codeexec.domain.options import NO_OPTIONS, ExecuteOptions
from codeexec.domain.outputs import Display, Runs
from codeexec.domain.snapshot import ExecutionView

R = TypeVar("R")


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Reply(Struct, frozen=True, omit_defaults=True):
    """What all answers are."""


class Done(Reply, frozen=True):
    """Taken. `seq` is the last fact by then, `count` how many things it concerned."""

    seq: int = 0
    count: int = 0


class Request(Struct, Generic[R], frozen=True, omit_defaults=True, tag_field="type", tag=_snake):
    """What all intents are; `Answer` is the type of the reply."""

    Answer: ClassVar[type[Reply]] = Done


# In requests that go to a kernel, `kernel` is its name within the session; empty: the default one.

# -- code ---------------------------------------------------------------------------


class Accepted(Reply, frozen=True):
    """`seq` is the fact that queued it."""

    execution_id: str
    seq: int


class Execute(Request[Accepted], frozen=True):
    """Queue code. A client that chooses `execution_id` may repeat the request after a lost
    answer: the code runs once."""

    Answer: ClassVar[type[Reply]] = Accepted
    code: str
    execution_id: str = ""
    origin: str = ""
    cell: CellRef | None = None
    options: ExecuteOptions = NO_OPTIONS


class CancelExecution(Request[Done], frozen=True):
    """Take one out of the queue; a running one is interrupted."""

    execution_id: str


class ClearQueue(Request[Done], frozen=True):
    """Cancel all that waits for this kernel, or for any (empty); what runs goes on."""

    kernel: str = ""


class AnswerStdin(Request[Done], frozen=True):
    request_id: str
    text: str
    origin: str = ""


class Interrupt(Request[Done], frozen=True):
    """Climb the ladder from its first rung, or go straight to `stage`."""

    stage: LadderStage = "interrupt"
    kernel: str = ""


class StartKernel(Request[Done], frozen=True):
    """Begin to start a kernel of the session, which is a new one where it has none of this name.
    `spec` is what to run: a kernelspec, the path of a Python, or `docker:IMAGE`; empty: as the
    name says (`bash`), or for `python` one more of the first kernel. `policy` as in `OpenSession`.
    Conflict when the session has another kernel of this name."""

    kernel: str
    spec: str = ""
    policy: str = ""


class SetDefaultKernel(Request[Done], frozen=True):
    """From here on this kernel of the session runs what names none. NotFound."""

    kernel: str


class RemoveKernel(Request[Done], frozen=True):
    """Shut this kernel down, and have it in the session no more; not the first or the default
    one. What it has put out stays."""

    kernel: str


class RestartKernel(Request[Done], frozen=True):
    """A fresh process: the same kernel, or another `spec`, by name or path; `docker` or
    `docker:IMAGE` is one in a container. What waits for it is cancelled. `policy`, as in
    `OpenSession`, is another one for it; empty: as it was."""

    spec: str = ""
    policy: str = ""
    kernel: str = ""


class ShutDownKernel(Request[Done], frozen=True):
    """Stop the kernel; the session stays, and a next execution starts a fresh one."""

    kernel: str = ""


class PauseKernel(Request[Done], frozen=True):
    """Let every process of the kernel's container stand still: it takes no processor, and keeps
    its memory. Executions that are queued meanwhile wait. UsageError for a kernel in none."""

    kernel: str = ""


class UnpauseKernel(Request[Done], frozen=True):
    """Let it go on where it was; nothing happens where it is not paused."""

    kernel: str = ""


class Completion(Struct, frozen=True, omit_defaults=True):
    text: str
    type: str = ""
    signature: str = ""


class Completions(Reply, frozen=True):
    """`start` and `end` bound what is replaced, in characters of the code."""

    matches: tuple[Completion, ...]
    start: int
    end: int


class Complete(Request[Completions], frozen=True):
    """Fails with Busy where the kernel runs code and cannot answer beside it."""

    Answer: ClassVar[type[Reply]] = Completions
    code: str
    cursor: int
    kernel: str = ""


class Inspection(Reply, frozen=True):
    """`text` may hold SGR; `html` and `markdown` where the kernel has them."""

    found: bool
    text: str = ""


class Inspect(Request[Inspection], frozen=True):
    Answer: ClassVar[type[Reply]] = Inspection
    code: str
    cursor: int
    detail: int = 0
    kernel: str = ""


class Completeness(Reply, frozen=True):
    status: Literal["complete", "incomplete", "invalid", "unknown"]
    indent: str = ""


class IsComplete(Request[Completeness], frozen=True):
    Answer: ClassVar[type[Reply]] = Completeness
    code: str
    kernel: str = ""


# -- output -------------------------------------------------------------------------


class Rows(Reply, frozen=True):
    """Rows from `start` on, `total` in all by now."""

    start: int
    total: int
    runs: Runs


class ReadRows(Request[Rows], frozen=True):
    """At most `count` rows (5,000 at most are given); long rows are clipped unless `whole`."""

    Answer: ClassVar[type[Reply]] = Rows
    execution_id: str
    start: int = 0
    count: int = 1000
    whole: bool = False


class ExecutionState(Reply, frozen=True):
    """An execution as it is after event `seq`."""

    execution: ExecutionView
    seq: int


class ReadExecution(Request[ExecutionState], frozen=True):
    """Any execution of the session, also one that its snapshot no longer holds. NotFound."""

    Answer: ClassVar[type[Reply]] = ExecutionState
    execution_id: str


class ExecutionPage(Reply, frozen=True):
    """In the order of queueing; `more` where there are older ones."""

    executions: tuple[ExecutionView, ...]
    more: bool = False


class ListExecutions(Request[ExecutionPage], frozen=True):
    """The last `limit` executions (200 and about 4 MB at most are given) whose number is below
    `before` (0: of all); silent ones are left out. With `document`, the last execution of each
    cell of that document instead, without its output, and 5,000 are given at most."""

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
    """Newest first; `more` where there are older ones."""

    displays: tuple[DisplayRow, ...]
    more: bool = False


class ListDisplays(Request[DisplayPage], frozen=True):
    """The last `limit` displays (200 at most are given) that all executions show now, whose
    position is below `before` (0: of all). Those of plain text alone are left out."""

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
    """`complete` is false where the limit cut the search short."""

    matches: tuple[RowMatch, ...]
    complete: bool = True


class SearchRows(Request[RowMatches], frozen=True):
    """Rows whose plain text has the pattern, in one execution or in all, oldest first. With
    `code` also lines of the code, each execution's before its rows."""

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


# -- variables and history ------------------------------------------------------------


class Variables(Reply, frozen=True):
    variables: tuple[Variable, ...]
    truncated: bool = False


class RefreshVariables(Request[Variables], frozen=True):
    Answer: ClassVar[type[Reply]] = Variables
    kernel: str = ""


class VariableDetail(Reply, frozen=True):
    """A longer look: `text` is a bounded repr, `children` its items or attributes."""

    variable: Variable
    text: str = ""
    children: tuple[Variable, ...] = ()


class InspectVariable(Request[VariableDetail], frozen=True):
    Answer: ClassVar[type[Reply]] = VariableDetail
    name: str
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
    """A page of a data frame or two-dimensional array in the kernel, `sort` by column."""

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
    """Newest first; the same code one after another stands once."""

    entries: tuple[HistoryEntry, ...]


class SearchHistory(Request[History], frozen=True):
    """Over all sessions, or this one; `pattern` is a part of the code."""

    Answer: ClassVar[type[Reply]] = History
    pattern: str = ""
    limit: int = 200
    this_session: bool = False


# -- the session itself ---------------------------------------------------------------


class RenameSession(Request[Done], frozen=True):
    name: str


class PinArtifact(Request[Done], frozen=True):
    """Keep a file of the working folder as an artifact of the session."""

    path: str


class RemoveArtifact(Request[Done], frozen=True):
    artifact_id: str


class ClientInfo(Struct, frozen=True, omit_defaults=True):
    name: str
    watch_only: bool = False


class Usage(Reply, frozen=True):
    """Of the kernel and its children: `cpu` in cores, `rss` in bytes; None where unknown."""

    cpu: float | None = None
    rss: int | None = None
    clients: tuple[ClientInfo, ...] = ()


class GetUsage(Request[Usage], frozen=True):
    Answer: ClassVar[type[Reply]] = Usage
    kernel: str = ""


SessionRequest = (
    Execute
    | CancelExecution
    | ClearQueue
    | AnswerStdin
    | Interrupt
    | StartKernel
    | SetDefaultKernel
    | RemoveKernel
    | RestartKernel
    | ShutDownKernel
    | PauseKernel
    | UnpauseKernel
    | Complete
    | Inspect
    | IsComplete
    | ReadRows
    | SearchRows
    | ReadExecution
    | ListExecutions
    | ListDisplays
    | ReadBlob
    | RefreshVariables
    | InspectVariable
    | ReadTable
    | DeleteVariable
    | SearchHistory
    | RenameSession
    | PinArtifact
    | RemoveArtifact
    | GetUsage
)

WATCHABLE = (
    Complete,
    Inspect,
    IsComplete,
    ReadRows,
    SearchRows,
    ReadExecution,
    ListExecutions,
    ListDisplays,
    ReadBlob,
    InspectVariable,
    ReadTable,
    SearchHistory,
    GetUsage,
)
"""What a face that only watches may ask."""


# -- of the host of sessions ------------------------------------------------------------


class KernelSummary(Struct, frozen=True, omit_defaults=True):
    """A kernel of a session in a list: `name` within the session, `kernel` as people read it,
    `kernel_name` what to ask for to have such a kernel again."""

    name: str
    state: str
    kernel: str = ""
    kernel_name: str = ""
    pid: int | None = None
    language: str = ""
    backend: str = ""
    policy: str = ""
    is_default: bool = False


class SessionSummary(Reply, frozen=True):
    """A session in a list; `bytes` is its size on disk. `kernels` are all its kernels; the fields
    of a kernel are those of the default one: `kernel_name` what to ask for to have such a kernel
    again, `policy` what confines it, `language` as far as it is known before the kernel says so.
    `state` is "busy" where any kernel is."""

    session_id: str
    name: str
    cwd: str
    state: str
    kernel: str = ""
    pid: int | None = None
    opened_at: float = 0.0
    changed_at: float = 0.0
    executions: int = 0
    queued: int = 0
    clients: int = 0
    bytes: int = 0
    seq: int = 0
    kernel_name: str = ""
    backend: str = ""
    policy: str = ""
    language: str = ""
    kernels: tuple[KernelSummary, ...] = ()


class OpenSession(Request[SessionSummary], frozen=True):
    """A new session, or the one of that name when it is open. `kernel` is a kernel's name, or
    the path of a Python or of an environment; empty: what is found from `cwd` or `file`.
    `connection_file` attaches to a kernel that another program started. With the backend `docker`
    the kernel runs in a container of `image`, limited by `policy`: a preset and what differs, such
    as `locked memory=2GB`; empty as the server's settings say."""

    Answer: ClassVar[type[Reply]] = SessionSummary
    cwd: str
    name: str = ""
    kernel: str = ""
    file: str = ""
    env: dict[str, str] = {}
    backend: str = "local"
    image: str = ""
    policy: str = ""
    connection_file: str = ""
    start_kernel: bool = True


class SessionList(Reply, frozen=True):
    sessions: tuple[SessionSummary, ...]


class ListSessions(Request[SessionList], frozen=True):
    """Open ones, or those on disk as well."""

    Answer: ClassVar[type[Reply]] = SessionList
    ended: bool = True


class StopSession(Request[Done], frozen=True):
    """End the kernel and close the session; its journal stays."""

    session_id: str


class RemoveSession(Request[Done], frozen=True):
    """Delete the journal and files of a closed session."""

    session_id: str


class KernelInfo(Struct, frozen=True, omit_defaults=True):
    """A kernel one may ask for. `problem` says why it is unusable, `fix` the command that
    mends that, `policy` what confines it."""

    name: str
    display_name: str
    language: str
    path: str
    source: str
    is_default: bool = False
    problem: str = ""
    fix: str = ""
    policy: str = ""


class KernelList(Reply, frozen=True):
    kernels: tuple[KernelInfo, ...]


class ListKernels(Request[KernelList], frozen=True):
    Answer: ClassVar[type[Reply]] = KernelList
    cwd: str = ""


class HostInfo(Reply, frozen=True):
    version: str
    pid: int
    started_at: float
    socket: str
    state_dir: str
    schema: int


class GetHostInfo(Request[HostInfo], frozen=True):
    Answer: ClassVar[type[Reply]] = HostInfo


class StopHost(Request[Done], frozen=True):
    """End the server; with `sessions`, all their kernels too, else they are left to be
    adopted."""

    sessions: bool = False


class FileEntry(Struct, frozen=True, omit_defaults=True, gc=False):
    path: str
    is_dir: bool = False
    size: int = 0
    changed_at: float = 0.0


class FileList(Reply, frozen=True):
    entries: tuple[FileEntry, ...]


class ListFiles(Request[FileList], frozen=True):
    """In the session's working folder, `path` relative to it."""

    Answer: ClassVar[type[Reply]] = FileList
    path: str = ""
    pattern: str = ""


class FileContent(Reply, frozen=True):
    path: str
    data: bytes


class ReadFile(Request[FileContent], frozen=True):
    Answer: ClassVar[type[Reply]] = FileContent
    path: str


class WriteFile(Request[Done], frozen=True):
    path: str
    data: bytes


HostRequest = (
    OpenSession | ListSessions | StopSession | RemoveSession | ListKernels | GetHostInfo | StopHost
)

FileRequest = ListFiles | ReadFile | WriteFile

AnyRequest = SessionRequest | FileRequest | HostRequest
