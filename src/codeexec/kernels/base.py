"""Kernel: code in, events out, the same for every backend.

A kernel knows nothing of queues, journals or sessions. It runs one execution at a time (the
session sees to that), and tells what happens to its sink in batches, each in the order in
which the kernel said it. Terminal text comes raw; making rows of it is the session's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from msgspec import Struct, field

from codeexec.domain.events import CellRef, Death, KernelRef, NoticeLevel
from codeexec.domain.events.lines import LineCut
from codeexec.domain.options import NO_OPTIONS, ExecuteOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.places.clusters import ClusterState
from codeexec.domain.places.logins import AskUser
from codeexec.domain.plugins import LogEntry, ReportedArtifact
from codeexec.domain.programs import ProgramStart, StepResult
from codeexec.kernels.capabilities import Capabilities

if TYPE_CHECKING:
    from codeexec.domain.places.containers import ClassicLayout
    from codeexec.domain.requests import KernelInfo, Variables
    from codeexec.environments.base import Environment
    from codeexec.environments.files import Folder

# -- what a kernel says ----------------------------------------------------------------
# `execution` is the id that `execute` was given; what belongs to none (a thread printing
# after the last cell) carries the id of the execution it was started in, as the kernel says.


class Started(Struct, frozen=True):
    """The kernel has taken up the execution; `count` is its prompt number."""

    execution: str
    count: int | None


class StreamWritten(Struct, frozen=True):
    execution: str
    stream: Literal["stdout", "stderr"]
    text: str


class Displayed(Struct, frozen=True):
    """`data` maps MIME types to values as Jupyter sends them: text, base64, or JSON values."""

    execution: str
    data: Mapping[str, object]
    metadata: Mapping[str, object]
    role: Literal["display", "result"]
    display_id: str | None = None
    count: int | None = None


class DisplayRefreshed(Struct, frozen=True):
    display_id: str
    data: Mapping[str, object]
    metadata: Mapping[str, object]


class CommStarted(Struct, frozen=True):
    """The kernel has opened a comm; the fields as those of `CommOpened`."""

    comm_id: str
    target: str
    execution: str
    state: dict[str, object]
    buffers: dict[str, str] = field(default_factory=dict)
    is_partial: bool = False


class CommUpdated(Struct, frozen=True):
    """Keys of a comm's state are these now; the fields as those of `CommChanged`."""

    comm_id: str
    state: dict[str, object]
    buffers: dict[str, str] = field(default_factory=dict)
    handled: tuple[str, ...] = ()
    is_partial: bool = False
    messages: tuple[dict[str, object], ...] = ()


class CommEnded(Struct, frozen=True):
    comm_id: str


class OutputCleared(Struct, frozen=True):
    """With `wait`, only when the next output comes."""

    execution: str
    wait: bool


class ErrorRaised(Struct, frozen=True):
    execution: str
    error: ErrorInfo


class InputRequested(Struct, frozen=True):
    execution: str
    prompt: str
    password: bool
    message: str = ""
    """The id of the kernel's message: the same question may be told again to another server."""
    echoed: bool = False
    """The program's terminal shows the answer in its output."""


class StepDone(Struct, frozen=True):
    """A step of a program has ended; what it wrote was told before."""

    execution: str
    step: StepResult


class ScreenUsed(Struct, frozen=True):
    """A program uses the whole screen."""

    execution: str
    start: ProgramStart


class Finished(Struct, frozen=True):
    """Said once per execution: the reply and idle have both come (`aborted`: it never ran; `lost`:
    they will not come, and whether it ran and how it ended is not known)."""

    execution: str
    status: Literal["ok", "error", "aborted", "lost"]
    error: ErrorInfo | None = None
    count: int | None = None
    is_known: bool = False
    """How it ended is known for certain, though it has no prompt number."""


class Overheard(Struct, frozen=True):
    """The kernel has taken up code that another client gave it; outputs and `Finished` follow as
    for ours. `client` is the name that its messages carry."""

    execution: str
    code: str
    client: str


class NextInput(Struct, frozen=True):
    """Code asked for this text as the next input (`%load`), in place of its own if `replaces`."""

    execution: str
    text: str
    replaces: bool


class Died(Struct, frozen=True):
    """The process ended unexpectedly; its open executions have no `Finished`."""

    death: Death


class Notice(Struct, frozen=True):
    """Something a person should know of the place where the kernel runs."""

    level: NoticeLevel
    title: str
    message: str
    next_step: str = ""


class LineChanged(Struct, frozen=True):
    """The line to the kernel is cut; None: it is there again."""

    cut: LineCut | None


