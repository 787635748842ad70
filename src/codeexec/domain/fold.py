"""Fold of events into a snapshot, the same for the engine and every client.

Pure, and the same for a live stream, a replayed journal, and a stream whose floods were
merged or elided on the way: `tests/domain` holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from codeexec.domain.content.comms import bound_comms, fold_comm
from codeexec.domain.events import (
    AnyEvent,
    ArtifactAdded,
    ArtifactRemoved,
    DefaultKernelChosen,
    DisplayUpdated,
    ExecutionConfirmed,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    FilesChanged,
    FullScreenUsed,
    InputCounted,
    InterruptEscalated,
    KernelDied,
    KernelPaused,
    KernelReady,
    KernelRemoved,
    KernelResumed,
    KernelStarting,
    KernelStopped,
    NextInputOffered,
    NoticeGiven,
    OutputChanged,
    Recorded,
    SessionClosed,
    SessionOpened,
    SessionRenamed,
    SnapshotTaken,
    StdinAnswered,
    StdinRequested,
    StepEnded,
    VariablesTaken,
)
from codeexec.domain.events.clusters import ClustersChanged
from codeexec.domain.events.comms import CommEvent
from codeexec.domain.events.learning import LearnerAdvanced
from codeexec.domain.events.lines import KernelLineChanged
from codeexec.domain.events.logins import (
    AnyLoginEvent,
    LoginQuestionAsked,
    LoginQuestionClosed,
)
from codeexec.domain.events.plugins import (
    ArtifactReported,
    ExecutionLogged,
    PluginChanged,
    PluginRemoved,
    ReportEvent,
    ResultReported,
    SessionVariablesSet,
    fold_plugin,
    fold_report,
)
from codeexec.domain.events.starts import ImagePullAdvanced, KernelStartAdvanced
from codeexec.domain.events.steering import LessonSteered
from codeexec.domain.events.terminals import TerminalEvent, fold_terminal
from codeexec.domain.learning import LearnerRecord, merged
from codeexec.domain.outputs import (
    TAIL_ROWS,
    Display,
    Runs,
    clip_row,
    clip_runs,
    count_rows,
    join_runs,
    last_rows,
    slice_runs,
)
from codeexec.domain.snapshot import (
    KEPT_ANSWERS,
    KEPT_DISPLAYS,
    KEPT_EXECUTIONS,
    KEPT_NOTICES,
    KEPT_WEIGHT,
    NO_KERNEL,
    ExecutionView,
    KernelView,
    Snapshot,
    weight,
)
from codeexec.domain.steering import MOST_KEYS, SteeringKey
from codeexec.domain.wire.codec import decode_snapshot

EventOfKernel = (
    KernelStarting
    | ImagePullAdvanced
    | KernelStartAdvanced
    | KernelReady
    | KernelPaused
    | KernelResumed
    | KernelLineChanged
    | ClustersChanged
    | KernelDied
    | KernelStopped
    | KernelRemoved
    | InterruptEscalated
    | VariablesTaken
)
"""Events that change one kernel of the session."""

_GONE: dict[str, object] = {
    "ladder": None,
    "paused": False,
    "line_cut": None,
    "pull": None,
    "start": None,
    "ends_at": 0.0,
    "clusters": (),
}
"""Fields of a kernel whose process has ended."""


def apply(snapshot: Snapshot, records: Iterable[Recorded]) -> Snapshot:
    """The snapshot after these events; events it has already seen change nothing."""
    draft = _Draft(snapshot)
    for record in records:
        if record.seq > draft.seq:
            draft.seq = record.seq
            draft.take(record.event, record.at)
    return draft.finish()


class _Draft:
    """A snapshot under change: containers are copied once a batch, not once an event."""

    def __init__(self, base: Snapshot) -> None:
        self.seq = base.seq
        self._begin(base)

    def _begin(self, base: Snapshot) -> None:
        self.base = base
        self.kernels = base.kernels
        self.executions = base.executions
        self.executions_total = base.executions_total
        self.shown_total = base.shown_total
        self.ended, self.weight = base.ended, base.weight
        self.terminals = base.terminals
        self.plugins = base.plugins
        self.comms, self.comms_weight = base.comms, base.comms_weight
        self.fields: dict[str, object] = {}

    def finish(self) -> Snapshot:
        if self.seq == self.base.seq:
            return self.base
        return replace(
            self.base,
            seq=self.seq,
            kernels=self.kernels,
            executions=self.executions,
            executions_total=self.executions_total,
            shown_total=self.shown_total,
            ended=self.ended,
            weight=self.weight,
            terminals=self.terminals,
            plugins=self.plugins,
            comms=self.comms,
            comms_weight=self.comms_weight,
            **self.fields,
        )

    def _put(self, view: ExecutionView) -> None:
        if self.executions is self.base.executions:
            self.executions = dict(self.executions)
        self._count(self.executions.get(view.execution_id), -1)
        self.executions[view.execution_id] = view
        self._count(view, 1)

    def _count(self, view: ExecutionView | None, by: int) -> None:
        if view is not None and not view.is_open:
            self.ended += by
            self.weight += by * weight(view)

    def _let_go(self) -> None:
        """Drop the oldest executions that are over, down to what a snapshot may hold.

        Only when another one is queued: by then every reader has seen how they ended. It
        depends on the state alone, so that every way of folding drops the same ones.
        """
        if self.ended <= KEPT_EXECUTIONS and self.weight <= KEPT_WEIGHT:
            return
        for view in [view for view in self.executions.values() if not view.is_open]:
            if self.ended <= KEPT_EXECUTIONS and self.weight <= KEPT_WEIGHT:
                return
            del self.executions[view.execution_id]
            self._count(view, -1)

    def _change(self, execution_id: str, **changes: object) -> None:
        view = self.executions.get(execution_id)
        if view is not None:
            self._put(replace(view, **changes))

    def _get(self, name: str) -> object:
        return self.fields.get(name, getattr(self.base, name))

    def take(self, event: AnyEvent, at: float) -> None:
        if isinstance(event, TerminalEvent):
            self.terminals = fold_terminal(self.terminals, event, at)
            return
        if isinstance(event, CommEvent):
            self._take_comm(event)
            return
        match event:
            case SessionOpened():
                self.fields.update(
                    session_id=event.session_id,
                    name=event.name,
                    cwd=event.cwd,
                    opened_at=at,
                    default_kernel=event.default_kernel,
                    owner=event.owner,
                )
            case SessionRenamed():
                self.fields["name"] = event.name
            case SessionClosed():
                self.fields["closed"] = True
                for name in self.kernels:
                    self._change_kernel(name, state="stopped", ladder=None)
            case NoticeGiven():
                kept = self._get("notices")
                assert isinstance(kept, tuple)
                self.fields["notices"] = (*kept, event)[-KEPT_NOTICES:]
            case FilesChanged():
                self.fields["files_watched"] = event.is_watched
            case NextInputOffered():
                pass  # for those who look on; what was typed is no state of the session
            case ArtifactAdded() | ArtifactRemoved():
                self._take_artifact(event)
            case PluginChanged() | PluginRemoved():
                self.plugins = fold_plugin(self.plugins, event)
            case SessionVariablesSet():
                self.fields["session_variables"] = event.variables
            case LearnerAdvanced():
                self._take_learner(event, at)
            case LessonSteered():
                self._take_steering(event)
            case LoginQuestionAsked() | LoginQuestionClosed():
                self._take_login(event)
            case SnapshotTaken():
                self._begin(decode_snapshot(event.state))
            case DefaultKernelChosen():
                self.fields["default_kernel"] = event.kernel
            case (
                KernelStarting()
                | ImagePullAdvanced()
                | KernelStartAdvanced()
                | KernelReady()
                | KernelPaused()
                | KernelResumed()
                | KernelLineChanged()
                | ClustersChanged()
                | KernelDied()
                | KernelStopped()
                | KernelRemoved()
                | InterruptEscalated()
                | VariablesTaken()
            ):
                self._take_kernel(event, at)
            case _:
                self._take_execution(event, at)

    def _take_learner(self, event: LearnerAdvanced, at: float) -> None:
        record = self._get("learner")
        assert record is None or isinstance(record, LearnerRecord)
        self.fields["learner"] = merged(record, event.record, at)

    def _take_steering(self, event: LessonSteered) -> None:
        keys = self._get("steering_keys")
        assert isinstance(keys, tuple)
        number = keys[-1].number + 1 if keys else 1
        key = SteeringKey(number, event.key, event.step, event.origin, event.to)
        self.fields["steering_keys"] = (*keys, key)[-MOST_KEYS:]

    def _take_login(self, event: AnyLoginEvent) -> None:
        open_questions = self._get("login_questions")
        assert isinstance(open_questions, tuple)
        if isinstance(event, LoginQuestionAsked):
            self.fields["login_questions"] = (*open_questions, event.question)
        else:
            closed = event.question_id
            others = (each for each in open_questions if each.question_id != closed)
            self.fields["login_questions"] = tuple(others)

    def _take_comm(self, event: CommEvent) -> None:
        if self.comms is self.base.comms:
            self.comms = dict(self.comms)
        generation = self._kernel(event.kernel).generation
        self.comms_weight += fold_comm(self.comms, event, generation)
        self.comms_weight = bound_comms(self.comms, self.comms_weight)

    def _kernel(self, name: str) -> KernelView:
        return self.kernels.get(name, NO_KERNEL)

    def _put_kernel(self, name: str, view: KernelView | None) -> None:
        """None: the session has it no more."""
        if self.kernels is self.base.kernels:
            self.kernels = dict(self.kernels)
        if view is None:
            self.kernels.pop(name, None)
        else:
            self.kernels[name] = view

    def _change_kernel(self, name: str, **changes: object) -> None:
        self._put_kernel(name, replace(self._kernel(name), **changes))

    def _take_kernel(self, event: EventOfKernel, at: float) -> None:
        name = event.kernel
        match event:
            case KernelStarting():
                self.fields["closed"] = False
                before = self._kernel(name)
                self._put_kernel(
                    name,
                    KernelView(
                        state="starting",
                        generation=event.generation,
                        kernel=event.ref,
                        variables=before.variables,
                        variables_generation=before.variables_generation,
                    ),
                )
            case ImagePullAdvanced():
                if self._kernel(name).state == "starting":
                    self._change_kernel(name, pull=event)
            case KernelStartAdvanced():
                if self._kernel(name).state == "starting":
                    self._change_kernel(name, start=event)
            case KernelReady():
                self._change_kernel(
                    name,
                    state="busy" if self._is_running(name) else "idle",
                    pid=event.pid,
                    language=event.language,
                    version=event.version,
                    banner=event.banner,
                    subshells=event.subshells,
                    ladder=None,
                    ready_at=at,
                    paused=False,
                    line_cut=None,
                    pull=None,
                    start=None,
                    notices=event.notices,
                    language_info=event.language_info or self._kernel(name).language_info,
                    capabilities=event.capabilities,
                    ends_at=event.ends_at,
                )
            case KernelPaused() | KernelResumed():
                self._change_kernel(name, paused=isinstance(event, KernelPaused))
            case KernelLineChanged():
                self._change_kernel(name, line_cut=event.cut)
            case ClustersChanged():
                self._change_kernel(name, clusters=event.clusters)
            case KernelDied():
                self._change_kernel(name, state="dead", death=event.death, **_GONE)
            case KernelStopped():
                self._change_kernel(name, state="stopped", **_GONE)
            case KernelRemoved():
                self._put_kernel(name, None)
            case InterruptEscalated():
                self._change_kernel(name, ladder=None if event.stage == "obeyed" else event)
            case VariablesTaken():
                self._change_kernel(
                    name, variables=event.variables, variables_generation=event.generation
                )

    def _is_running(self, kernel: str) -> bool:
        """Whether an execution runs on this kernel."""
        views = self.executions.values()
        return any(view.status == "running" and view.kernel == kernel for view in views)

    def _take_artifact(self, event: ArtifactAdded | ArtifactRemoved) -> None:
        kept = self._get("artifacts")
        assert isinstance(kept, tuple)
        gone = event.artifact.id if isinstance(event, ArtifactAdded) else event.artifact_id
        others = tuple(artifact for artifact in kept if artifact.id != gone)
        added = (event.artifact,) if isinstance(event, ArtifactAdded) else ()
        self.fields["artifacts"] = others + added

    def _take_answer(self, event: StdinAnswered) -> None:
        view = self.executions.get(event.execution_id)
        if view is None:
            return
        asked = view.stdin
        if asked is None or asked.request_id != event.request_id:
            self._put(replace(view, stdin=None))
            return
        prompt = asked.prompt.strip() or ("password" if asked.password else "input")
        answer = "•••" if asked.password else event.answer
        answers = (*view.answers, (clip_row(prompt), clip_row(answer)))[-KEPT_ANSWERS:]
        self._put(replace(view, stdin=None, answers=answers))

    def _take_execution(
        self,
        event: ExecutionQueued
        | ExecutionConfirmed
        | ExecutionStarted
        | InputCounted
        | OutputChanged
        | DisplayUpdated
        | StdinRequested
        | StdinAnswered
        | StepEnded
        | FullScreenUsed
        | ReportEvent
        | ExecutionFinished,
        at: float,
    ) -> None:
        match event:
            case ExecutionQueued():
                before = self.executions.get(event.execution_id)
                if before is None:
                    self.executions_total += 1
                    self.shown_total += not event.options.silent
                self._put(
                    ExecutionView(
                        event.execution_id,
                        event.code,
                        origin=event.origin,
                        cell=event.cell,
                        options=event.options,
                        queued_at=at,
                        number=before.number if before else self.executions_total,
                        index=before.index if before else self._index(event),
                        is_agent=event.is_agent,
                        confirm=event.confirm,
                    )
                )
                self._let_go()
            case ExecutionConfirmed():
                self._change(event.execution_id, confirm="")
            case ExecutionStarted():
                self._start_execution(event, at)
            case InputCounted():
                self._change(event.execution_id, count=event.count)
            case OutputChanged():
                view = self.executions.get(event.execution_id)
                if view is not None:
                    self._put(_with_output(view, event))
            case DisplayUpdated():
                for view in list(self.executions.values()):
                    if any(d.display_id == event.display_id for d in view.displays):
                        self._put(_with_update(view, event))
            case StdinRequested():
                self._change(event.execution_id, stdin=event)
            case StdinAnswered():
                self._take_answer(event)
            case StepEnded():
                if (view := self.executions.get(event.execution_id)) is not None:
                    self._put(replace(view, steps=(*view.steps, event.step)))
            case FullScreenUsed():
                self._change(event.execution_id, screen=event.start)
            case ExecutionLogged() | ArtifactReported() | ResultReported():
                if (view := self.executions.get(event.execution_id)) is not None:
                    self._put(replace(view, report=fold_report(view.report, event)))
            case ExecutionFinished():
                self._finish_execution(event, at)
            case _:
                assert_never(event)

    def _start_execution(self, event: ExecutionStarted, at: float) -> None:
        view = self.executions.get(event.execution_id)
        if view is None:
            return
        kernel = self._kernel(view.kernel)
        generation = event.generation or kernel.generation
        self._put(replace(view, status="running", started_at=at, generation=generation))
        if kernel.state == "idle":
            self._change_kernel(view.kernel, state="busy")

    def _index(self, event: ExecutionQueued) -> int:
        return 0 if event.options.silent else self.shown_total

    def _finish_execution(self, event: ExecutionFinished, at: float) -> None:
        view = self.executions.get(event.execution_id)
        if view is None:
            return
        options = view.options
        if options.above:
            options = replace(options, above=())  # an open execution may have to be sent again
        self._put(
            replace(
                view,
                options=options,
                status=event.status,
                finished_at=at,
                reason=event.reason,
                error=event.error,
                stdin=None,
                confirm="",
                ended_by=event.by,
            )
        )
        if self._kernel(view.kernel).state == "busy" and not self._is_running(view.kernel):
            self._change_kernel(view.kernel, state="idle", ladder=None)


def _with_output(view: ExecutionView, event: OutputChanged) -> ExecutionView:
    carried = count_rows(event.runs)
    first = event.total - carried  # number of the first row carried
    kept: Runs = ()
    if first == event.start:
        tail_first = view.total - count_rows(view.tail)
        kept = slice_runs(view.tail, 0, max(first - tail_first, 0))
    tail = last_rows(join_runs(kept, clip_runs(event.runs)), TAIL_ROWS)
    added = tuple(run.display for run in event.runs if run.display is not None)
    if event.start == 0:
        displays = added
    elif event.start >= view.total:
        displays = view.displays + added
    else:
        # Rows at the end were rewritten; a display among them is in the tail, and is
        # carried again if it is still there.
        rewritten = slice_runs(
            view.tail, event.start - (view.total - count_rows(view.tail)), count_rows(view.tail)
        )
        gone = {run.display.key for run in rewritten if run.display is not None}
        displays = tuple(d for d in view.displays if d.key not in gone) + added
    return replace(view, total=event.total, tail=tail, displays=displays[-KEPT_DISPLAYS:])


def _with_update(view: ExecutionView, event: DisplayUpdated) -> ExecutionView:
    def updated(display: Display) -> Display:
        if display.display_id != event.display_id:
            return display
        return replace(display, parts=event.parts, metadata=event.metadata)

    return replace(
        view,
        displays=tuple(map(updated, view.displays)),
        tail=tuple(
            replace(run, display=updated(run.display)) if run.display is not None else run
            for run in view.tail
        ),
    )
