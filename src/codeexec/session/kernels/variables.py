"""The kernel's variables, read after each execution while a client is connected, and on request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from codeexec.domain import requests as q
from codeexec.domain.errors import Busy, CodeexecError, Conflict, Unavailable
from codeexec.domain.events import VariablesTaken
from codeexec.kernels.base import Kernel
from codeexec.kernels.capabilities import Capabilities, HasSizes, HasTables, HasVariables
from codeexec.session.kernels.parts import SessionParts
from codeexec.session.kernels.slot import KernelSlot
from codeexec.session.kernels.slots import KernelSlots

log = logging.getLogger(__name__)

QUIET = 0.05
"""Seconds after a run without another one before the variables are looked at."""

DEADLINE = 3.0

MOST_LOOKS = 5
"""How often a kernel that runs nothing is asked: it may be kept from its processor."""

CATCH_UP_SECONDS = 1.0
"""Seconds that a reader of a snapshot waits for variables at most."""

VariableRequest = (
    q.RefreshVariables
    | q.InspectVariable
    | q.MeasureVariables
    | q.ReadTable
    | q.QueryTable
    | q.DeleteVariable
)


class VariableWatch:
    """Asks kernels that have variables; that never holds up the user's code. The question costs a
    kernel as much as a short run, so after runs that no client watches it is left until a client
    joins the session or reads its snapshot."""

    def __init__(
        self, parts: SessionParts, slots: KernelSlots, is_watched: Callable[[], bool]
    ) -> None:
        """`is_watched`: whether a client follows the session's events."""
        self._parts = parts
        self._slots = slots
        self._is_watched = is_watched
        kernels = parts.recorder.snapshot.kernels
        # Another server may have left runs of which it has not taken the variables.
        self._stale = {name for name, view in kernels.items() if view.generation}
        self._looking: dict[str, asyncio.Task[None]] = {}

    def note_run(self, kernel: str) -> None:
        """A run on this kernel has ended."""
        self._stale.add(kernel)

    def look_soon(self, slot: KernelSlot) -> None:
        """After a run on this kernel; several in a row are looked at once."""
        if slot.name in self._stale and self._is_watched() and _can_be_asked(slot):
            self._begin(slot, QUIET)

    def look_for_client(self) -> None:
        """A client has joined: look at what was left."""
        for slot in self._slots:
            if slot.name in self._stale and _can_be_asked(slot):
                self._begin(slot, QUIET)

    async def catch_up(self) -> None:
        """Have the variables of all kernels in the snapshot, as far as they answer soon."""
        for slot in self._slots:
            if slot.name in self._stale and _can_be_asked(slot):
                self._begin(slot, 0)
        looking = [task for task in self._looking.values() if not task.done()]
        if looking:
            await asyncio.wait(looking, timeout=CATCH_UP_SECONDS)

    def _begin(self, slot: KernelSlot, pause: float) -> None:
        if not self._parts.settings.watch_variables or self._parts.recorder.is_closed:
            return
        looking = self._looking.get(slot.name)
        if looking is not None and not looking.done():
            looking.cancel()
        work = self._look_later(slot, pause)
        self._looking[slot.name] = self._parts.tasks.start(work, "variables")

    async def _look_later(self, slot: KernelSlot, pause: float) -> None:
        await slot.supervisor.adopted()
        await asyncio.sleep(pause)
        kernel = slot.supervisor.kernel
        if kernel is None or kernel.capabilities.variables is None:
            return
        try:
            for _ in range(MOST_LOOKS):
                with contextlib.suppress(Busy):
                    await self._look(slot)
                    return
                if slot.is_busy:
                    return  # the end of that run asks again
                await asyncio.sleep(QUIET)
        except CodeexecError as error:
            log.info("variables: %s", error)

    async def _look(self, slot: KernelSlot) -> q.Variables:
        self._stale.discard(slot.name)
        try:
            taken = await _variables_of(slot).variables(DEADLINE)
        except BaseException:
            self._stale.add(slot.name)
            raise
        generation = slot.view.generation
        masked = slot.secrets.mask_variables(taken.variables, generation)
        taken = replace(taken, variables=masked)
        recorded = slot.view.variables, slot.view.variables_generation
        if (masked, generation) != recorded and not self._parts.limit.is_reached:
            self._parts.recorder.record(
                VariablesTaken(generation, masked, taken.truncated, slot.name)
            )
        return taken

    async def answer(self, request: VariableRequest, slot: KernelSlot) -> q.Reply:
        """See the requests; `slot` is the kernel that they name."""
        match request:
            case q.RefreshVariables():
                return await self._look(slot)
            case q.InspectVariable():
                detail = await _variables_of(slot).describe(request.name, DEADLINE)
                return slot.secrets.mask_detail(detail, slot.view.generation)
            case q.MeasureVariables():
                return await self._measure(request.names, slot)
            case q.ReadTable():
                page = await _tables_of(slot).read_table(request, DEADLINE)
                return slot.secrets.mask_table(page)
            case q.QueryTable():
                answer = await _tables_of(slot).query_table(request, DEADLINE)
                return slot.secrets.mask_table_answer(answer)
            case q.DeleteVariable():
                await _variables_of(slot).delete(request.name, DEADLINE)
                await self._look(slot)
                return q.Done(self._parts.recorder.snapshot.seq, 1)
            case _:
                assert_never(request)

    async def _measure(self, names: tuple[str, ...], slot: KernelSlot) -> q.VariableSizes:
        sizes = _sizes_of(slot)
        if slot.is_busy:
            raise Busy(
                "Memory is not counted while code runs.", "Ask again when the run has ended."
            )
        if slot.name in self._stale:
            await self._look(slot)
        answer = await sizes.measure(names, DEADLINE)
        return slot.secrets.mask_sizes(answer, slot.view.variables)


def _can_be_asked(slot: KernelSlot) -> bool:
    """Whether the question waits for no run; after one that it would wait for, it is asked."""
    return not slot.is_busy or slot.view.subshells


def _kernel_of(slot: KernelSlot) -> Kernel:
    kernel = slot.supervisor.kernel
    if kernel is None or slot.view.state not in ("idle", "busy"):
        raise Conflict("There is no kernel to ask.", "Run something: that starts one.")
    return kernel


def _variables_of(slot: KernelSlot) -> HasVariables:
    variables = _kernel_of(slot).capabilities.variables
    if variables is None:
        raise _without_variables(slot)
    return variables


def _tables_of(slot: KernelSlot) -> HasTables:
    tables = _kernel_of(slot).capabilities.tables
    if tables is None:
        raise _without_variables(slot)
    return tables


def _sizes_of(slot: KernelSlot) -> HasSizes:
    able = _kernel_of(slot).capabilities
    if able.sizes is not None:
        return able.sizes
    if able.variables is None:
        raise _without_variables(slot)
    language = slot.view.language or "this kernel"
    raise Unavailable(f"The memory of variables of {language} cannot be counted.")


def _without_variables(slot: KernelSlot) -> Unavailable:
    language = slot.view.language or "this kernel"
    reason = f"Variables of {language} cannot be looked at."
    return unavailable(_kernel_of(slot).capabilities, "variables", reason)


def unavailable(able: Capabilities, ability: str, reason: str) -> Unavailable:
    """The error for an ability that a kernel lacks: what is known of that, else `reason`."""
    absent = able.why_absent(ability)
    return Unavailable(absent.reason, absent.next_step) if absent else Unavailable(reason)
