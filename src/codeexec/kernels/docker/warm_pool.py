"""A container that waits for a kernel to come, so that this one starts in half the time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from codeexec.domain.errors import CodeexecError
from codeexec.environments.docker.environment import ContainerPlan
from codeexec.environments.docker.policy import EngineInfo
from codeexec.kernels.docker.process import ContainerKernel

log = logging.getLogger(__name__)

AFTER = 2.0
"""Seconds for the kernel that was just asked for to boot undisturbed."""

KEPT = 900.0
"""Seconds after which a spare that nobody took is ended: it holds some 80 MB."""


class WarmPool:
    """At most one, for the plan that was used last: the same folder, image and policy."""

    def __init__(self) -> None:
        self._plan: ContainerPlan | None = None
        self.making: asyncio.Task[None] | None = None
        """The work on one that is on its way."""
        self._kernel: ContainerKernel | None = None
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def is_ready(self) -> bool:
        return self._kernel is not None

    def take(self, plan: ContainerPlan) -> ContainerKernel | None:
        """The spare, when it was made for such a plan; it then belongs to the caller."""
        if self._plan != _anybodys(plan):
            return None
        kernel, self._kernel = self._kernel, None
        return kernel

    async def make(self, plan: ContainerPlan, engine_info: EngineInfo) -> None:
        """Begin to make one; what was kept for another plan is ended."""
        is_coming = self.making is not None and not self.making.done()
        if self._plan == _anybodys(plan) and (self.is_ready or is_coming):
            return
        await self.close()
        self._plan = _anybodys(plan)
        self.making = asyncio.create_task(
            self._make(self._plan, engine_info), name="spare-container"
        )

    async def close(self) -> None:
        """End what is there or on its way."""
        if self.making is not None and self.making is not asyncio.current_task():
            self.making.cancel()
            await asyncio.gather(self.making, return_exceptions=True)
        if self._expiry is not None:
            self._expiry.cancel()
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            await kernel.close()

    async def _make(self, plan: ContainerPlan, engine_info: EngineInfo) -> None:
        await asyncio.sleep(AFTER)
        kernel = ContainerKernel(plan, engine_info=engine_info)
        try:
            await kernel.prepare()
        except BaseException as error:
            await kernel.close()
            if not isinstance(error, CodeexecError):
                raise
            log.info("no spare container: %s", error)
            return
        self._kernel = kernel
        self._expiry = asyncio.get_running_loop().call_later(KEPT, self._expire)

    def _expire(self) -> None:
        self.making = asyncio.create_task(self.close(), name="end-spare-container")


def _anybodys(plan: ContainerPlan) -> ContainerPlan:
    return replace(plan, session="spare")
