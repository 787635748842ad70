"""Builds a project for a session: its tools are commands of the session's environment."""

from __future__ import annotations

import codecs
import signal
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from codeexec.domain.options import ProgramOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.programs import StepResult
from codeexec.environments.base import Environment
from codeexec.kernels.base import ExecuteCall, KernelEvent, StepDone, StreamWritten
from codeexec.kernels.process.program import exit_error
from codeexec.kernels.process.projects.places import ProjectPlace
from codeexec.kernels.process.projects.plan import ProjectPlan, failure_of
from codeexec.kernels.process.steps.build import BuiltProgram, compiler_environ
from codeexec.kernels.process.steps.command_run import CommandRun
from codeexec.languages.projects.plan import ProjectStep


class ProjectEnd(NamedTuple):
    """`error` says why the build has failed; `program` is what is to be run now, if anything."""

    error: ErrorInfo | None
    program: BuiltProgram | None = None


class ProjectSessionBuild:
    """The steps of one execution, at a place in `environment`. `tell` takes its events."""

    def __init__(
        self,
        place: ProjectPlace,
        environment: Environment,
        call: ExecuteCall,
        tell: Callable[[KernelEvent], None],
    ) -> None:
        self._place = place
        self._environment = environment
        self._execution = call.execution
        self._options = call.options.program or ProgramOptions()
        self._tell = tell
        self._command: CommandRun | None = None
        self._is_ended = False

    async def run(self) -> ProjectEnd:
        """Carry out the plan, up to the first step that fails. The errors of `plan_project`, and
        EnvironmentUnavailable when a tool cannot be started."""
        try:
            plan = await self._place.plan(self._options)
            if plan.steps and (error := await self._build(plan)) is not None:
                return ProjectEnd(error)
            if self._options.steps not in ("build_and_run", "run"):
                return ProjectEnd(None)
            return ProjectEnd(None, await self._place.program(plan, self._options.arguments))
        finally:
            self._place.close()

    async def signal(self, number: int) -> None:
        """To the tool that runs; no other is started after it."""
        self._is_ended = True
        if self._command is not None:
            await self._command.signal(number)

    async def _build(self, plan: ProjectPlan) -> ErrorInfo | None:
        finish = await self._place.begin(plan)
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
            finish()

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
        return await self._place.result(plan, step, status, seconds, report)
