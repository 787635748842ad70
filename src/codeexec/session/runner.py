"""A session's kernel at work: the queue is pumped, what the kernel says is recorded, and
every execution ends exactly once, whatever dies."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from codeexec.domain.checks import check_id
from codeexec.domain.clock import Clock
from codeexec.domain.errors import (
    Conflict,
    NotFound,
    StorageError,
    UsageError,
)
from codeexec.domain.events import (
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
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import Accepted, Execute
from codeexec.domain.snapshot import Snapshot
from codeexec.kernels import base as says
from codeexec.kernels.base import KernelChoice, KernelFactory
from codeexec.session.answers import SecretAnswers
from codeexec.session.artifacts import BlobStore
from codeexec.session.intake import Intake
from codeexec.session.journal_limit import JournalLimit
from codeexec.session.keeper import KernelKeeper
from codeexec.session.ladder import Ladder
from codeexec.session.outbox import OpenDocuments, reached_by, read_place
from codeexec.session.queue import Queue, call_of
from codeexec.session.recorder import Recorder
from codeexec.session.settings import HostSettings
from codeexec.session.tasks import Tasks

log = logging.getLogger(__name__)

SECRET_GIVEN = "secret_given"
"""Key of the generation of the kernel that was last given a password."""

MAX_CODE = 16 * 2**20
RETRY_STORAGE = 1.0


class Runner:
    """Runs code on one kernel at a time, one execution after another."""

    def __init__(
        self,
        recorder: Recorder,
        blobs: BlobStore,
        factory: KernelFactory,
        choice: KernelChoice,
        settings: HostSettings,
        clock: Clock,
        tasks: Tasks,
        *,
        outlives: bool = True,
    ) -> None:
        """`outlives`: the kernel may be adopted when our process is gone."""
        self.recorder = recorder
        recorder.on_problem = self._retry_storage
        self.keeper = KernelKeeper(recorder, factory, choice, self, tasks, outlives=outlives)
        self.secrets = SecretAnswers(
            lambda: recorder.journal.get_private(SECRET_GIVEN),
            lambda generation: recorder.keep(SECRET_GIVEN, generation),
        )
        self.queue = Queue()
        self._settings = settings
        self._clock = clock
        self._tasks = tasks
        self.limit = JournalLimit(recorder.journal, settings.journal_limit)
        self._limited: set[str] = set()
        self._theirs: set[str] = set()
        self._is_full = self.limit.is_reached
        self._open_documents = OpenDocuments(recorder.journal)
        self._intake = Intake(recorder.find, blobs, self._open_documents, self._finish, self.limit)
        self._ladder = Ladder(settings, clock, recorder.record)
        self._timer: asyncio.TimerHandle | None = None
        self._time_left: float | None = None
        self._timed_out: set[str] = set()
        self._retrying: asyncio.Task[None] | None = None
        self._unheard = self._unsent = ""
        self._reached: says.Reached | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self.recorder.snapshot

    @property
    def is_busy(self) -> bool:
        return self.queue.running is not None or bool(self.queue.waiting)

    @property
    def is_interrupting(self) -> bool:
        return self._ladder.is_climbing

    # -- code in -----------------------------------------------------------------------

    def execute(self, request: Execute) -> Accepted:
        """Queue it. The same id with the same code again is the same execution: nothing runs
        twice; with other code it is a Conflict. StorageError when it cannot be written down; then
        it is not queued."""
        if len(request.code) > MAX_CODE:
            raise UsageError(
                f"The code is {len(request.code):,} characters long; "
                f"at most {MAX_CODE:,} are taken.",
                "Put the data in a file and read it from the code.",
            )
        timeout = request.options.timeout
        if timeout is not None and not 0 < timeout < math.inf:
            raise UsageError("A timeout is a positive number of seconds.", "Leave it out for none.")
        if (lost := self.recorder.lost_file) is not None:
            raise StorageError(
                f"{lost} was removed or replaced: the session is about to end.",
                "Open a new session.",
            )
        execution_id = request.execution_id or new_id(EXECUTION)
        check_id(execution_id, "execution id")
        if (same := self.recorder.find(execution_id)) is not None:
            # The journal has a sign in place of what is no Unicode.
            if same.code != request.code.encode("utf-8", "replace").decode():
                raise Conflict(
                    f"The id {execution_id} belongs to an execution of other code.",
                    "Choose another id, or none.",
                )
            return Accepted(execution_id, self.snapshot.seq)
        if self.limit.is_reached:
            raise self.limit.error
        seq = self.recorder.record_now(
            ExecutionQueued(
                execution_id,
                request.code,
                origin=request.origin,
                cell=request.cell,
                options=replace(request.options, kernel=self.snapshot.default_kernel),
            )
        )
        self.queue = self.queue.add(execution_id)
        self.pump()
        return Accepted(execution_id, seq)

    def pump(self) -> None:
        """Start what is next, and a kernel for it where there is none."""
        if self.recorder.problem is not None or self.keeper.is_paused:
            return
        self._catch_up()
        if not self.queue.waiting:
            return
        if self.limit.is_reached:
            self.recorder.record(*self.drop_waiting(self.limit.reason))
            return
        if not self.keeper.is_ready or self.keeper.kernel is None:
            self.keeper.start_kernel()
            return
        queue, execution_id = self.queue.start()
        if execution_id is None:
            return
        view = self.snapshot.executions[execution_id]
        try:
            generation = self.snapshot.kernel.generation
            self.recorder.record_now(ExecutionStarted(execution_id, generation))
        except StorageError as error:
            self._retry_storage(error)
            return
        self.queue = queue
        self.keeper.kernel.execute(call_of(view))
        if view.options.timeout is not None:
            self._allow(execution_id, view.options.timeout)

    def cancel(self, execution_ids: Iterable[str], reason: str) -> int:
        """Take executions out of the queue; returns how many were there."""
        gone = [each for each in execution_ids if each in self.queue.waiting]
        self.queue = self.queue.remove(gone)
        self.recorder.record(*(ExecutionFinished(each, "cancelled", reason) for each in gone))
        return len(gone)

    def answer(self, request_id: str, text: str, origin: str) -> None:
        running = self.snapshot.running
        if running is None or running.stdin is None or running.stdin.request_id != request_id:
            raise Conflict(
                "Nothing waits for this answer any more.",
                "Somebody else has answered, or the run has ended.",
            )
        if self.keeper.kernel is not None:
            hidden = running.stdin.password
            if hidden:
                self.secrets.add(text, self.snapshot.kernel.generation)
            shown = "" if hidden else text
            self.recorder.record(
                StdinAnswered(request_id, running.execution_id, shown, origin),
                *self._intake.answer(running.stdin, text),
            )
            if (stdin := self.keeper.kernel.capabilities.stdin) is not None:
                stdin.answer_stdin(text)

    # -- facts out ---------------------------------------------------------------------

    def take(self, facts: Sequence[says.Fact]) -> None:
        """The kernel's sink."""
        start = 0
        for at, fact in enumerate(facts):
            if isinstance(fact, says.Overheard):
                # What follows is output of it: it has to be there by then.
                self._record(facts[start:at])
                self.recorder.record(*self._begin_theirs(fact))
                start = at + 1
        self._record(facts[start:])
        self._mind_limit()
        self.pump()

    def _record(self, facts: Sequence[says.Fact]) -> None:
        events = self._intake.take(facts)
        for fact in facts:
            if isinstance(fact, says.Died):
                events += self._die(fact.death)
            elif isinstance(fact, says.NeverTaken):
                self._unsent = fact.execution
            elif isinstance(fact, says.VariablesSent):
                sent, generation = fact.variables, self.snapshot.kernel.generation
                events.append(VariablesTaken(generation, sent.variables, sent.truncated))
        self.recorder.record(*events, private=self._open_documents.journaled_with(facts))
        self._reached = reached_by(facts) or self._reached

    def _mind_limit(self) -> None:
        """Interrupt what runs when the journal has just become full, and say so."""
        was_full, self._is_full = self._is_full, self.limit.is_reached or self._intake.is_over
        if not self._is_full:
            return
        if not was_full:
            self.recorder.record(self.limit.notice)
        running = self.queue.running
        is_held = self.keeper.is_paused or not self.keeper.is_ready
        if running is not None and running not in self._limited and not is_held:
            self._limited.add(running)
            self.interrupt(auto=True)

    def _catch_up(self) -> None:
        """Tell the kernel how far the journal has come, and what the last server journaled as
        started, and then ended before it told the kernel."""
        kernel = self.keeper.kernel
        if kernel is None or not self.keeper.is_ready:
            return
        outbox = kernel.capabilities.outbox
        if self._reached is not None and outbox is not None:
            outbox.acknowledge(self._reached)
        view, self._unsent = self.snapshot.executions.get(self._unsent), ""
        if view is not None and self.queue.running == view.execution_id and view.count is None:
            kernel.execute(call_of(view))

    def _begin_theirs(self, fact: says.Overheard) -> list[AnyEvent]:
        """Code of another client of the kernel runs, as `jupyter console --existing` sends it."""
        if self.recorder.find(fact.execution) is not None or len(fact.code) > MAX_CODE:
            return []
        if self.limit.is_reached:
            return []
        self._theirs.add(fact.execution)
        if self.queue.running is None:
            # It can be interrupted, and ours wait for its end.
            self.queue = Queue(self.queue.waiting, fact.execution)
        client = f"jupyter client of {fact.client}" if fact.client else "jupyter client"
        options = ExecuteOptions(stop_on_error=False)
        queued = ExecutionQueued(fact.execution, fact.code, origin=client, options=options)
        return [queued, ExecutionStarted(fact.execution, self.snapshot.kernel.generation)]

    def _end_theirs(self, reason: str) -> list[AnyEvent]:
        """Those of other clients that run beside ours are over, with the kernel."""
        theirs, self._theirs = self._theirs - {self.queue.running or ""}, set()
        return [ExecutionFinished(each, "lost", reason) for each in sorted(theirs)]

    def _finish(self, fact: says.Finished) -> list[AnyEvent]:
        execution_id = fact.execution
        status: FinishStatus
        view = self.recorder.find(execution_id)
        is_theirs = execution_id in self._theirs
        self._theirs.discard(execution_id)
        if view is not None and is_theirs and self.queue.running != execution_id:
            status = "cancelled" if fact.status == "aborted" else fact.status
            return [ExecutionFinished(execution_id, status, "", fact.error)]
        if view is None or self.queue.running != execution_id:
            return []
        status = "cancelled" if fact.status == "aborted" else fact.status
        reason = "The kernel passed it over." if fact.status == "aborted" else ""
        if execution_id == self._unheard and fact.status == "ok" and fact.count is None:
            status, reason = "lost", "It ended while the session server was away; how is not known."
        if execution_id in self._timed_out:
            status, reason = "timed_out", _out_of_time(view.options.timeout)
        elif execution_id in self._limited:
            status, reason = "cancelled", self.limit.reason
        elif self._ladder.is_for(execution_id) and status != "ok":
            status, reason = "cancelled", "Interrupted."
        elif status == "ok" and self.recorder.lost_file is not None:
            status, reason = "lost", "It ended, but the session's files had been removed."
        events = self._ladder.settle(execution_id)
        self._end_run(execution_id)
        events.append(ExecutionFinished(execution_id, status, reason, fact.error))
        if status != "ok" and view.options.stop_on_error:
            events += self.drop_waiting("Skipped: an earlier cell failed.")
        return events

    def _die(self, death: Death) -> list[AnyEvent]:
        if not self.keeper.is_ready:
            return []  # on its way up or down: whoever does that tells of it
        events = self._end_theirs(death.message)
        running = self.queue.running
        if running is not None:
            status: FinishStatus = "lost"
            reason = death.message
            if running in self._timed_out:
                status = "timed_out"
                view = self.snapshot.executions[running]
                reason = f"{_out_of_time(view.options.timeout)} The kernel had to be ended."
            elif running in self._limited:
                status = "cancelled"
                reason = f"{self.limit.reason} The kernel had to be ended."
            elif self._ladder.is_for(running) and self._ladder.was_ended_by_force:
                status, reason = "cancelled", "Interrupted; the kernel had to be ended."
            events += self._ladder.settle(running, is_alive=False)
            self._end_run(running)
            events.append(ExecutionFinished(running, status, reason))
        events += self.drop_waiting("The kernel died.")
        events.append(KernelDied(self.snapshot.kernel.generation, death))
        self.keeper.is_ready = False
        if self._settings.restart_dead_kernel:
            asyncio.get_running_loop().call_soon(self.keeper.start_kernel)
        return events

    def _end_run(self, execution_id: str) -> None:
        self.queue = self.queue.finish(execution_id)
        self._timed_out.discard(execution_id)
        self._limited.discard(execution_id)
        self.stop_timer()

    def _retry_storage(self, problem: StorageError | None = None) -> None:
        """Nothing more is started until the journal can be written; what runs is interrupted,
        so that what is held in memory stays small."""
        problem = problem or self.recorder.problem
        if problem is not None and self._retrying is None:
            self._retrying = self._tasks.start(self._write_again(problem), "write-again")
            is_held = self._ladder.is_climbing or self.keeper.is_paused
            if self.queue.running is not None and self.keeper.is_ready and not is_held:
                self.interrupt("interrupt")

    async def _write_again(self, problem: StorageError) -> None:
        notice = NoticeGiven(
            "warning",
            "The journal could not be written for a while",
            f"{problem.message} What ran was interrupted; nothing that it said is lost.",
        )
        while True:
            await asyncio.sleep(RETRY_STORAGE)
            try:
                self.recorder.record_now(notice)
                break
            except StorageError:
                continue
        self._retrying = None
        self.keeper.leave_word()
        self.pump()

    # -- interrupt ---------------------------------------------------------------------

    def interrupt(self, stage: LadderStage = "interrupt", *, auto: bool = False) -> None:
        """Begin to climb, or climb on."""
        kernel, running = self.keeper.kernel, self.queue.running
        if kernel is None or running is None or not self.keeper.is_ready:
            raise Conflict("Nothing runs that could be interrupted.")
        if self.keeper.is_paused:
            raise Conflict(
                "The container is paused, and hears nothing.", "Let it go on first, or restart it."
            )
        if self._ladder.is_climbing:
            self._ladder.urge(stage, auto=auto)
        else:
            self._tasks.start(self._ladder.climb(kernel, running, stage, auto=auto), "ladder")

    # -- when the kernel's life takes a turn ---------------------------------------------

    def cancel_all(self, reason: str, status: FinishStatus = "cancelled") -> None:
        """End all executions; `status` is that of the running one, the others were not begun."""
        events = self._end_theirs(reason)
        running = self.queue.running
        if running is not None:
            events += self._ladder.settle(running)
            self._end_run(running)
            events.append(ExecutionFinished(running, status, reason))
        self.recorder.record(*events, *self.drop_waiting(reason))

    def drop_waiting(self, reason: str) -> list[AnyEvent]:
        waiting, self.queue = self.queue.waiting, Queue((), self.queue.running)
        return [ExecutionFinished(each, "cancelled", reason) for each in waiting]

    def resume(self, running: str, waiting: tuple[str, ...]) -> None:
        self.queue = Queue(waiting, running or None)
        self._unheard = running
        self._open_documents.resume(read_place(self.recorder.journal))

    def forget(self, execution_ids: Sequence[str]) -> None:
        self.queue = self.queue.remove(execution_ids)
        if self.queue.running in execution_ids and self.queue.running is not None:
            self._end_run(self.queue.running)

    # -- the time that a run may take ----------------------------------------------------

    def _allow(self, execution_id: str, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._time_out, execution_id)

    def _time_out(self, execution_id: str) -> None:
        if self.queue.running == execution_id:
            self._timed_out.add(execution_id)
            self.interrupt(auto=True)

    def stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hold_timer(self) -> None:
        if self._timer is not None:
            self._time_left = self._timer.when() - asyncio.get_running_loop().time()
            self.stop_timer()

    def release_timer(self) -> None:
        left, self._time_left = self._time_left, None
        if left is not None and self.queue.running is not None:
            self._allow(self.queue.running, left)

    def restore_timer(self, running: str) -> None:
        view = self.snapshot.executions.get(running)
        timeout = view.options.timeout if view is not None else None
        if view is not None and timeout is not None and self.queue.running == running:
            passed = self._clock.now() - (view.started_at or 0.0)
            # The clock may have been set meanwhile.
            self._allow(running, min(max(timeout - passed, 0.0), timeout))

    def find(self, execution_id: str) -> None:
        if not self.recorder.has(execution_id):
            raise NotFound(f"There is no execution {execution_id} in this session.")


def _out_of_time(timeout: float | None) -> str:
    return f"It ran longer than {timeout:g} s." if timeout else "It ran too long."
