"""The container in which the programs of a session run, beside that of its Python kernel.

It is another one, so that a program which uses up its memory or its processes does not take the
kernel with it, and so that nothing is left of a program: the whole container is swept after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import Tell
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.growth import GrowthMeter
from codeexec.environments.docker.policy import EngineInfo
from codeexec.kernels.docker.workspace_guard import Culprit, WorkspaceGuard


class ProgramContainer:
    """One container at a time, made anew when it has ended."""

    def __init__(self, plan: ContainerPlan, engine_info: EngineInfo) -> None:
        self._plan = plan
        self._engine_info = engine_info
        self._environment: DockerEnvironment | None = None
        self._guarding: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def start(self, tell: Tell) -> DockerEnvironment:
        """The container, made where there is none. EnvironmentUnavailable."""
        async with self._starting:
            environment = self._environment
            if environment is not None and environment.poll() is None:
                return environment
            await self._end()
            environment = await DockerEnvironment.create(self._plan, self._engine_info)
            self._environment = environment
            for notice in environment.notices:
                tell("About this container", notice)
            guard = WorkspaceGuard(self._plan)
            if guard.is_needed:
                # Added up before the first program runs.
                meter = await guard.begin(environment.hidden)
                self._guarding = asyncio.create_task(self._guard(guard, meter, environment, tell))
            return environment

    async def close(self) -> None:
        """End the container and all programs in it. Can be repeated."""
        async with self._starting:
            await self._end()

    async def _end(self) -> None:
        guarding, self._guarding = self._guarding, None
        if guarding is not None:
            guarding.cancel()
            await asyncio.gather(guarding, return_exceptions=True)
        environment, self._environment = self._environment, None
        if environment is not None:
            await environment.terminate()

    async def _guard(
        self, guard: WorkspaceGuard, meter: GrowthMeter, environment: DockerEnvironment, tell: Tell
    ) -> None:
        async def signal_all(number: int) -> None:
            if number == signal.SIGKILL:
                await environment.wire.sweep()
                return
            for process in environment.wire.running:
                await process.signal(number)

        culprit = Culprit(
            signal_all,
            lambda: environment.poll() is not None,
            "what ran in the container was interrupted",
            "what ran in the container went on in spite of interrupts and was killed",
        )
        with contextlib.suppress(EnvironmentUnavailable):  # it has ended meanwhile
            await guard.watch(meter, culprit, tell)