class Pulled(Struct, frozen=True):
    """How far the image has come that the kernel waits for, as `ImagePullAdvanced` has it."""

    image: str
    layers_done: int
    layers: int
    done: int = 0
    total: int = 0


class StartAdvanced(Struct, frozen=True):
    """How far the start of the kernel is, as `KernelStartAdvanced` has it."""

    step: str
    since: float
    percent: int | None = None


class Reached(Struct, frozen=True):
    """Everything up to this place of the kernel's outbox stands in the events before: all of
    message `number`, and the first `part` events of the one after it. `token` names the process."""

    token: str
    number: int
    part: int = 0


class NeverTaken(Struct, frozen=True):
    """The request to run this never arrived: the last server ended before it was sent."""

    execution: str


class VariablesSent(Struct, frozen=True):
    """The variables that a program had at its end."""

    variables: Variables


class ResultReport(Struct, frozen=True):
    """What an execution with `ExecuteOptions.report` has at its end."""

    variables: Mapping[str, str]
    output: tuple[tuple[str, str], ...] = ()


class Reported(Struct, frozen=True):
    """Code reported something beside its output."""

    execution: str
    report: LogEntry | ReportedArtifact | ResultReport


class PluginReported(Struct, frozen=True):
    """A step of a plugin has ended; `messages` has a text for each failed test. Where a magic
    loaded it, `implementation` and `config` come along."""

    execution: str
    action: Literal["load", "test", "unload"]
    name: str
    is_success: bool
    message: str = ""
    messages: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    implementation: str = ""
    config: Mapping[str, str] = field(default_factory=dict)


class ClustersSeen(Struct, frozen=True):
    """The clusters of Dask and Ray that code is connected to now."""

    clusters: tuple[ClusterState, ...]


class SessionVariablesReported(Struct, frozen=True):
    """Code has set the variables of the session."""

    execution: str
    variables: Mapping[str, str]


KernelEvent = (
    Started
    | StreamWritten
    | Displayed
    | DisplayRefreshed
    | CommStarted
    | CommUpdated
    | CommEnded
    | OutputCleared
    | ErrorRaised
    | InputRequested
    | StepDone
    | ScreenUsed
    | Finished
    | NextInput
    | Overheard
    | Died
    | Notice
    | LineChanged
    | Pulled
    | StartAdvanced
    | Reached
    | NeverTaken
    | VariablesSent
    | Reported
    | PluginReported
    | SessionVariablesReported
    | ClustersSeen
)
Sink = Callable[[Sequence[KernelEvent]], None]
"""Called on the event loop, with all that is at hand."""


# -- what a kernel is asked ------------------------------------------------------------


class Ready(Struct, frozen=True):
    pid: int | None
    language: str
    version: str
    banner: str
    subshells: bool
    notices: tuple[str, ...] = ()
    """What a person should know of its place, one sentence each."""
    language_info: dict[str, object] = field(default_factory=dict)
    """As the kernel says it."""
    implementation: str = ""
    """The name of the kernel's program, as it says it."""
    ends_at: float = 0.0
    """When its job ends at the latest, in seconds of the epoch; 0: that is not known."""


class PluginCall(Struct, frozen=True):
    """A step of a plugin; `implementation` and `config` are empty but for `load`."""

    action: Literal["load", "test", "unload"]
    name: str
    implementation: str = ""
    config: Mapping[str, str] = field(default_factory=dict)


class ExecuteCall(Struct, frozen=True):
    execution: str
    code: str
    options: ExecuteOptions = NO_OPTIONS
    session: Mapping[str, object] = field(default_factory=dict)
    """What a Python kernel is told of the session with this execution; empty: nothing."""
    plugin: PluginCall | None = None
    """A step of a plugin, in place of the code."""
    cell: CellRef | None = None
    """Where the code comes from."""
    preamble: str = ""
    """Declarations that stand before those of a cell, for languages whose cells are programs."""


