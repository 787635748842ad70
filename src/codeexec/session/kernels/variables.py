"""The kernel's variables, read after each execution and on request."""

from __future__ import annotations

import asyncio
import logging
from typing import assert_never

from msgspec.structs import replace

from codeexec.domain import requests as q
from codeexec.domain.errors import Busy, CodeexecError, Conflict, Unavailable
from codeexec.domain.events import VariablesTaken
from codeexec.kernels.base import Kernel
from codeexec.kernels.capabilities import HasVariables
from codeexec.session.kernels.parts import SessionParts
from codeexec.session.kernels.slot import KernelSlot

log = logging.getLogger(__name__)

QUIET = 0.05
"""Seconds after a run without another one before the variables are looked at."""

DEADLINE = 3.0

VariableRequest = q.RefreshVariables | q.InspectVariable | q.ReadTable | q.DeleteVariable


class VariableWatch:
    """Asks kernels that have variables; that never holds up the user's code."""

    def __init__(self, parts: SessionParts, enabled: bool) -> None:
        self._parts = parts
        self._enabled = enabled
        self._looking: dict[str, asyncio.Task[None]] = {}

    def look_soon(self, slot: KernelSlot) -> None:
        """After a run on this kernel; several in a row are looked at once."""
        kernel = slot.supervisor.kernel
        if not self._enabled or kernel is None or kernel.capabilities.variables is None:
            return
        looking = self._looking.get(slot.name)
        if looking is not None and not looking.done():
            looking.cancel()
        self._looking[slot.name] = self._parts.tasks.start(self._look_later(slot), "variables")

    async def _look_later(self, slot: KernelSlot) -> None:
        await asyncio.sleep(QUIET)
        try:
            await self._look(slot)
        except Busy:
            pass  # the next run's end asks again
        except CodeexecError as error:
            log.info("variables: %s", error)

    async def _look(self, slot: KernelSlot) -> q.Variables:
        taken = await _variables_of(slot).variables(DEADLINE)
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
            case q.ReadTable():
                tables = _kernel_of(slot).capabilities.tables
                if tables is None:
                    raise _unavailable(slot)
                page = await tables.read_table(request, DEADLINE)
                return slot.secrets.mask_table(page, slot.view.generation)
            case q.DeleteVariable():
                await _variables_of(slot).delete(request.name, DEADLINE)
                await self._look(slot)
                return q.Done(self._parts.recorder.snapshot.seq, 1)
            case _:
                assert_never(request)


def _kernel_of(slot: KernelSlot) -> Kernel:
    kernel = slot.supervisor.kernel
    if kernel is None or slot.view.state not in ("idle", "busy"):
        raise Conflict("There is no kernel to ask.", "Run something: that starts one.")
    return kernel


def _variables_of(slot: KernelSlot) -> HasVariables:
    variables = _kernel_of(slot).capabilities.variables
    if variables is None:
        raise _unavailable(slot)
    return variables


def _unavailable(slot: KernelSlot) -> Unavailable:
    language = slot.view.language or "this kernel"
    return Unavailable(f"Variables of {language} cannot be looked at.")
