"""Where projects are built: what a build asks of that place, and this machine as one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from codeexec.domain.options import ProgramOptions
from codeexec.domain.programs import StepResult
from codeexec.environments.base import Environment
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.base import KernelChoice
from codeexec.kernels.process.projects.folders import lock_folder
from codeexec.kernels.process.projects.plan import ProjectPlan, plan_project
from codeexec.kernels.process.steps.build import BuiltProgram
from codeexec.kernels.process.steps.guest import GuestPrograms
from codeexec.languages.projects.plan import ProjectStep


class ProjectPlace(Protocol):
    """Plans the builds of a session, and tells what they came to."""

    async def plan(self, options: ProgramOptions) -> ProjectPlan:
        """The errors of `plan_project`."""

    async def begin(self, plan: ProjectPlan) -> Callable[[], None]:
        """Wait for other builds in the same folder. The build ends by calling what is returned."""

    async def result(
        self, plan: ProjectPlan, step: ProjectStep, status: int, seconds: float, report: str
    ) -> StepResult:
        """See `ProjectPlan.result`."""

    async def program(self, plan: ProjectPlan, arguments: tuple[str, ...]) -> BuiltProgram:
        """The program that was built, ready to be run. NotFound, UsageError."""

    def close(self) -> None:
        """Nothing more is built. Can be repeated."""


class HostProjects:
    """This machine; it is a ProjectPlace. `environ` are the variables of the session."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ

    async def plan(self, options: ProgramOptions) -> ProjectPlan:
        return await asyncio.to_thread(plan_project, options, self._root, self._environ)

    async def begin(self, plan: ProjectPlan) -> Callable[[], None]:
        lock = await asyncio.to_thread(lock_folder, plan.folder, plan.environ)
        return lambda: os.close(lock)

    async def result(
        self, plan: ProjectPlan, step: ProjectStep, status: int, seconds: float, report: str
    ) -> StepResult:
        return await asyncio.to_thread(plan.result, step, status, seconds, report)

    async def program(self, plan: ProjectPlan, arguments: tuple[str, ...]) -> BuiltProgram:
        return await asyncio.to_thread(plan.program, arguments, self._environ)

    def close(self) -> None:
        pass  # what is built here stays


def project_place(
    environment: Environment, choice: KernelChoice, guests: Callable[[Environment], GuestPrograms]
) -> ProjectPlace:
    """Where the projects of a session are built; `guests` gives the programs of a container."""
    if isinstance(environment, LocalEnvironment):
        root = Path(environment.base_paths.workspace)
        return HostProjects(root, {**os.environ, **choice.env})
    from codeexec.kernels.process.projects.guest import GuestProjects  # not at each start

    return GuestProjects(guests(environment), choice.cwd)
