"""The interrupt ladder: interrupt, again, terminate, kill, each rung said as it is climbed."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from codeexec.domain.clock import Clock
from codeexec.domain.events import AnyEvent, InterruptEscalated, LadderStage
from codeexec.kernels.base import Kernel
from codeexec.session.settings import HostSettings

log = logging.getLogger(__name__)

RUNGS: tuple[LadderStage, ...] = ("interrupt", "interrupt_again", "terminate", "kill")


class Ladder:
    """One climb at a time, for one execution; `settle` is called when that has ended."""

    def __init__(
        self, settings: HostSettings, clock: Clock, record: Callable[[AnyEvent], object]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._record = record
        self._kernel: Kernel | None = None
        self._execution_id = ""
        self._began = 0.0
        self._auto = False
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

    async def climb(
        self, kernel: Kernel, execution_id: str, stage: LadderStage, *, auto: bool
    ) -> None:
        """Climb until the execution ends or there is no rung left."""
        self._kernel, self._execution_id = kernel, execution_id
        self._began = self._clock.monotonic()
        self._auto = auto or self._settings.ladder == "auto"
        self._settled.clear()
        self._urged_to = self.rung = RUNGS.index(stage) if stage in RUNGS else 0
        while not self._settled.is_set():
            await self._act(kernel)
            if self.rung + 1 >= len(RUNGS):
                return
            waits = self.rung == 0 or self._auto
            if await self._wait(self._settings.ladder_grace[self.rung] if waits else None):
                return
            self.rung = max(self.rung + 1, min(self._urged_to, len(RUNGS) - 1))

    def urge(self, stage: LadderStage = "interrupt", *, auto: bool = False) -> None:
        """Somebody asks again: the next rung, or straight to `stage`."""
        self._auto = self._auto or auto
        self._urged_to = max(self.rung + 1, RUNGS.index(stage) if stage in RUNGS else 0)
        self._urge.set()

    def settle(self, execution_id: str) -> list[AnyEvent]:
        """The execution has ended, and so has a climb for it; the fact to record, if any."""
        if not self.is_for(execution_id):
            return []
        said = [] if self.was_ended_by_force else [self._event("obeyed")]
        self.rung = -1
        self._settled.set()
        return list(said)

    def is_for(self, execution_id: str) -> bool:
        return self.is_climbing and execution_id == self._execution_id

    async def _act(self, kernel: Kernel) -> None:
        stage = RUNGS[self.rung]
        self._record(self._event(stage))
        try:
            if stage == "terminate":
                await kernel.signal(signal.SIGTERM)
            elif stage == "kill":
                await kernel.signal(signal.SIGKILL)
            else:
                await kernel.interrupt()
        except OSError as error:
            # The process went away between the look and the signal; its death is told apart.
            log.info("%s did not reach the kernel: %s", stage, error)

    async def _wait(self, grace: float | None) -> bool:
        """Until settled (true), or asked again, or the grace is over (false)."""
        self._urge.clear()
        settled = asyncio.ensure_future(self._settled.wait())
        urged = asyncio.ensure_future(self._urge.wait())
        try:
            await asyncio.wait({settled, urged}, timeout=grace, return_when="FIRST_COMPLETED")
        finally:
            settled.cancel()
            urged.cancel()
        return self._settled.is_set()

    def _event(self, stage: LadderStage) -> InterruptEscalated:
        return InterruptEscalated(
            stage,
            self._execution_id,
            self._kernel.pid if self._kernel else None,
            round(self._clock.monotonic() - self._began, 3),
        )
