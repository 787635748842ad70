"""A session's kernel through its life: started, restarted, paused, left to the next server, and
adopted from the last one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from codeexec.domain.errors import CodeexecError, Conflict, KernelUnavailable, UsageError
from codeexec.domain.events import (
    Death,
    ExecutionFinished,
    KernelDied,
    KernelPaused,
    KernelReady,
    KernelResumed,
    KernelStarting,
    KernelStopped,
    NoticeGiven,
)
from codeexec.domain.snapshot import KernelView, Snapshot
from codeexec.environments.marks import MARK, end_marked
from codeexec.kernels.base import Handle, Kernel, KernelChoice, Outdating, Ready
from codeexec.session.kernels.executions import Executions
from codeexec.session.kernels.names import in_catalog_order, programs_of, same_language
from codeexec.session.kernels.outbox import read_place, with_place
from codeexec.session.kernels.parts import SessionParts
from codeexec.session.kernels.start_backoff import StartBackoff
from codeexec.session.storage.journal import private_key

log = logging.getLogger(__name__)

HANDLE = "kernel"
ENDING = "ending"
"""Set in a handle while its kernel is being ended: such a kernel is not adopted, but ended."""
CHOICE = "choice"
DETACH_WAIT = 10.0
"""Seconds that a start under way is given when the server ends; then it is given up."""


class KernelSupervisor:
    """One kernel at a time; `choice` says which one is started next."""

    def __init__(
        self,
        name: str,
        parts: SessionParts,
        choice: KernelChoice,
        executions: Executions,
        end_strays: Callable[[], Awaitable[None]],
    ) -> None:
        """`name` is that of the kernel within its session. `end_strays` is awaited before an
        adoption is decided: it ends processes of the session that no kernel's handle names."""
        self.name = name
        self.choice = choice
        self.kernel: Kernel | None = None
        self.is_ready = False
        self._recorder = parts.recorder
        self._factory = parts.factory
        self._executions = executions
        self._tasks = parts.tasks
        self._outlives = parts.outlives
        self._end_strays = end_strays
        self._handle_key = private_key(HANDLE, name)
        self._starting: asyncio.Task[None] | None = None
        self._adopting: asyncio.Task[None] | None = None
        self._is_detached = False
        self._is_pausing = False
        self.backoff = StartBackoff(parts.settings.start_backoff)
        self._changing = asyncio.Lock()

    @property
    def _snapshot(self) -> Snapshot:
        return self._recorder.snapshot

    @property
    def _view(self) -> KernelView:
        return self._recorder.snapshot.kernel_named(self.name)

    @property
    def is_paused(self) -> bool:
        return self._view.paused

    @property
    def is_adopting(self) -> bool:
        return self._adopting is not None and not self._adopting.done()

    @property
    def is_start_told(self) -> bool:
        """Whether a start is under way that waits for a server or image and tells its steps."""
        view, starting = self._view, self._starting
        is_under_way = starting is not None and not starting.done()
        return is_under_way and (view.start is not None or view.pull is not None)

    # -- start -------------------------------------------------------------------------

    def start_kernel(self) -> None:
        """Begin to start one, unless one is there, on its way, or being adopted."""
        if self.is_ready or self.is_adopting or self._is_detached:
            return
        if self._starting is None or self._starting.done():
            self._starting = self._tasks.start(self._start(), "start-kernel")

    def start_after_death(self, lived: float) -> bool:
        """Begin to start a kernel in place of one that has died after `lived` seconds; False when
        it has died too often in a row."""
        pause = self.backoff.pause_after_death(lived)
        if pause is None:
            return False
        if self._starting is None or self._starting.done():
            self._starting = self._tasks.start(self._start_later(pause), "start-kernel")
        return True

    async def _start_later(self, pause: float) -> None:
        await self._pause_before_start(pause)
        if not self._is_detached:
            await self._start()

    async def _pause_before_start(self, seconds: float) -> None:
        self._is_pausing = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self._is_pausing = False

    async def started(self) -> None:
        """Start a kernel unless one is there, and wait until that has succeeded or failed."""
        await self.adopted()
        self.start_kernel()
        if self._starting is not None:
            await asyncio.wait({self._starting})

    async def _start(self) -> None:
        async with self._changing:
            if self.is_ready:
                return
            # One that died is restarted: a container keeps what was installed in it.
            await self._bring_up(self.kernel, restart=self.kernel is not None)

    async def _bring_up(self, kernel: Kernel | None, *, restart: bool = False) -> None:
        """Start a new kernel, or the one that is given, or that one `restart`; the lock is held.
        Where the cause of a failure may pass, it is tried again."""
        while (error := await self._try_start(kernel, restart=restart)) is not None:
            problem = error if isinstance(error, CodeexecError) else _unforeseen(error)
            pause = self.backoff.pause_after_failure(error)
            if pause is None:
                death = Death(str(problem))
                self._recorder.record(
                    *self._executions.drop_waiting(f"{problem.title}: {problem}"),
                    KernelDied(self._view.generation, death, self.name),
                )
                return
            title = f"{problem.title}, and is tried again in {pause:g} s"
            self._recorder.record(NoticeGiven("warning", title, problem.message))
            await self._pause_before_start(pause)
            kernel, restart = None, False

    async def _try_start(self, kernel: Kernel | None, *, restart: bool) -> Exception | None:
        """What went wrong, or None."""
        generation = self._view.generation + 1
        try:
            if kernel is None:
                self.choice = await self._with_kernel_of_language(self.choice)
                kernel = self._factory.create(self.choice, self._executions.take)
            self.kernel = kernel
            self._recorder.record(KernelStarting(generation, kernel.ref, self.name))
            ready = await (kernel.restart() if restart else kernel.start())
        except Exception as error:
            # Whatever it is (no file descriptor left, for one): who waits must hear of it.
            self.kernel = None
            if not isinstance(error, KernelUnavailable):
                log.warning("kernel start: %s", error, exc_info=error)
            return error
        self.backoff.note_ready()
        self._come_up(kernel, generation, ready, adopted=False)
        return None

    def _come_up(self, kernel: Kernel, generation: int, ready: Ready, *, adopted: bool) -> None:
        self._executions.settle_displays()  # of the process before, such as its last output
        self.is_ready = True
        self.persist_handle()
        self._recorder.record(
            KernelReady(
                generation,
                ready.pid,
                ready.language,
                ready.version,
                ready.banner,
                ready.subshells,
                adopted,
                ready.notices,
                ready.language_info,
                kernel.capabilities.names,
                self.name,
                ready.ends_at,
            )
        )
        self._executions.pump()

    def persist_handle(self) -> None:
        """Journal the connection info, then let the kernel outlive this process so the next server
        can adopt it."""
        if self.kernel is None or not self.is_ready:
            return
        handle = self.kernel.handle()
        key = self._handle_key
        self._recorder.keep(key, self._recorder.secrets.without_env(key, handle))
        adoption = self.kernel.capabilities.adoption
        if adoption is not None and self._outlives and self._recorder.problem is None:
            adoption.let_outlive()

    async def _with_kernel_of_language(self, choice: KernelChoice) -> KernelChoice:
        """The choice with the first usable kernel of its language, where it names none."""
        if not choice.language or choice.name:
            return choice
        infos = await asyncio.to_thread(self._factory.list, choice.cwd)
        language = same_language(choice.language)
        usable = (info for info in in_catalog_order(infos) if not info.problem)
        named = next((i.name for i in usable if same_language(i.language) == language), None)
        if named is None and (programs := await asyncio.to_thread(programs_of, choice.language)):
            return self._factory.choose(choice, programs)
        return replace(choice, name=named or choice.language)

    @property
    def _words(self) -> str:
        """The kernel in a sentence: by its name where there are several."""
        return f"The kernel {self.name}" if len(self._snapshot.kernels) > 1 else "The kernel"

    # -- pause and restart -------------------------------------------------------------

    async def pause(self) -> None:
        """Let the kernel stand still until `unpause`; the time that a run may take does as well."""
        await self.adopted()
        async with self._changing:
            kernel = self.kernel
            if kernel is None or not self.is_ready:
                raise Conflict("There is no kernel to pause.", "The next run starts one.")
            if self._executions.is_interrupting:
                raise Conflict("It is being interrupted.", "Pause it when it has obeyed.")
            if self.is_paused:
                return
            if (pausing := kernel.capabilities.pausing) is None:
                raise UsageError(
                    "This kernel cannot be paused.",
                    "Interrupt it, or work in a container: codeexec-tui --docker",
                )
            await pausing.pause()
            self._executions.hold_timer()
            self._recorder.record(KernelPaused(self._view.generation, self.name))

    async def unpause(self) -> None:
        """Let it go on, and what has been asked meanwhile begin."""
        await self.adopted()
        async with self._changing:
            await self._unpause()
        self._executions.pump()

    async def _unpause(self) -> None:
        if self.kernel is None or not self.is_paused:
            return
        if (pausing := self.kernel.capabilities.pausing) is not None:
            await pausing.unpause()
        self._recorder.record(KernelResumed(self._view.generation, self.name))
        self._executions.release_timer()

    async def _wake(self) -> None:
        """One that stands still cannot end as it should; by force it can."""
        with contextlib.suppress(CodeexecError):
            await self._unpause()

    async def restart(self, name: str, policy: str = "") -> None:
        """End what runs, cancel what waits, and begin afresh; a start that is under way is given
        up. KernelUnavailable when there is no kernel `name`: then all goes on as before."""
        await self.adopted()
        fresh = None
        is_attached = self.choice.connection_file or self.choice.name.endswith(".json")
        if not name and is_attached and self.kernel is not None and self.kernel.is_alive:
            raise UsageError(
                "This kernel was started by somebody else, and cannot be restarted from here.",
                "Restart it where it was started, or open a session with a kernel of its own.",
            )
        kernel = self.kernel
        is_outdated = isinstance(kernel, Outdating) and await asyncio.to_thread(kernel.is_outdated)
        if (name and name != self.choice.name) or policy or is_outdated:
            choice = self._factory.choose(self.choice, name, policy)
            fresh = self._factory.create(choice, self._executions.take)
            self.choice = choice
        await self._give_up_start()
        self._starting = self._tasks.start(self._restart(fresh), "restart-kernel")
        await asyncio.wait({self._starting})

    async def _restart(self, fresh: Kernel | None) -> None:
        async with self._changing:
            await self._wake()
            self._executions.cancel_all("The kernel was restarted.")
            old, self.is_ready = self.kernel, False
            if old is None or fresh is None:
                await self._bring_up(fresh or old, restart=old is not None)
                return
            await old.shutdown()
            self.kernel = None
            await self._bring_up(fresh)

    async def _give_up_start(self) -> None:
        while self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait({self._starting})

    # -- end ---------------------------------------------------------------------------

    async def shut_down(self, reason: str) -> None:
        """End the kernel; a next execution starts a fresh one."""
        await self.adopted()
        await self._give_up_start()
        async with self._changing:
            await self._wake()
            self._executions.cancel_all(reason)
            kernel, self.kernel, self.is_ready = self.kernel, None, False
            if kernel is not None:
                # The handle stays until the kernel is gone: were we killed before, the next
                # server would not find the kernel, and so could not end it.
                self._recorder.keep(self._handle_key, {**kernel.handle(), ENDING: True})
                await kernel.shutdown()
                self._executions.settle_displays()
                self._recorder.record(KernelStopped(self._view.generation, reason, self.name))
            self._recorder.keep(self._handle_key, None)

    async def detach(self) -> None:
        """Let the kernel run on, for the next server to adopt."""
        self._is_detached = True
        if self._adopting is not None and self.is_adopting:
            # The journal still names the kernel, and nothing was changed: the next server adopts.
            self._adopting.cancel()
            await asyncio.wait({self._adopting})
        if self._starting is not None and not self._is_pausing:
            await asyncio.wait({self._starting}, timeout=DETACH_WAIT)
        await self._give_up_start()
        self._executions.stop_timer()
        kernel = self.kernel
        if kernel is not None:
            # One that is not up is in no journal, and nobody could find it.
            adoption = kernel.capabilities.adoption if self.is_ready else None
            await (kernel.shutdown() if adoption is None else adoption.detach())
        self._executions.settle_displays()

    # -- after a crash of the server ---------------------------------------------------

    def begin_adoption(self) -> None:
        """Take up, in the background, the kernel that the journal names. Until that is done no
        other kernel is started: executions wait in the queue, other changes wait for `adopted`."""
        views = self._snapshot.executions.values()
        open_views = [e for e in views if e.is_open and e.kernel == self.name]
        running = next((e.execution_id for e in open_views if e.status == "running"), "")
        waiting = tuple(e.execution_id for e in open_views if e.status == "queued")
        # Before: what the kernel says of them may come while it is adopted.
        self._executions.resume(running, waiting)
        work = self._adopt(running, (running, *waiting) if running else waiting)
        self._adopting = self._tasks.start(work, "adopt-kernel")

    async def adopted(self) -> None:
        """Wait until an adoption that is under way has succeeded or failed."""
        if self._adopting is not None:
            await asyncio.wait({self._adopting})

    async def _adopt(self, running: str, open_ids: Sequence[str]) -> None:
        async with self._changing:
            view = self._view
            kernel = await self._find_left_kernel(running, open_ids)
            self._adopting = None
            if kernel is None:
                self._lose(open_ids)
                self._executions.pump()
                return
            self.kernel = kernel
            has_outbox = kernel.capabilities.outbox is not None
            self._recorder.record(
                NoticeGiven(
                    "info" if has_outbox or not running else "warning",
                    "The session server was restarted",
                    _kept_or_lost(has_outbox, running, self._words),
                )
            )
            ready = Ready(
                kernel.pid,
                view.language,
                view.version,
                view.banner,
                view.subshells,
                notices=view.notices,
                ends_at=view.ends_at,
            )
            self._come_up(kernel, view.generation, ready, adopted=True)
            self._executions.restore_timer(running)

    async def _find_left_kernel(self, running: str, open_ids: Sequence[str]) -> Kernel | None:
        """The kernel that the last server left, connected; one that was about to end is ended."""
        handle = self.handle_left()
        kernel = None
        try:
            if handle:
                handle = with_place(handle, read_place(self._recorder.journal, self.name))
                kernel = await self._adopt_or_end(handle, running, open_ids)
            if kernel is None:
                await self._end_marked(str(handle.get("folder") or ""))
            await self._end_strays()
        except asyncio.CancelledError:
            if kernel is not None and (adoption := kernel.capabilities.adoption) is not None:
                await adoption.detach()  # it must not speak to a session that lets go of it
            raise
        return kernel

    async def _adopt_or_end(
        self, handle: Handle, running: str, open_ids: Sequence[str]
    ) -> Kernel | None:
        try:
            ask_user = self.choice.ask_user_later
            kernel = await self._factory.adopt(handle, self._executions.take, running, ask_user)
            was_ending = handle.get(ENDING) or self._view.state not in ("idle", "busy")
            if kernel is None or not was_ending:
                return kernel
            # Before the shutdown, which interrupts what runs: its KeyboardInterrupt is no result.
            self._lose(open_ids)
            await kernel.shutdown()
        except Exception as error:
            # Whatever it is (no file descriptor left, for one): the executions must end.
            log.warning("kernel adoption: %s", error, exc_info=error)
        return None

    def handle_left(self) -> Handle:
        """What the last server journaled of its kernel; empty where it had none."""
        value = self._recorder.journal.get_private(self._handle_key)
        value = self._recorder.secrets.with_env(self._handle_key, value)
        return value if isinstance(value, dict) else {}

    async def _end_marked(self, folder: str) -> None:
        """End what is left of a kernel that could not be adopted."""
        try:
            await asyncio.to_thread(end_marked, MARK, folder)
        except OSError as error:
            log.warning("processes of kernel %s cannot be looked at: %s", folder, error)

    def _lose(self, open_ids: Sequence[str]) -> None:
        """The kernel of the last server is gone: so are the executions that it was given."""
        view = self._view
        reason = self._factory.loss_reason(view.kernel.backend if view.kernel else "")
        views = self._snapshot.executions
        lost = [
            execution_id
            for execution_id in open_ids
            if execution_id in views and views[execution_id].is_open
        ]
        self._executions.forget(lost)
        self._recorder.record(
            *(ExecutionFinished(execution_id, "lost", reason) for execution_id in lost)
        )
        if view.state in ("starting", "idle", "busy"):
            self._recorder.record(KernelDied(view.generation, Death(reason), self.name))


def _kept_or_lost(has_outbox: bool, running: str, kernel: str) -> str:
    if has_outbox:
        return f"{kernel} lives on. It kept what it printed in between."
    lost = " What it printed in between could not be recorded." if running else ""
    return f"{kernel} lives on.{lost}"


def _unforeseen(error: Exception) -> CodeexecError:
    return KernelUnavailable(
        f"The kernel could not be started: {type(error).__name__}: {error}.",
        "The server's log has the whole of it.",
    )
