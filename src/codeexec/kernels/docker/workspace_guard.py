"""Interrupts code of a container that lets its workspace grow too much."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from codeexec.environments.base import Tell
from codeexec.environments.docker.environment import ContainerPlan
from codeexec.environments.docker.growth import Growth, GrowthMeter, Hidden, Limits, excess

PATIENCE = 3
"""Interrupts that code which fills the workspace is given before it is killed."""

ARRIVAL_SECONDS = 0.2
"""Until an interrupt has reached the code; it writes until then."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """The code that works in the workspace. `signal` reaches it, `has_ended` tells whether there
    is any left; the words say what was done to it."""

    signal: Callable[[int], Awaitable[None]]
    has_ended: Callable[[], bool]
    interrupted: str
    killed: str


class WorkspaceGuard:
    """The workspace of one container; made before its code runs."""

    def __init__(self, plan: ContainerPlan) -> None:
        self._plan = plan
        self._limits = Limits(plan.policy.workspace_growth, plan.policy.workspace_files)

    @property
    def is_needed(self) -> bool:
        """Code can change the workspace, and the policy limits by how much."""
        policy = self._plan.policy
        is_limited = bool(self._limits.size or self._limits.files)
        return self._plan.workspace is not None and not policy.workspace_read_only and is_limited

    async def begin(self, ask_hidden: Callable[[], Awaitable[Hidden]]) -> GrowthMeter:
        """Add up the workspace as it is now."""
        assert self._plan.workspace is not None
        return await GrowthMeter.begin(self._plan.workspace, self._limits, ask_hidden)

    async def watch(self, meter: GrowthMeter, culprit: Culprit, tell: Tell) -> None:
        """Interrupt code that fills the workspace, and kill it when it goes on."""
        times, last = 0, Growth()
        async for grown in meter.watch():
            if culprit.has_ended():
                return
            problem = excess(grown, self._limits)
            if not problem:
                times, last = 0, Growth()
            elif grown.size > last.size or grown.files > last.files:  # still at it
                times += 1
                is_killed = times > PATIENCE
                await culprit.signal(signal.SIGKILL if is_killed else signal.SIGINT)
                action = culprit.killed if is_killed else culprit.interrupted
                tell("The workspace has grown too much", problem.format(what=action))
                # Only what is written from here on shows that the code goes on.
                await asyncio.sleep(ARRIVAL_SECONDS)
                last = await meter.measure(whole=True)
