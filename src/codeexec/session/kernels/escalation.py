"""The interrupt ladder: interrupt, again, terminate, kill, each rung said as it is climbed."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine

from codeexec.domain.clock import Clock
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import AnyEvent, InterruptEscalated, LadderStage
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.environments.execution.standstill import wait_while_running
from codeexec.kernels.base import Kernel
from codeexec.session.settings import HostSettings

log = logging.getLogger(__name__)

RUNGS: tuple[LadderStage, ...] = ("interrupt", "interrupt_again", "terminate", "kill")
TOP = len(RUNGS) - 1


class InterruptEscalation:
    """One climb at a time, for one execution; `settle` is called when that has ended."""

    def __init__(
        self,
        settings: HostSettings,
        clock: Clock,
        record: Callable[[AnyEvent], object],
        kernel_name: str = DEFAULT_KERNEL,
    ) -> None:
        """`kernel_name` is that of the kernel within its session."""
        self._kernel_name = kernel_name
        self._settings = settings
        self._clock = clock
        self._record = record
        self._kernel: Kernel | None = None
        self._execution_id = ""
        self._began = 0.0
        self._auto = False
        self.by = ""
        self.rung = -1
        self._settled = asyncio.Event()
        self._urge = asyncio.Event()
        self._urged_to = 0

    @property
    def is_climbing(self) -> bool:
        return self.rung >= 0

    @property
    def was_ended_by_force(self) -> bool:
        return self.rung >= RUNGS.index("terminate")

    def climb(
        self, kernel: Kernel, execution_id: str, stage: LadderStage, *, auto: bool, by: str = ""
    ) -> Coroutine[object, object, None]:
        """Begin: from here on `is_climbing`. What is returned climbs, until the execution ends.
        `by` is the client that interrupts."""
        self._kernel, self._execution_id = kernel, execution_id
        self.by = by
        self._began = self._clock.monotonic()
        self._auto = auto or self._settings.ladder == "auto"
        self._urged_to = self.rung = RUNGS.index(stage) if stage in RUNGS else 0
        # Of this climb alone: one before it may still be on its way out.
        self._settled, self._urge = asyncio.Event(), asyncio.Event()
        return self._climb(kernel, self._settled, self._urge)

    async def _climb(self, kernel: Kernel, settled: asyncio.Event, urge: asyncio.Event) -> None:
        while not settled.is_set():
            urge.clear()
            rung = self.rung
            await self._act(kernel, rung)
            waits = rung < TOP and (rung == 0 or self._auto)
            await _wait(settled, urge, self._settings.ladder_grace[rung] if waits else None)
            if not settled.is_set():
                self.rung = min(max(rung + 1, self._urged_to), TOP)

    def urge(self, stage: LadderStage = "interrupt", *, auto: bool = False) -> None:
        """Interrupt again: go to the next rung, or straight to `stage`."""
        self._auto = self._auto or auto
        self._urged_to = max(self.rung + 1, RUNGS.index(stage) if stage in RUNGS else 0)
        self._urge.set()

    def settle(self, execution_id: str, *, is_alive: bool = True) -> list[AnyEvent]:
        """The execution has ended, and so has a climb for it; the event to record, if any.
        `is_alive`: the kernel has outlived it."""
        if not self.is_for(execution_id):
            return []
        events = [self._event("obeyed")] if is_alive or not self.was_ended_by_force else []
        self.rung = -1
        self._settled.set()
        return list(events)

    def is_for(self, execution_id: str) -> bool:
        return self.is_climbing and execution_id == self._execution_id

    async def _act(self, kernel: Kernel, rung: int) -> None:
        stage = RUNGS[rung]
        self._record(self._event(stage))
        try:
            if stage == "terminate":
                reached = await kernel.signal(signal.SIGTERM)
            elif stage == "kill":
                reached = await kernel.signal(signal.SIGKILL)
            else:
                reached = False
            if not reached:
                # Also where no signal reaches: a kernel that we are only attached to.
                await kernel.interrupt()
        except (OSError, CodeexecError) as error:
            # The process went away between the look and the signal; its death is told apart.
            log.info("%s did not reach the kernel: %s", stage, error)

    def _event(self, stage: LadderStage) -> InterruptEscalated:
        return InterruptEscalated(
            stage,
            self._execution_id,
            self._kernel.pid if self._kernel else None,
            round(self._clock.monotonic() - self._began, 3),
            self._kernel_name,
        )


async def _wait(settled: asyncio.Event, urge: asyncio.Event, grace: float | None) -> None:
    """Until settled, or asked again, or the grace is over."""
    waiting = {asyncio.ensure_future(settled.wait()), asyncio.ensure_future(urge.wait())}
    try:
        if grace is None:
            await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
        else:
            # Code that has ended while we stood still is not what asks for the next rung.
            await wait_while_running(waiting, grace)
    finally:
        for task in waiting:
            task.cancel()
