"""Events, which flow up: everything that has happened, as one closed union.

Every event is appended to its session's journal, and so gets its sequence number and time, before
any client sees it. A client that has all events up to number N asks for those after N.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct, field

from codeexec.domain.events.base import Event
from codeexec.domain.events.clusters import ClustersChanged
from codeexec.domain.events.comms import CommEvent
from codeexec.domain.events.files import FilesChanged as FilesChanged
from codeexec.domain.events.learning import LearnerAdvanced
from codeexec.domain.events.lines import KernelLineChanged
from codeexec.domain.events.logins import AnyLoginEvent
from codeexec.domain.events.plugins import AnyPluginEvent
from codeexec.domain.events.starts import AnyStartEvent
from codeexec.domain.events.steering import LessonSteered
from codeexec.domain.events.terminals import AnyTerminalEvent
from codeexec.domain.options import DEFAULT_KERNEL, NO_OPTIONS, ExecuteOptions
from codeexec.domain.outputs import ErrorInfo, MimePart, Runs
from codeexec.domain.programs import ProgramStart, StepResult

FinishStatus = Literal["ok", "error", "cancelled", "timed_out", "lost"]
PASSED_OVER = "The kernel passed it over."
"""The reason of an execution that its kernel answered with `aborted`."""
LINE_CUT = "The line to the kernel was cut; whether it ran to its end is not known."
LadderStage = Literal["interrupt", "interrupt_again", "terminate", "kill", "obeyed"]
NoticeLevel = Literal["info", "warning", "error"]


class KernelRef(Struct, frozen=True, omit_defaults=True):
    """Which kernel: `name` as one may ask for it again, `path` of its interpreter or spec."""

    name: str
    display_name: str = ""
    language: str = ""
    path: str = ""
    backend: str = "local"
    policy: str = ""
    """What confines it, in a word or two, such as `locked, 1 GB`; empty: nothing."""
    engine: str = ""
    """Of a container: the program that runs it, `docker` or `podman`; `path` is its image."""


class Death(Struct, frozen=True, omit_defaults=True):
    """How a kernel ended. `message` says it in words; `rss` is the last memory seen, in bytes."""

    message: str
    exit_code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False
    rss: int | None = None


class CellRef(Struct, frozen=True, omit_defaults=True):
    """Where code came from, for marks in an editor: a document and a place in it. `language` and
    `kernel` are those of the document; what `ExecuteOptions` say comes first."""

    document: str
    cell: str = ""
    first_line: int = 0
    title: str = ""
    language: str = ""
    kernel: str = ""


class Variable(Struct, frozen=True, omit_defaults=True):
    """A name in the kernel. `size` in bytes where that is cheap to know; `kind` is
    `table`, `array`, `module`, `function`, `class` or ``."""

    name: str
    type: str
    preview: str = ""
    shape: str = ""
    size: int | None = None
    kind: str = ""


class Artifact(Struct, frozen=True, omit_defaults=True):
    """A file kept by its content. `id` is unique in its session, `digest` names the content."""

    id: str
    name: str
    mime: str
    size: int
    digest: str
    execution_id: str = ""
    source: Literal["display", "file"] = "file"


# -- the session -------------------------------------------------------------------


class SessionOpened(Event, frozen=True):
    """`owner` is the service's user that the session belongs to; empty: the operator of the
    server."""

    session_id: str
    name: str
    cwd: str
    schema: int
    default_kernel: str = DEFAULT_KERNEL
    owner: str = ""


class SessionRenamed(Event, frozen=True):
    name: str


class SessionClosed(Event, frozen=True):
    reason: str = ""


RESTRICTED = "Restricted"
"""Title of the notice that an environment is not used, as its folder is not trusted."""


class NoticeGiven(Event, frozen=True):
    """A message to the user about something that no other event reports."""

    level: NoticeLevel
    title: str
    message: str = ""
    next_step: str = ""


# -- its kernels -------------------------------------------------------------------
# `kernel` is the name of a kernel within its session. Each has its own generations.


class KernelStarting(Event, frozen=True):
    """`generation` counts the processes that this kernel of the session has had, from 1."""

    generation: int
    ref: KernelRef
    kernel: str = DEFAULT_KERNEL


class DefaultKernelChosen(Event, frozen=True):
    """From here on this kernel runs what names none."""

    kernel: str


class KernelRemoved(Event, frozen=True):
    """The session has no kernel of this name any more; it had been stopped before."""

    kernel: str


class KernelReady(Event, frozen=True):
    """`notices` are what a person should know of its place, one sentence each; `language_info`
    is the kernel's own, as notebooks keep it; `capabilities` names what it can do beside running
    code: see `kernels.capabilities.Capabilities`. `ends_at` is when the job in which it runs ends
    at the latest (seconds of the epoch; 0: that is not known)."""

    generation: int
    pid: int | None = None
    language: str = ""
    version: str = ""
    banner: str = ""
    subshells: bool = False
    adopted: bool = False
    notices: tuple[str, ...] = ()
    language_info: dict[str, object] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    kernel: str = DEFAULT_KERNEL
    ends_at: float = 0.0


class KernelPaused(Event, frozen=True):
    """Every process of it stands still, and what it has in memory stays."""

    generation: int
    kernel: str = DEFAULT_KERNEL


class KernelResumed(Event, frozen=True):
    generation: int
    kernel: str = DEFAULT_KERNEL


class KernelDied(Event, frozen=True):
    generation: int
    death: Death
    kernel: str = DEFAULT_KERNEL


class KernelStopped(Event, frozen=True):
    generation: int
    reason: str = ""
    kernel: str = DEFAULT_KERNEL


class InterruptEscalated(Event, frozen=True):
    """A rung of the ladder: what is tried now, on which process, how long after the first."""

    stage: LadderStage
    execution_id: str = ""
    pid: int | None = None
    elapsed: float = 0.0
    kernel: str = DEFAULT_KERNEL


# -- its executions ----------------------------------------------------------------


class ExecutionQueued(Event, frozen=True):
    """`is_agent`: an agent runs it. `confirm`: why it waits until the user allows it; empty: it
    does not."""

    execution_id: str
    code: str
    origin: str = ""
    cell: CellRef | None = None
    options: ExecuteOptions = NO_OPTIONS
    is_agent: bool = False
    confirm: str = ""


class ExecutionConfirmed(Event, frozen=True):
    """The user lets an agent's execution run; `origin` is the client that answered. A refused one
    ends as cancelled."""

    execution_id: str
    origin: str = ""


class ExecutionStarted(Event, frozen=True):
    """`generation` is that of the kernel which runs it; 0 in journals of schema 1."""

    execution_id: str
    generation: int = 0


class InputCounted(Event, frozen=True):
    """The kernel's prompt number for an execution."""

    execution_id: str
    count: int


