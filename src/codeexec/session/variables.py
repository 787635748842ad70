"""The kernel's variables, looked at after each run and when somebody asks."""

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
from codeexec.session.runner import Runner
from codeexec.session.tasks import Tasks

log = logging.getLogger(__name__)

QUIET = 0.05
"""Seconds after a run without another one before the variables are looked at."""

DEADLINE = 3.0

VariableRequest = q.RefreshVariables | q.InspectVariable | q.ReadTable | q.DeleteVariable


class VariableWatch:
    """Asks kernels that have variables; that never holds up the user's code."""

    def __init__(self, runner: Runner, enabled: bool, tasks: Tasks) -> None:
        self._runner = runner
        self._enabled = enabled
        self._tasks = tasks
        self._looking: asyncio.Task[None] | None = None

    def look_soon(self) -> None:
        """After a run; several in a row are looked at once."""
        kernel = self._runner.keeper.kernel
        if not self._enabled or kernel is None or kernel.capabilities.variables is None:
            return
        if self._looking is not None and not self._looking.done():
            self._looking.cancel()
        self._looking = self._tasks.start(self._look_later(), "variables")

    async def _look_later(self) -> None:
        await asyncio.sleep(QUIET)
        try:
            await self._look()
        except Busy:
            pass  # the next run's end asks again
        except CodeexecError as error:
            log.info("variables: %s", error)

    async def _look(self) -> q.Variables:
        found = await self._kernel_variables().variables(DEADLINE)
        snapshot = self._runner.snapshot
        generation = snapshot.kernel.generation
        secrets = self._runner.secrets
        found = replace(found, variables=secrets.mask_variables(found.variables, generation))
        is_news = (found.variables, generation) != (
            snapshot.kernel.variables,
            snapshot.kernel.variables_generation,
        )
        if is_news and not self._runner.limit.is_reached:
            self._runner.recorder.record(
                VariablesTaken(generation, found.variables, found.truncated)
            )
        return found

    async def answer(self, request: VariableRequest) -> q.Reply:
        match request:
            case q.RefreshVariables():
                return await self._look()
            case q.InspectVariable():
                detail = await self._kernel_variables().describe(request.name, DEADLINE)
                return self._runner.secrets.mask_detail(detail, self._generation)
            case q.ReadTable():
                tables = self._kernel().capabilities.tables
                if tables is None:
                    raise self._unavailable()
                page = await tables.read_table(request, DEADLINE)
                return self._runner.secrets.mask_table(page, self._generation)
            case q.DeleteVariable():
                await self._kernel_variables().delete(request.name, DEADLINE)
                await self._look()
                return q.Done(self._runner.snapshot.seq, 1)
            case _:
                assert_never(request)

    @property
    def _generation(self) -> int:
        return self._runner.snapshot.kernel.generation

    def _kernel(self) -> Kernel:
        kernel = self._runner.keeper.kernel
        if kernel is None or self._runner.snapshot.kernel.state not in ("idle", "busy"):
            raise Conflict("There is no kernel to ask.", "Run something: that starts one.")
        return kernel

    def _kernel_variables(self) -> HasVariables:
        variables = self._kernel().capabilities.variables
        if variables is None:
            raise self._unavailable()
        return variables

    def _unavailable(self) -> Unavailable:
        language = self._runner.snapshot.kernel.language or "this kernel"
        return Unavailable(f"Variables of {language} cannot be looked at.")
