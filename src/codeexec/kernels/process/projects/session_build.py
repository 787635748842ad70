"""Builds a project for a session: its tools are commands of the session's environment."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from codeexec.domain.errors import UsageError
from codeexec.domain.options import ProgramOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.programs import StepResult
from codeexec.environments.base import Environment
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.base import ExecuteCall, KernelChoice, KernelEvent, StepDone, StreamWritten
from codeexec.kernels.process.program import exit_error
from codeexec.kernels.process.projects.folders import lock_folder
from codeexec.kernels.process.projects.plan import ProjectPlan, failure_of, plan_project
from codeexec.kernels.process.steps.build import BuiltProgram, compiler_environ
from codeexec.kernels.process.steps.command_run import CommandRun
from codeexec.languages.projects.plan import ProjectStep


class ProjectEnd(NamedTuple):
    """`error` says why the build has failed; `program` is what is to be run now, if anything."""

    error: ErrorInfo | None
    program: BuiltProgram | None = None


class ProjectSessionBuild:
    """The steps of one execution. `tell` takes its events."""

    def __init__(
        self,
        environment: Environment,
        choice: KernelChoice,
        call: ExecuteCall,
        tell: Callable[[KernelEvent], None],
    ) -> None:
        self._environment = environment
        self._choice = choice
        self._execution = call.execution
        self._options = call.options.program or ProgramOptions()
        self._tell = tell
        self._command: CommandRun | None = None
        self._is_ended = False

    async def run(self) -> ProjectEnd:
        """Carry out the plan, up to the first step that fails. The errors of `plan_project`, and
        EnvironmentUnavailable when a tool cannot be started."""
        if not isinstance(self._environment, LocalEnvironment):
            raise UsageError(
                "Projects are not built in a container by this version.",
                "Build it by a shell: !make in a cell, or the terminal.",
            )
        environ = {**os.environ, **self._choice.env}
        root = Path(self._environment.base_paths.workspace)
        plan = await asyncio.to_thread(plan_project, self._options, root, environ)
        if plan.steps and (error := await self._build(plan)) is not None:
            return ProjectEnd(error)
        if self._options.steps not in ("build_and_run", "run"):
            return ProjectEnd(None)
        program = await asyncio.to_thread(plan.program, self._options.arguments, environ)
        return ProjectEnd(None, program)

    async def signal(self, number: int) -> None:
        """To the tool that runs; no other is started after it."""
        self._is_ended = True
        if self._command is not None:
            await self._command.signal(number)

    async def _build(self, plan: ProjectPlan) -> ErrorInfo | None:
        lock = await asyncio.to_thread(lock_folder, plan.folder, plan.environ)
        try:
            self._tell(StreamWritten(self._execution, "stderr", plan.heading))
            for step in plan.steps:
                if self._is_ended:
                    return exit_error(-signal.SIGINT)
                result = await self._run_step(plan, step)
                self._tell(StepDone(self._execution, result))
                if (failure := failure_of(result)) is not None:
                    return exit_error(-signal.SIGINT) if self._is_ended else failure
            return None
        finally:
            os.close(lock)

    async def _run_step(self, plan: ProjectPlan, step: ProjectStep) -> StepResult:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        stream: Literal["stdout", "stderr"] = "stdout" if step.name == "test" else "stderr"

        def write(data: bytes) -> None:
            if text := decoder.decode(data):
                self._tell(StreamWritten(self._execution, stream, text))

        command = self._command = CommandRun(self._environment, write)
        began = time.monotonic()
        status = await command.run(step.command, compiler_environ(plan.environ))
        self._command = None
        report = bytes(command.report).decode("utf-8", "surrogateescape")
        seconds = time.monotonic() - began
        return await asyncio.to_thread(plan.result, step, status, seconds, report)