class OutputChanged(Event, frozen=True):
    """Rows from `start` on are now these, `total` rows in all.

    When fewer rows are carried than `total - start`, they are the last ones, and the
    others can be asked for: the flood has been elided for a client that shows only the end.
    `unfinished`: the last row is text whose newline has not come yet.
    """

    execution_id: str
    start: int
    total: int
    runs: Runs
    unfinished: bool = False


class DisplayUpdated(Event, frozen=True):
    """All displays with this id, in whichever execution, now show this."""

    display_id: str
    parts: tuple[MimePart, ...]
    metadata: dict[str, object] = field(default_factory=dict)


class StdinRequested(Event, frozen=True):
    """`echoed`: the program's terminal shows the answer, which is not shown by a row of its own."""

    request_id: str
    execution_id: str
    prompt: str = ""
    password: bool = False
    echoed: bool = False


class StdinAnswered(Event, frozen=True):
    """`answer` is empty for a password."""

    request_id: str
    execution_id: str
    answer: str = ""
    origin: str = ""


class StepEnded(Event, frozen=True):
    """A step of a program has ended, with the diagnostics of its report."""

    execution_id: str
    step: StepResult


class FullScreenUsed(Event, frozen=True):
    """A program uses the whole screen, which a card does not have; `start` is for a terminal. What
    it draws on the alternate screen is no output."""

    execution_id: str
    start: ProgramStart


class ExecutionFinished(Event, frozen=True):
    """The one end of an execution; `reason` explains all but ok and error. `by` is the client that
    interrupted, cancelled or refused it."""

    execution_id: str
    status: FinishStatus
    reason: str = ""
    error: ErrorInfo | None = None
    by: str = ""


# -- what it has -------------------------------------------------------------------


class NextInputOffered(Event, frozen=True):
    """Code asked for `text` as what is typed next; `replaces`: in place of the code itself."""

    execution_id: str
    text: str
    replaces: bool = False


class VariablesTaken(Event, frozen=True):
    generation: int
    variables: tuple[Variable, ...]
    truncated: bool = False
    kernel: str = DEFAULT_KERNEL


class ArtifactAdded(Event, frozen=True):
    artifact: Artifact


class ArtifactRemoved(Event, frozen=True):
    artifact_id: str
    reason: str = ""


# -- in place of events that a reader is far behind ---------------------------------


class SnapshotTaken(Event, frozen=True):
    """`state` is a `Snapshot` as JSON; it stands for all events up to its number. Sent to
    readers of mode `latest` alone, never journaled."""

    state: Raw


AnyEvent = (
    SessionOpened
    | SessionRenamed
    | SessionClosed
    | NoticeGiven
    | KernelStarting
    | DefaultKernelChosen
    | KernelRemoved
    | AnyStartEvent
    | KernelReady
    | KernelPaused
    | KernelResumed
    | KernelLineChanged
    | ClustersChanged
    | KernelDied
    | KernelStopped
    | InterruptEscalated
    | ExecutionQueued
    | ExecutionConfirmed
    | ExecutionStarted
    | InputCounted
    | OutputChanged
    | DisplayUpdated
    | StdinRequested
    | StdinAnswered
    | StepEnded
    | FullScreenUsed
    | ExecutionFinished
    | NextInputOffered
    | VariablesTaken
    | ArtifactAdded
    | ArtifactRemoved
    | FilesChanged
    | CommEvent
    | LearnerAdvanced
    | LessonSteered
    | AnyLoginEvent
    | AnyPluginEvent
    | AnyTerminalEvent
    | SnapshotTaken
)


class Recorded(Struct, frozen=True):
    """An event in its journal: `seq` counts from 1 without gaps, `at` is seconds since 1970."""

    seq: int
    at: float
    event: AnyEvent
