"""What is: the state of a session, bounded whatever it has put out."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from codeexec.domain.content.comms import CommView
from codeexec.domain.events import (
    Artifact,
    CellRef,
    Death,
    FinishStatus,
    InterruptEscalated,
    KernelRef,
    NoticeGiven,
    StdinRequested,
    Variable,
)
from codeexec.domain.events.lines import LineCut
from codeexec.domain.events.starts import ImagePullAdvanced, KernelStartAdvanced
from codeexec.domain.learning import LearnerRecord
from codeexec.domain.options import DEFAULT_KERNEL, NO_OPTIONS, ExecuteOptions
from codeexec.domain.outputs import Display, ErrorInfo, Runs
from codeexec.domain.places.clusters import ClusterState
from codeexec.domain.places.logins import LoginQuestion
from codeexec.domain.plugins import ExecutionReport, PluginView
from codeexec.domain.programs import ProgramStart, StepResult
from codeexec.domain.steering import SteeringKey
from codeexec.domain.terminals import TerminalView

KernelState = Literal["none", "starting", "idle", "busy", "dead", "stopped"]
ExecutionStatus = Literal["queued", "running"] | FinishStatus

KEPT_NOTICES = 20

KEPT_EXECUTIONS = 200
"""Executions that are over and stay in a snapshot; the journal has the others."""

KEPT_WEIGHT = 4 * 2**20
"""Characters that these hold together; beyond it the oldest go as well."""

KEPT_DISPLAYS = 100
"""Displays that a snapshot holds of one execution, the last ones; the output rows have all."""

KEPT_ANSWERS = 20
"""Answers to input() that a snapshot holds of one execution, the last ones."""


class KernelView(Struct, frozen=True):
    """A kernel of a session through all its processes. `paused` is beside the state that goes on
    with it, and so is `line_cut`; `pull` and `start` are told while it is starting.
    `variables` are those of process `variables_generation`."""

    state: KernelState = "none"
    generation: int = 0
    kernel: KernelRef | None = None
    pid: int | None = None
    language: str = ""
    version: str = ""
    banner: str = ""
    subshells: bool = False
    death: Death | None = None
    ladder: InterruptEscalated | None = None
    ready_at: float | None = None
    paused: bool = False
    line_cut: LineCut | None = None
    pull: ImagePullAdvanced | None = None
    start: KernelStartAdvanced | None = None
    notices: tuple[str, ...] = ()
    language_info: dict[str, object] = {}
    capabilities: tuple[str, ...] = ()
    ends_at: float = 0.0
    clusters: tuple[ClusterState, ...] = ()
    variables: tuple[Variable, ...] = ()
    variables_generation: int = 0


NO_KERNEL = KernelView()
"""A kernel that was never started."""


class ExecutionView(Struct, frozen=True):
    """One execution. `tail` holds its last rows (`TAIL_ROWS` at most, long rows clipped) of
    `total`; `displays` the last objects that it shows (`KEPT_DISPLAYS` at most), in order.
    `number` counts the executions of a session from 1, in the order of queueing, and `index` those
    that are not silent. `answers` are
    the last prompts of input() with what was answered; of a password three dots. `steps` are those
    of a program; `screen` says how to start one that uses the whole screen in a terminal.
    `report` is what it reported beside its output. `is_agent`: an agent runs it; `confirm` says why
    it waits for the user's confirmation, while it does; `ended_by` is the client that interrupted,
    cancelled or refused it."""

    execution_id: str
    code: str
    status: ExecutionStatus = "queued"
    origin: str = ""
    cell: CellRef | None = None
    options: ExecuteOptions = NO_OPTIONS
    generation: int = 0
    count: int | None = None
    queued_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    total: int = 0
    tail: Runs = ()
    displays: tuple[Display, ...] = ()
    error: ErrorInfo | None = None
    reason: str = ""
    stdin: StdinRequested | None = None
    number: int = 0
    answers: tuple[tuple[str, str], ...] = ()
    steps: tuple[StepResult, ...] = ()
    screen: ProgramStart | None = None
    is_agent: bool = False
    confirm: str = ""
    ended_by: str = ""
    report: ExecutionReport | None = None
    index: int = 0

    @property
    def is_open(self) -> bool:
        return self.status in ("queued", "running")

    @property
    def kernel(self) -> str:
        """The kernel of the session that runs it."""
        return self.options.kernel or DEFAULT_KERNEL


class Snapshot(Struct, frozen=True):
    """`executions` holds all that are open and the last that are over (`KEPT_EXECUTIONS`,
    `KEPT_WEIGHT`), in the order of queueing; `executions_total` counts all there ever were.
    `ended` and `weight` count those that are over in here, and their characters. `kernels` has
    the kernels of the session by name, in the order of their first start. `owner` is the
    service's user that it belongs to; empty: the operator of the server. `files_watched`: changes
    of files in its folder are told by FilesChanged. `comms` has the comms of all kernels by id, the
    oldest first, and `comms_weight` about how many characters they hold. `learner` has the
    progress of the person that does a lesson in it. `login_questions` are those that wait for an
    answer of the user, the oldest first. `steering_keys` are the last keys of the speaker's view of
    a lesson, the oldest first."""

    seq: int = 0
    session_id: str = ""
    name: str = ""
    cwd: str = ""
    opened_at: float = 0.0
    closed: bool = False
    kernels: dict[str, KernelView] = {}
    default_kernel: str = DEFAULT_KERNEL
    executions: dict[str, ExecutionView] = {}
    artifacts: tuple[Artifact, ...] = ()
    notices: tuple[NoticeGiven, ...] = ()
    executions_total: int = 0
    ended: int = 0
    weight: int = 0
    terminals: dict[str, TerminalView] = {}
    owner: str = ""
    files_watched: bool = False
    plugins: dict[str, PluginView] = {}
    session_variables: dict[str, str] = {}
    shown_total: int = 0
    comms: dict[str, CommView] = {}
    comms_weight: int = 0
    learner: LearnerRecord | None = None
    login_questions: tuple[LoginQuestion, ...] = ()
    steering_keys: tuple[SteeringKey, ...] = ()

    @property
    def kernel(self) -> KernelView:
        """The default kernel."""
        return self.kernel_named("")

    def kernel_named(self, name: str) -> KernelView:
        """The kernel of this name, as far as it was ever started; empty: the default one."""
        return self.kernels.get(name or self.default_kernel, NO_KERNEL)

    def kernel_of(self, view: ExecutionView) -> KernelView:
        """The kernel that runs this execution, or ran it."""
        return self.kernels.get(view.kernel, NO_KERNEL)

    @property
    def queue(self) -> tuple[ExecutionView, ...]:
        return tuple(e for e in self.executions.values() if e.status == "queued")

    def queue_of(self, kernel: str) -> tuple[ExecutionView, ...]:
        """What waits for the kernel of this name; empty: for the default one."""
        name = kernel or self.default_kernel
        return tuple(e for e in self.queue if e.kernel == name)

    @property
    def is_running(self) -> bool:
        """Whether anything runs, on whichever kernel."""
        return any(e.status == "running" for e in self.executions.values())

    @property
    def asking(self) -> ExecutionView | None:
        """An execution that waits for an answer: of the default kernel, or else of another."""
        asking = [e for e in self.executions.values() if e.stdin is not None]
        of_default = (e for e in asking if e.kernel == self.default_kernel)
        return next(of_default, asking[0] if asking else None)

    @property
    def running(self) -> ExecutionView | None:
        """What runs on the default kernel."""
        return self.running_on("")

    def running_on(self, kernel: str) -> ExecutionView | None:
        """What runs on the kernel of this name; empty: on the default one."""
        name = kernel or self.default_kernel
        views = self.executions.values()
        return next((e for e in views if e.status == "running" and e.kernel == name), None)


def weight(view: ExecutionView) -> int:
    """About how many characters an execution holds."""
    size = len(view.code) + len(view.reason) + _rows_weight(view.tail)
    size += sum(map(_display_weight, view.displays))
    size += sum(len(prompt) + len(answer) for prompt, answer in view.answers)
    size += sum(_step_weight(step) for step in view.steps)
    size += _report_weight(view.report) if view.report is not None else 0
    return size + (_error_weight(view.error) if view.error is not None else 0)


def _rows_weight(runs: Runs) -> int:
    size = 0
    for run in runs:
        size += len(run.text)
        if run.error is not None:
            size += _error_weight(run.error)
        if run.display is not None:
            size += _display_weight(run.display)
    return size


def _display_weight(display: Display) -> int:
    size = 200 + sum(len(part.text or "") for part in display.parts)
    return size + (len(repr(display.metadata)) if display.metadata else 0)


def _step_weight(step: StepResult) -> int:
    notes = sum(len(note.message) + 100 for each in step.diagnostics for note in each.notes)
    tests = sum(len(test.message) + len(test.output) + 200 for test in step.tests)
    return 200 + notes + tests + sum(len(each.message) + 200 for each in step.diagnostics)


def _report_weight(report: ExecutionReport) -> int:
    size = sum(len(entry.message) + len(entry.tag) + 40 for entry in report.log)
    size += sum(len(artifact.preview) + 200 for artifact in report.artifacts)
    size += sum(len(name) + len(value) + 10 for name, value in report.variables.items())
    return size + sum(len(name) + len(value) for name, value in report.output)


def _error_weight(error: ErrorInfo) -> int:
    return len(error.value) + sum(map(len, error.traceback))