@dataclass(frozen=True, slots=True)
class KernelChoice:
    """Which kernel to start and where. `name` may be a kernelspec, a path of a Python, of an
    environment or of a connection file; empty: what is found from `file` or `cwd` upward."""

    cwd: str
    name: str = ""
    file: str = ""
    env: Mapping[str, str] = dataclass_field(default_factory=dict)
    backend: str = "local"
    image: str = ""
    policy: str = ""
    transport: str = ""
    """How a kernel in a container is reached; empty: as the settings say."""
    classic: ClassicLayout | None = None
    """Options of the transport `ports`."""
    connection_file: str = ""
    language: str = ""
    """Without a name: that of the kernel to find."""
    session: str = ""
    """Told in a container's name and labels."""
    confined_image: str = ""
    confined_policy: str = ""
    """Where the policy is not empty, whatever else is chosen runs in a container of this image with
    this policy."""
    place: Callable[[], Environment] | None = dataclass_field(default=None, compare=False)
    """The environment of the session, in which kernels of programs run them; None: a folder of
    this machine, `cwd`."""
    ask_user: AskUser | None = dataclass_field(default=None, compare=False)
    """Asks the user of the session what a login to another machine asks; None: nobody is asked."""
    ask_user_later: AskUser | None = dataclass_field(default=None, compare=False)
    """The same for a kernel that is taken up: it waits until a client is there that may answer."""

    def beside(self, name: str = "") -> KernelChoice:
        """The choice of another kernel of the same session: in its folder, with its variables, and
        confined as it is."""
        return KernelChoice(
            self.cwd,
            name,
            env=self.env,
            session=self.session,
            confined_image=self.confined_image,
            confined_policy=self.confined_policy,
            place=self.place,
            ask_user=self.ask_user,
            ask_user_later=self.ask_user_later,
        )


Handle = dict[str, object]
"""All that another server needs to adopt a running kernel: JSON, kept in the journal's
private part (it holds the signing key)."""


class KernelUsage(Struct, frozen=True):
    """Of the process and its children; `cpu` in cores since the last call."""

    cpu: float | None
    rss: int | None


class Kernel(Protocol):
    """One kernel process through all its restarts. What only some kernels can do is among its
    `capabilities`."""

    @property
    def ref(self) -> KernelRef: ...

    @property
    def pid(self) -> int | None: ...

    @property
    def is_alive(self) -> bool: ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do now; some of it is known once it has answered."""

    async def start(self) -> Ready:
        """Spawn (or attach), connect and wait for the first answer. KernelUnavailable with the
        kernel's last words when it exits or does not answer in time; leaves no process."""

    def handle(self) -> Handle: ...

    def execute(self, call: ExecuteCall) -> None:
        """Send; returns at once."""

    async def interrupt(self) -> None:
        """One interrupt: a signal where the process is ours, a control message elsewhere."""

    async def signal(self, signum: int) -> bool:
        """SIGTERM or SIGKILL to the kernel's process group; false where there is none to reach."""

    async def restart(self) -> Ready:
        """A fresh process, whatever the old one does; requests still on the way to the old one
        never reach it."""

    async def shutdown(self) -> None:
        """Ask, then terminate, then kill; no process of the kernel's group is left."""

    def usage(self) -> KernelUsage: ...


@runtime_checkable
class Outdating(Protocol):
    """A kernel in whose place its choice may make another one some day."""

    def is_outdated(self) -> bool:
        """Whether that is so now, as its interpreter has got ipykernel. May run the interpreter."""


class KernelFactory(Protocol):
    """Makes and finds kernels; injected into the session."""

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        """Not yet started. KernelUnavailable where nothing fits, with what to do."""

    def choose(self, choice: KernelChoice, name: str, policy: str = "") -> KernelChoice:
        """The same folder and environment, another kernel: a name such as `docker:IMAGE` is one of
        the backend before the colon, any other is of this machine. Empty: only the policy is
        another one. UsageError for a policy where the backend has none."""

    def environment(self, choice: KernelChoice, folder: Folder) -> Environment:
        """The place of the files and processes of a session with this choice, in whose `folder`
        it was opened."""

    def loss_reason(self, backend: str) -> str:
        """Why a kernel of this backend that could not be adopted is gone."""

    async def adopt(
        self, handle: Handle, sink: Sink, running: str = "", ask_user: AskUser | None = None
    ) -> Kernel | None:
        """Connected to a kernel that still runs, or None when it is gone. `running` is the
        execution that was open when its last server ended; it gets its `Finished`, also when
        the kernel had done with it in between (as `ok` where there is no outbox to tell
        otherwise), or `NeverTaken`. `handle["outbox"]` is the place (`token`, `number`,
        `part`) that the journal has reached; what came after it is told first. `ask_user` answers
        what a login to the kernel's machine asks."""

    def list(self, cwd: str) -> Sequence[KernelInfo]:
        """Those of this machine."""

    def held_back(self, choice: KernelChoice) -> tuple[str, str]:
        """Why such a kernel is not to be started before the user runs code, and the next step;
        empty where it is: it executes nothing of its folder by starting."""

    async def offers(self, session: str = "") -> Sequence[KernelInfo]:
        """Those of all other backends, well or not, and why; with those of machines that the
        session with this id is connected to."""

    async def close(self) -> None:
        """End what was kept ready for kernels to come; can be repeated."""
