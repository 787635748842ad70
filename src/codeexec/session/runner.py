"""A session's kernel at work: the queue is pumped, what the kernel says is recorded, and
every execution ends exactly once, whatever dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from codeexec.domain.clock import Clock
from codeexec.domain.errors import (
    CodeexecError,
    Conflict,
    KernelUnavailable,
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
    KernelPaused,
    KernelReady,
    KernelResumed,
    KernelStarting,
    KernelStopped,
    LadderStage,
    NoticeGiven,
    StdinAnswered,
)
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.requests import Accepted, Execute
from codeexec.domain.snapshot import Snapshot
from codeexec.kernels import base as says
from codeexec.kernels.base import ExecuteCall, Kernel, KernelChoice, KernelFactory, Ready
from codeexec.kernels.jupyter.launch import let_outlive
from codeexec.session.artifacts import BlobStore
from codeexec.session.intake import Intake
from codeexec.session.ladder import Ladder
from codeexec.session.queue import Queue
from codeexec.session.recorder import Recorder
from codeexec.session.settings import HostSettings
from codeexec.session.tasks import Tasks

log = logging.getLogger(__name__)

MAX_CODE = 16 * 2**20
HANDLE = "kernel"
CHOICE = "choice"
RETRY_STORAGE = 1.0
DETACH_WAIT = 10.0
"""Seconds that a start under way is given when the server ends; then it is given up."""


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
        self.choice = choice
        self.kernel: Kernel | None = None
        self.queue = Queue()
        self._factory = factory
        self._settings = settings
        self._clock = clock
        self._tasks = tasks
        self._outlives = outlives
        self._intake = Intake(lambda: recorder.snapshot, blobs, self._finish)
        self._ladder = Ladder(settings, clock, recorder.record)
        self._ready = False
        self._starting: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._time_left: float | None = None
        self._timed_out: set[str] = set()
        self._retrying: asyncio.Task[None] | None = None
        self._unheard = ""

    @property
    def snapshot(self) -> Snapshot:
        return self.recorder.snapshot

    @property
    def is_busy(self) -> bool:
        return self.queue.running is not None or bool(self.queue.waiting)

    @property
    def is_paused(self) -> bool:
        return self.snapshot.kernel.paused

    # -- code in -----------------------------------------------------------------------

    def execute(self, request: Execute) -> Accepted:
        """Queue it. The same id again is the same execution: nothing runs twice. StorageError
        when it cannot be written down; then it is not queued."""
        if len(request.code) > MAX_CODE:
            raise UsageError(
                f"The code is {len(request.code):,} characters long; "
                f"at most {MAX_CODE:,} are taken.",
                "Put the data in a file and read it from the code.",
            )
        if request.timeout is not None and request.timeout <= 0:
            raise UsageError("A timeout is a positive number of seconds.", "Leave it out for none.")
        execution_id = request.execution_id or new_id(EXECUTION)
        if execution_id in self.snapshot.executions:
            return Accepted(execution_id, self.snapshot.seq)
        seq = self.recorder.record_now(
            ExecutionQueued(
                execution_id,
                request.code,
                origin=request.origin,
                cell=request.cell,
                silent=request.silent,
                store_history=request.store_history,
                allow_stdin=request.allow_stdin,
                stop_on_error=request.stop_on_error,
                timeout=request.timeout,
            )
        )
        self.queue = self.queue.add(execution_id)
        self.pump()
        return Accepted(execution_id, seq)

    def pump(self) -> None:
        """Start what is next, and a kernel for it where there is none."""
        if self.recorder.problem is not None or not self.queue.waiting or self.is_paused:
            return
        if not self._ready or self.kernel is None:
            self.start_kernel()
            return
        queue, execution_id = self.queue.start()
        if execution_id is None:
            return
        view = self.snapshot.executions[execution_id]
        try:
            self.recorder.record_now(ExecutionStarted(execution_id))
        except StorageError as error:
            self._retry_storage(error)
            return
        self.queue = queue
        self.kernel.execute(
            ExecuteCall(
                execution_id,
                view.code,
                silent=view.silent,
                store_history=view.store_history,
                allow_stdin=view.allow_stdin,
                stop_on_error=view.stop_on_error,
            )
        )
        if view.timeout is not None:
            self._allow(execution_id, view.timeout)

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
        if self.kernel is not None:
            hidden = running.stdin.password
            self.recorder.record(
                StdinAnswered(request_id, running.execution_id, "" if hidden else text, origin)
            )
            self.kernel.answer_stdin(text)

    # -- facts out ---------------------------------------------------------------------

    def take(self, facts: Sequence[says.Fact]) -> None:
        """The kernel's sink."""
        events = self._intake.take(facts)
        for fact in facts:
            if isinstance(fact, says.Died):
                events += self._die(fact.death)
        self.recorder.record(*events)
        self.pump()

    def _finish(self, fact: says.Finished) -> list[AnyEvent]:
        execution_id = fact.execution
        view = self.snapshot.executions.get(execution_id)
        if view is None or self.queue.running != execution_id:
            return []
        status: FinishStatus = "cancelled" if fact.status == "aborted" else fact.status
        reason = "The kernel passed it over." if fact.status == "aborted" else ""
        if execution_id == self._unheard and fact.status == "ok" and fact.count is None:
            status, reason = "lost", "It ended while the session server was away; how is not known."
        if execution_id in self._timed_out:
            status, reason = "timed_out", _out_of_time(view.timeout)
        elif self._ladder.is_for(execution_id) and status == "error":
            status, reason = "cancelled", "Interrupted."
        events = self._ladder.settle(execution_id)
        self._end_run(execution_id)
        events.append(ExecutionFinished(execution_id, status, reason, fact.error))
        if status != "ok" and view.stop_on_error:
            events += self._drop_waiting("An execution before it did not end well.")
        return events

    def _die(self, death: Death) -> list[AnyEvent]:
        if not self._ready:
            return []  # on its way up or down: whoever does that tells of it
        events: list[AnyEvent] = []
        running = self.queue.running
        if running is not None:
            status: FinishStatus = "lost"
            reason = death.message
            if running in self._timed_out:
                status = "timed_out"
                view = self.snapshot.executions[running]
                reason = f"{_out_of_time(view.timeout)} The kernel had to be ended."
            elif self._ladder.is_for(running) and self._ladder.was_ended_by_force:
                status, reason = "cancelled", "Interrupted; the kernel had to be ended."
            events += self._ladder.settle(running, is_alive=False)
            self._end_run(running)
            events.append(ExecutionFinished(running, status, reason))
        events += self._drop_waiting("The kernel died.")
        events.append(KernelDied(self.snapshot.kernel.generation, death))
        self._ready = False
        if self._settings.restart_dead_kernel:
            asyncio.get_running_loop().call_soon(self.start_kernel)
        return events

    def _end_run(self, execution_id: str) -> None:
        self.queue = self.queue.finish(execution_id)
        self._timed_out.discard(execution_id)
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop_waiting(self, reason: str) -> list[AnyEvent]:
        waiting, self.queue = self.queue.waiting, Queue((), self.queue.running)
        return [ExecutionFinished(each, "cancelled", reason) for each in waiting]

    def _retry_storage(self, problem: StorageError | None = None) -> None:
        """Nothing more is started until the journal can be written; what runs is interrupted,
        so that what is held in memory stays small."""
        problem = problem or self.recorder.problem
        if problem is not None and self._retrying is None:
            self._retrying = self._tasks.start(self._write_again(problem), "write-again")
            is_held = self._ladder.is_climbing or self.is_paused
            if self.queue.running is not None and self._ready and not is_held:
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
        if self.kernel is not None and self._ready:
            self._leave_word(self.kernel)
        self.pump()

    # -- interrupt ---------------------------------------------------------------------

    def interrupt(self, stage: LadderStage = "interrupt", *, auto: bool = False) -> None:
        """Begin to climb, or climb on."""
        kernel, running = self.kernel, self.queue.running
        if kernel is None or running is None or not self._ready:
            raise Conflict("Nothing runs that could be interrupted.")
        if self.is_paused:
            raise Conflict(
                "The container is paused, and hears nothing.", "Let it go on first, or restart it."
            )
        if self._ladder.is_climbing:
            self._ladder.urge(stage, auto=auto)
        else:
            self._tasks.start(self._ladder.climb(kernel, running, stage, auto=auto), "ladder")

    def _allow(self, execution_id: str, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._time_out, execution_id)

    def _time_out(self, execution_id: str) -> None:
        if self.queue.running == execution_id:
            self._timed_out.add(execution_id)
            self.interrupt(auto=True)

    # -- the kernel's life -------------------------------------------------------------

    def start_kernel(self) -> None:
        """Begin to start one, unless one is there or on its way."""
        if not self._ready and (self._starting is None or self._starting.done()):
            self._starting = self._tasks.start(self._start(), "start-kernel")

    async def wait_started(self) -> None:
        """Until the start that is under way has come to its end, good or bad."""
        if self._starting is not None:
            await asyncio.wait({self._starting})

    async def _start(self) -> None:
        async with self._changing:
            if self._ready:
                return
            # One that died is restarted: a container keeps what was installed in it.
            await self._bring_up(self.kernel, again=self.kernel is not None)

    async def _bring_up(self, kernel: Kernel | None, *, again: bool = False) -> None:
        """Start a new kernel, or the one that is given, or that one `again`; the lock is held."""
        generation = self.snapshot.kernel.generation + 1
        try:
            self.kernel = kernel = kernel or self._factory.create(self.choice, self.take)
            self.recorder.record(KernelStarting(generation, kernel.ref))
            ready = await (kernel.restart() if again else kernel.start())
        except Exception as error:
            # Whatever it is (no file descriptor left, for one): who waits must hear of it.
            self.kernel = None
            if not isinstance(error, KernelUnavailable):
                log.warning("kernel start: %s", error, exc_info=error)
            said = error if isinstance(error, CodeexecError) else _unforeseen(error)
            self.recorder.record(
                *self._drop_waiting(f"{said.title}: {said}"),
                KernelDied(generation, Death(str(said))),
            )
            return
        self._come_up(kernel, generation, ready, adopted=False)

    def _come_up(self, kernel: Kernel, generation: int, ready: Ready, *, adopted: bool) -> None:
        self._ready = True
        self._leave_word(kernel)
        self.recorder.record(
            KernelReady(
                generation,
                ready.pid,
                ready.language,
                ready.version,
                ready.banner,
                ready.subshells,
                adopted,
                ready.notices,
            )
        )
        self.pump()

    def _leave_word(self, kernel: Kernel) -> None:
        """Once the journal says where it is, the kernel may live on without us."""
        handle = kernel.handle()
        self.recorder.keep(HANDLE, handle)
        if self._outlives and self.recorder.problem is None:
            let_outlive(handle)

    async def pause(self) -> None:
        """Let the kernel stand still until `unpause`; the time that a run may take does as well."""
        async with self._changing:
            kernel = self.kernel
            if kernel is None or not self._ready:
                raise Conflict("There is no kernel to pause.", "The next run starts one.")
            if self._ladder.is_climbing:
                raise Conflict("It is being interrupted.", "Pause it when it has obeyed.")
            if self.is_paused:
                return
            await kernel.pause()
            if self._timer is not None:
                self._time_left = self._timer.when() - asyncio.get_running_loop().time()
                self._stop_timer()
            self.recorder.record(KernelPaused(self.snapshot.kernel.generation))

    async def unpause(self) -> None:
        """Let it go on, and what has been asked meanwhile begin."""
        async with self._changing:
            await self._unpause()
        self.pump()

    async def _unpause(self) -> None:
        if self.kernel is None or not self.is_paused:
            return
        await self.kernel.unpause()
        self.recorder.record(KernelResumed(self.snapshot.kernel.generation))
        left, self._time_left = self._time_left, None
        if left is not None and self.queue.running is not None:
            self._allow(self.queue.running, left)

    async def _wake(self) -> None:
        """One that stands still cannot end as it should; by force it can."""
        with contextlib.suppress(CodeexecError):
            await self._unpause()

    async def restart(self, name: str, policy: str = "") -> None:
        """End what runs, cancel what waits, and begin afresh; a start that is under way is given
        up. KernelUnavailable when there is no kernel `name`: then all goes on as before."""
        fresh = None
        is_attached = self.choice.connection_file or self.choice.name.endswith(".json")
        if not name and is_attached and self.kernel is not None and self.kernel.is_alive:
            raise UsageError(
                "This kernel was started by somebody else, and cannot be restarted from here.",
                "Restart it where it was started, or open a session with a kernel of its own.",
            )
        if (name and name != self.choice.name) or policy:
            choice = self.choice.named(name) if name else self.choice
            choice = replace(choice, policy=policy or choice.policy)
            if policy and choice.backend != "docker":
                raise UsageError(
                    "A policy is for containers, and this kernel is in none.",
                    "Choose a container first: docker:IMAGE",
                )
            fresh = self._factory.create(choice, self.take)
            self.choice = choice
        await self._give_up_start()
        self._starting = self._tasks.start(self._restart(fresh), "restart-kernel")
        await asyncio.wait({self._starting})

    async def _restart(self, fresh: Kernel | None) -> None:
        async with self._changing:
            await self._wake()
            self._cancel_all("The kernel was restarted.")
            old, self._ready = self.kernel, False
            if old is None or fresh is None:
                await self._bring_up(fresh or old, again=old is not None)
                return
            await old.shutdown()
            self.kernel = None
            await self._bring_up(fresh)

    async def _give_up_start(self) -> None:
        while self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait({self._starting})

    async def shut_down(self, reason: str) -> None:
        """End the kernel; a next execution starts a fresh one."""
        await self._give_up_start()
        async with self._changing:
            await self._wake()
            self._cancel_all(reason)
            kernel, self.kernel, self._ready = self.kernel, None, False
            self.recorder.keep(HANDLE, None)
            if kernel is not None:
                await kernel.shutdown()
                self.recorder.record(KernelStopped(self.snapshot.kernel.generation, reason))

    def _cancel_all(self, reason: str) -> None:
        events: list[AnyEvent] = []
        running = self.queue.running
        if running is not None:
            events += self._ladder.settle(running)
            self._end_run(running)
            events.append(ExecutionFinished(running, "cancelled", reason))
        self.recorder.record(*events, *self._drop_waiting(reason))

    async def detach(self) -> None:
        """Leave the kernel to whoever opens the journal next."""
        if self._starting is not None:
            await asyncio.wait({self._starting}, timeout=DETACH_WAIT)
        await self._give_up_start()
        self._stop_timer()
        kernel = self.kernel
        if kernel is not None:
            # One that is not up is in no journal, and nobody could find it.
            await (kernel.detach() if self._ready else kernel.shutdown())

    # -- after a crash of the server ---------------------------------------------------

    async def adopt(self) -> None:
        """Take up the kernel that the journal names; end as lost what cannot be followed."""
        handle = self.recorder.journal.get_private(HANDLE)
        view = self.snapshot.kernel
        open_ones = [e for e in self.snapshot.executions.values() if e.is_open]
        running = next((e.execution_id for e in open_ones if e.status == "running"), "")
        waiting = tuple(e.execution_id for e in open_ones if e.status == "queued")
        # Set before: what the kernel says of them may come while it is adopted.
        self.queue = Queue(waiting, running or None)
        self._unheard = running
        kernel = None
        if isinstance(handle, dict):
            kernel = await self._factory.adopt(handle, self.take, running)
        if kernel is not None and view.state not in ("idle", "busy"):
            await kernel.shutdown()  # it was about to end, for a restart
            kernel = None
        if kernel is None:
            in_container = view.kernel is not None and view.kernel.backend == "docker"
            gone = (
                "The session server ended, and the kernel's container ends with it."
                if in_container
                else "The session server ended and the kernel did not live on."
            )
            self.recorder.record(
                *(ExecutionFinished(each.execution_id, "lost", gone) for each in open_ones)
            )
            self.queue = Queue()
            if view.state in ("starting", "idle", "busy"):
                self.recorder.record(KernelDied(view.generation, Death(gone)))
            return
        self.kernel = kernel
        self.recorder.record(
            NoticeGiven(
                "warning" if running else "info",
                "The session server was restarted",
                "The kernel lives on. What it printed in between could not be recorded."
                if running
                else "The kernel lives on.",
            )
        )
        ready = Ready(kernel.pid, view.language, view.version, view.banner, view.subshells)
        self._come_up(kernel, view.generation, ready, adopted=True)
        timed = self.snapshot.executions.get(running)
        if timed is not None and timed.timeout is not None and self.queue.running == running:
            passed = self._clock.now() - (timed.started_at or 0.0)
            # The clock may have been set meanwhile.
            self._allow(running, min(max(timed.timeout - passed, 0.0), timed.timeout))

    def find(self, execution_id: str) -> None:
        if execution_id not in self.snapshot.executions:
            raise NotFound(f"There is no execution {execution_id} in this session.")


def _out_of_time(timeout: float | None) -> str:
    return f"It ran longer than {timeout:g} s." if timeout else "It ran too long."


def _unforeseen(error: Exception) -> CodeexecError:
    return KernelUnavailable(
        f"The kernel could not be started: {type(error).__name__}: {error}.",
        "The server's log has the whole of it.",
    )
