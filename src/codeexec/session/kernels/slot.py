"""One kernel of a session at work: its queue is pumped, what it says is recorded, and every
execution ends exactly once, whatever dies."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from codeexec.domain.errors import CodeexecError, Conflict, StorageError
from codeexec.domain.events import (
    LINE_CUT,
    PASSED_OVER,
    AnyEvent,
    Death,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    FinishStatus,
    KernelDied,
    LadderStage,
    NoticeGiven,
    StdinAnswered,
    VariablesTaken,
)
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.snapshot import ExecutionView, KernelView, Snapshot
from codeexec.environments.base import TerminalSize
from codeexec.kernels import base as says
from codeexec.kernels.base import KernelChoice
from codeexec.session.kernels.answers import SecretAnswers
from codeexec.session.kernels.escalation import InterruptEscalation
from codeexec.session.kernels.event_handler import KernelEventHandler
from codeexec.session.kernels.executions import SlotOwner
from codeexec.session.kernels.outbox import OpenDocuments, reached_by, read_place
from codeexec.session.kernels.parts import SessionParts
from codeexec.session.kernels.queueing.queue import (
    INTERRUPTED,
    Queue,
    first_startable,
    skip_reason,
)
from codeexec.session.kernels.queueing.screen_size import WaitingSizes
from codeexec.session.kernels.run_timer import RunTimer
from codeexec.session.kernels.start_backoff import MOST_DEATHS
from codeexec.session.kernels.supervisor import KernelSupervisor
from codeexec.session.kernels.values import wants_values
from codeexec.session.output.large_displays import LargeDisplays
from codeexec.session.storage.journal import private_key

log = logging.getLogger(__name__)

SECRET_GIVEN = "secret_given"
"""Key of the generation of the kernel that was last given a password."""

GIVEN_UP = "The start of the kernel was given up."

MAX_CODE = 16 * 2**20
"""Characters of an execution."""


class KernelSlot:
    """A named place for a kernel in a session: runs code on one kernel at a time, one execution
    after another. `choice` says which kernel is started first."""

    def __init__(
        self, name: str, parts: SessionParts, choice: KernelChoice, owner: SlotOwner
    ) -> None:
        self.name = name
        self.recorder = recorder = parts.recorder
        self.supervisor = KernelSupervisor(name, parts, choice, self, owner.end_strays)
        key = private_key(SECRET_GIVEN, name)
        self.secrets = SecretAnswers(
            lambda: recorder.journal.get_private(key),
            lambda generation: recorder.keep(key, generation),
            parts.answers,
        )
        self.queue = Queue()
        self.limit = parts.limit
        self._owner = owner
        self._settings = parts.settings
        self._clock = parts.clock
        self._tasks = parts.tasks
        self._plugins = parts.plugins
        self._ended_by_us: tuple[FinishStatus, str] | None = None
        """How the execution that runs will have ended, where its time or a limit is over."""
        self._theirs: set[str] = set()
        self._open_documents = OpenDocuments(recorder.journal, name)
        self._intake = KernelEventHandler(
            recorder.find, parts.blobs, self._open_documents, self._finish, self.limit, name
        )
        self._displays = LargeDisplays(parts.blobs, self._take_stored)
        self._ladder = InterruptEscalation(parts.settings, parts.clock, recorder.record, name)
        self._timer = RunTimer(self._time_out)
        self._sizes = WaitingSizes()
        self._unheard = self._unsent = ""
        self._reached: says.Reached | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self.recorder.snapshot

    @property
    def view(self) -> KernelView:
        """The kernel as the snapshot has it."""
        return self.recorder.snapshot.kernel_named(self.name)

    @property
    def is_busy(self) -> bool:
        return self.queue.running is not None or bool(self.queue.waiting)

    @property
    def is_interrupting(self) -> bool:
        return self._ladder.is_climbing

    @property
    def has_left_out(self) -> bool:
        """Whether the journal had no room for the last output."""
        return self._intake.is_over

    # -- code in -----------------------------------------------------------------------

    def add(self, execution_id: str) -> None:
        """Let a queued execution wait for this kernel."""
        self.queue = self.queue.add(execution_id)

    def pump(self) -> None:
        """Start what is next, and a kernel for it where there is none. An execution waits for
        those before it in its document, on whichever kernel they run."""
        if self.recorder.problem is not None or self.supervisor.is_paused:
            return
        self._catch_up()
        if self.supervisor.is_ready:
            self._restore_plugins()
        if not self.queue.waiting:
            return
        if self.limit.is_reached:
            self.recorder.record(*self.drop_waiting(self.limit.reason))
            return
        executions = self.snapshot.executions
        if all(executions[execution_id].confirm for execution_id in self.queue.waiting):
            return
        if self.queue.running is not None and self.supervisor.is_ready:
            return
        execution_id = first_startable(self.queue.waiting, executions)
        if execution_id is None:
            # A kernel that cannot be started must not end a document before its cells above ran.
            return
        if not self.supervisor.is_ready or self.supervisor.kernel is None:
            self.supervisor.start_kernel()
            return
        view = executions[execution_id]
        try:
            self.recorder.record_now(ExecutionStarted(execution_id, self.view.generation))
        except StorageError as error:
            self._owner.retry_storage(error)
            return
        self._begin(view)

    def _begin(self, view: ExecutionView) -> None:
        """Send an execution to the kernel whose start is journaled."""
        assert self.supervisor.kernel is not None
        self.queue = self.queue.start(view.execution_id)
        call = self._plugins.call_of(view, self.view.generation)
        self._send(call)
        if view.options.timeout is not None:
            self._timer.start(view.execution_id, view.options.timeout)

    @property
    def is_free(self) -> bool:
        """Whether code that is queued now begins at once."""
        if self.is_busy or self.recorder.problem is not None or self.limit.is_reached:
            return False
        supervisor = self.supervisor
        is_up = supervisor.is_ready and supervisor.kernel is not None and not supervisor.is_paused
        return is_up and not self._plugins.to_restore(self.name, self.view.generation)

    def run(self, queued: ExecutionQueued) -> int:
        """Queue it and begin, written together, where the kernel `is_free`; returns the number of
        the event that queued it. StorageError."""
        generation = self.view.generation
        started = ExecutionStarted(queued.execution_id, generation)
        seq = self.recorder.record_now(queued, started) - 1
        self._begin(self.snapshot.executions[queued.execution_id])
        return seq

    async def resize(self, size: TerminalSize) -> None:
        """Tell the program that runs the size of its screen; what waits starts with it."""
        self._sizes.resize(self.queue.waiting, size)
        kernel = self.supervisor.kernel
        terminal = kernel.capabilities.terminal if kernel is not None else None
        if terminal is not None:
            await terminal.resize(size)

    def _restore_plugins(self) -> None:
        """Load the plugins of the session into a fresh process, before anything else runs."""
        restored = self._plugins.to_restore(self.name, self.view.generation)
        if restored:
            self.recorder.record(*(event for _, events in restored for event in events))
            self.queue = self.queue.add_first(execution_id for execution_id, _ in restored)

    def cancel(self, execution_ids: Iterable[str], reason: str, by: str = "") -> int:
        """Take executions out of the queue for the client `by`; returns how many were there."""
        removed = [
            execution_id for execution_id in execution_ids if execution_id in self.queue.waiting
        ]
        self.queue = self.queue.remove(removed)
        self.recorder.record(
            *(
                ExecutionFinished(execution_id, "cancelled", reason, by=by)
                for execution_id in removed
            )
        )
        return len(removed)

    def answer(self, request_id: str, text: str, origin: str) -> None:
        """Hand the kernel the answer that what runs has asked for. Conflict."""
        running = self.snapshot.running_on(self.name)
        if running is None or running.stdin is None or running.stdin.request_id != request_id:
            raise Conflict(
                "Nothing waits for this answer any more.",
                "Somebody else has answered, or the run has ended.",
            )
        if self.supervisor.kernel is not None:
            hidden = running.stdin.password
            if hidden:
                self.secrets.add(text, self.view.generation)
            journaled_text = "" if hidden else text
            self.recorder.record(
                StdinAnswered(request_id, running.execution_id, journaled_text, origin),
                *self._intake.answer(running.stdin, text),
            )
            if (stdin := self.supervisor.kernel.capabilities.stdin) is not None:
                stdin.answer_stdin(text)

    # -- events out ---------------------------------------------------------------------

    def take(self, kernel_events: Sequence[says.KernelEvent]) -> None:
        """The kernel's sink."""
        self._displays.put(kernel_events)

    def settle_displays(self) -> None:
        """Record now what waits for large displays to be stored."""
        self._displays.settle()

    def _take_stored(self, kernel_events: Sequence[says.KernelEvent]) -> None:
        start = 0
        for at, event in enumerate(kernel_events):
            if isinstance(event, says.Overheard):
                # What follows is output of it: it has to be there by then.
                self._record(kernel_events[start:at])
                self.recorder.record(*self._begin_theirs(event))
                start = at + 1
            elif isinstance(event, says.PluginReported):
                # It changes what the one before it has left.
                self._record(kernel_events[start:at])
                start = at
        self._record(kernel_events[start:])
        self._owner.check_limit()
        self._owner.pump()

    def _record(self, kernel_events: Sequence[says.KernelEvent]) -> None:
        events = self._intake.take(kernel_events)
        for event in kernel_events:
            if isinstance(event, says.Died):
                events += self._die(event.death)
            elif isinstance(event, says.NeverTaken):
                self._unsent = event.execution
            elif isinstance(event, says.VariablesSent):
                sent, generation = event.variables, self.view.generation
                events.append(VariablesTaken(generation, sent.variables, sent.truncated, self.name))
            elif isinstance(event, says.PluginReported):
                events += self._plugins.reported(event, self.name, self.view.generation)
            elif isinstance(event, says.SessionVariablesReported):
                events += self._plugins.variables_reported(event, self.name, self.view.generation)
        self.recorder.record(*events, private=self._open_documents.journaled_with(kernel_events))
        self._reached = reached_by(kernel_events) or self._reached

    def end_over_limit(self, reason: str, stage: LadderStage = "interrupt") -> None:
        """Interrupt what runs, as it has reached a limit; `reason` says which. With a higher
        `stage`, again where it was interrupted before."""
        running = self.queue.running
        is_held = self.supervisor.is_paused or not self.supervisor.is_ready
        is_ending = self._ended_by_us is not None
        if running is None or is_held or (is_ending and stage == "interrupt"):
            return
        self._ended_by_us = self._ended_by_us or ("cancelled", reason)
        self.interrupt(stage, auto=True)

    def _catch_up(self) -> None:
        """Tell the kernel how far the journal has come, and what the last server journaled as
        started, and then ended before it told the kernel."""
        kernel = self.supervisor.kernel
        if kernel is None or not self.supervisor.is_ready:
            return
        outbox = kernel.capabilities.outbox
        if self._reached is not None and outbox is not None:
            outbox.acknowledge(self._reached)
        view, self._unsent = self.snapshot.executions.get(self._unsent), ""
        if view is not None and self.queue.running == view.execution_id and view.count is None:
            self._send(self._plugins.call_of(view, self.view.generation))

    def _send(self, call: says.ExecuteCall) -> None:
        call = self._sizes.resized(call)
        kernel = self.supervisor.kernel
        if wants_values(call):
            self._tasks.start(self._send_with_values(call), "get-values")
        elif kernel is not None:
            kernel.execute(call)

    async def _send_with_values(self, call: says.ExecuteCall) -> None:
        """Send code that gets values from other kernels, once they have told these."""
        process = self.view.generation
        try:
            call = await self._owner.with_values(call, self.name)
        except CodeexecError as error:
            failure = ErrorInfo(error.title, f"{error.message} {error.next_step}".rstrip())
            self.take([says.Finished(call.execution, "error", failure, is_known=True)])
            return
        kernel = self.supervisor.kernel
        is_open = self.queue.running == call.execution and self.view.generation == process
        if is_open and kernel is not None:
            kernel.execute(call)

    def _begin_theirs(self, event: says.Overheard) -> list[AnyEvent]:
        """Code of another client of the kernel runs, as `jupyter console --existing` sends it."""
        if self.recorder.find(event.execution) is not None or len(event.code) > MAX_CODE:
            return []
        if self.limit.is_reached:
            return []
        self._theirs.add(event.execution)
        if self.queue.running is None:
            # It can be interrupted, and ours wait for its end.
            self.queue = Queue(self.queue.waiting, event.execution)
        client = f"jupyter client of {event.client}" if event.client else "jupyter client"
        options = ExecuteOptions(stop_on_error=False, kernel=self.name)
        queued = ExecutionQueued(event.execution, event.code, origin=client, options=options)
        return [queued, ExecutionStarted(event.execution, self.view.generation)]

    def _end_theirs(self, reason: str) -> list[AnyEvent]:
        """Those of other clients that run beside ours are over, with the kernel."""
        theirs, self._theirs = self._theirs - {self.queue.running or ""}, set()
        return [ExecutionFinished(execution_id, "lost", reason) for execution_id in sorted(theirs)]

    def _finish(self, event: says.Finished) -> list[AnyEvent]:
        execution_id = event.execution
        status: FinishStatus
        view = self.recorder.find(execution_id)
        is_theirs = execution_id in self._theirs
        self._theirs.discard(execution_id)
        if view is not None and is_theirs and self.queue.running != execution_id:
            status = "cancelled" if event.status == "aborted" else event.status
            return [ExecutionFinished(execution_id, status, "", event.error)]
        if view is None or self.queue.running != execution_id:
            return []
        status = "cancelled" if event.status == "aborted" else event.status
        reason = {"aborted": PASSED_OVER, "lost": LINE_CUT}.get(event.status, "")
        is_known = event.is_known or event.count is not None
        if execution_id == self._unheard and event.status == "ok" and not is_known:
            status, reason = "lost", "It ended while the session server was away; how is not known."
        if self._ended_by_us is not None:
            status, reason = self._ended_by_us
        elif self._ladder.is_for(execution_id) and status != "ok":
            status, reason = "cancelled", f"{INTERRUPTED}."
        elif status == "ok" and self.recorder.lost_file is not None:
            status, reason = "lost", "It ended, but the session's files had been removed."
        by = self._interrupter(execution_id, status)
        events = self._ladder.settle(execution_id)
        self._end_run(execution_id)
        events.append(ExecutionFinished(execution_id, status, reason, event.error, by))
        if status == "ok":
            self.supervisor.backoff.note_use()
        if status != "ok" and view.options.stop_on_error:
            events += self._owner.skip_after([view], skip_reason(status, reason))
        return events

    def _die(self, death: Death) -> list[AnyEvent]:
        if not self.supervisor.is_ready:
            return []  # on its way up or down: whoever does that tells of it
        events = self._end_theirs(death.message)
        running = self.queue.running
        view = self.snapshot.executions[running] if running is not None else None
        if running is not None and view is not None:
            status: FinishStatus = "lost"
            reason = death.message
            if self._ended_by_us is not None:
                status, reason = self._ended_by_us
                reason = f"{reason} The kernel had to be ended."
            elif self._ladder.is_for(running) and self._ladder.was_ended_by_force:
                status, reason = "cancelled", f"{INTERRUPTED}; the kernel had to be ended."
            by = self._interrupter(running, status)
            events += self._ladder.settle(running, is_alive=False)
            self._end_run(running)
            events.append(ExecutionFinished(running, status, reason, by=by))
        events += self.drop_waiting("The kernel died.")
        if view is not None:
            events += self._owner.skip_after([view], skip_reason(status, reason))
        events.append(KernelDied(self.view.generation, death, self.name))
        self.supervisor.is_ready = False
        if self._settings.restart_dead_kernel:
            lived = self._clock.now() - (self.view.ready_at or 0.0)
            if not self.supervisor.start_after_death(lived):
                events.append(_left_down(death))
        return events

    def _end_run(self, execution_id: str) -> None:
        self.queue = self.queue.finish(execution_id)
        self._ended_by_us = None
        self._timer.stop()

    def interrupt_for_storage(self) -> None:
        """Interrupt what runs, so that what is held in memory stays small."""
        is_held = self._ladder.is_climbing or self.supervisor.is_paused
        if self.queue.running is not None and self.supervisor.is_ready and not is_held:
            self.interrupt("interrupt", auto=self._is_deaf)

    # -- interrupt ---------------------------------------------------------------------

    @property
    def _is_deaf(self) -> bool:
        """Whether the kernel cannot be interrupted."""
        kernel = self.supervisor.kernel
        return kernel is not None and kernel.capabilities.why_absent("interruption") is not None

    def _interrupter(self, execution_id: str, status: FinishStatus) -> str:
        """The client whose interrupt has ended this execution."""
        is_interrupted = status == "cancelled" and self._ladder.is_for(execution_id)
        return self._ladder.by if is_interrupted else ""

    def interrupt(
        self, stage: LadderStage = "interrupt", *, auto: bool = False, by: str = ""
    ) -> None:
        """Begin to climb, or climb on, for the client `by`. A kernel that cannot be interrupted is
        ended without a question (`auto`). A start whose steps are told is given up. Conflict."""
        kernel, running = self.supervisor.kernel, self.queue.running
        if self.supervisor.is_start_told:
            self._tasks.start(self.supervisor.shut_down(GIVEN_UP), "give-up-start")
            return
        if kernel is None or running is None or not self.supervisor.is_ready:
            raise Conflict("Nothing runs that could be interrupted.")
        if self.supervisor.is_paused:
            raise Conflict(
                "The container is paused, and hears nothing.", "Let it go on first, or restart it."
            )
        absent = kernel.capabilities.why_absent("interruption")
        if absent is not None and stage in ("interrupt", "interrupt_again"):
            if not auto:
                raise Conflict(absent.reason, absent.next_step)
            stage = "terminate"
        if self._ladder.is_climbing:
            self._ladder.urge(stage, auto=auto)
        else:
            self._tasks.start(
                self._ladder.climb(kernel, running, stage, auto=auto, by=by), "ladder"
            )

    # -- when the kernel's life takes a turn ---------------------------------------------

    def cancel_all(self, reason: str, status: FinishStatus = "cancelled") -> None:
        """End all executions; `status` is that of the running one, the others were not begun."""
        self.settle_displays()
        events = self._end_theirs(reason)
        running = self.queue.running
        view = self.snapshot.executions.get(running) if running is not None else None
        if running is not None:
            events += self._ladder.settle(running)
            self._end_run(running)
            events.append(ExecutionFinished(running, status, reason))
        events += self.drop_waiting(reason)
        if view is not None:
            events += self._owner.skip_after([view], skip_reason(status, reason))
        self.recorder.record(*events)

    def drop_waiting(self, reason: str) -> list[AnyEvent]:
        """Take all out of the queue, and out of others what comes after it in its documents."""
        waiting, self.queue = self.queue.waiting, Queue((), self.queue.running)
        executions = self.snapshot.executions
        events: list[AnyEvent] = [
            ExecutionFinished(execution_id, "cancelled", reason) for execution_id in waiting
        ]
        dropped = [
            executions[execution_id] for execution_id in waiting if execution_id in executions
        ]
        return events + self._owner.skip_after(dropped, skip_reason("cancelled", reason))

    def skip(self, execution_ids: Sequence[str], reason: str) -> list[AnyEvent]:
        """Take these out of the queue, since one before them did not end well."""
        self.queue = self.queue.remove(execution_ids)
        return [
            ExecutionFinished(execution_id, "cancelled", reason) for execution_id in execution_ids
        ]

    def resume(self, running: str, waiting: tuple[str, ...]) -> None:
        self.queue = Queue(waiting, running or None)
        self._unheard = running
        self._open_documents.resume(read_place(self.recorder.journal, self.name))

    def forget(self, execution_ids: Sequence[str]) -> None:
        self.queue = self.queue.remove(execution_ids)
        if self.queue.running in execution_ids and self.queue.running is not None:
            self._end_run(self.queue.running)

    # -- the time that a run may take ----------------------------------------------------

    def _time_out(self, execution_id: str) -> None:
        if self.queue.running == execution_id:
            timeout = self.snapshot.executions[execution_id].options.timeout
            self._ended_by_us = "timed_out", _out_of_time(timeout)
            self.interrupt(auto=True)

    def stop_timer(self) -> None:
        self._timer.stop()

    def hold_timer(self) -> None:
        self._timer.hold()

    def release_timer(self) -> None:
        self._timer.release(self.queue.running)

    def restore_timer(self, running: str) -> None:
        view = self.snapshot.executions.get(running)
        timeout = view.options.timeout if view is not None else None
        if view is not None and timeout is not None and self.queue.running == running:
            passed = self._clock.now() - (view.started_at or 0.0)
            # The clock may have been set meanwhile.
            self._timer.start(running, min(max(timeout - passed, 0.0), timeout))


def _out_of_time(timeout: float | None) -> str:
    return f"It ran longer than {timeout:g} s." if timeout else "It ran too long."


def _left_down(death: Death) -> NoticeGiven:
    return NoticeGiven(
        "error",
        "The kernel is not started again by itself",
        f"It has died {MOST_DEATHS} times in a row, at last: {death.message}",
        "Run something, or restart it, when the cause is gone.",
    )
