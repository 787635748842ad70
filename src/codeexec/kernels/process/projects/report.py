"""The steps of a project that was built, as events of the execution of its program."""

from __future__ import annotations

from dataclasses import dataclass

from codeexec.domain.programs import StepResult
from codeexec.environments.base import ProcessEnd
from codeexec.kernels.base import Finished, KernelEvent, StepDone, StreamWritten
from codeexec.kernels.process.crashes.report import CrashReport
from codeexec.kernels.process.projects.plan import failure_of
from codeexec.kernels.process.steps.build import BuiltProgram
from codeexec.kernels.process.steps.report import step_result


@dataclass(frozen=True, slots=True)
class BuiltProject:
    """What the steps came to; `report` is all that their tools wrote. `program` is what is run
    then."""

    program: BuiltProgram
    steps: tuple[StepResult, ...]
    report: str

    @property
    def is_failed(self) -> bool:
        return failure_of(self.steps[-1]) is not None

    def events(self, execution: str) -> list[KernelEvent]:
        """Of an execution that begins with this build, and ends with it where it has failed."""
        events: list[KernelEvent] = [StreamWritten(execution, "stderr", self.report)]
        events += [StepDone(execution, step) for step in self.steps]
        if (failure := failure_of(self.steps[-1])) is not None:
            events.append(Finished(execution, "error", failure))
        return events

    def run_result(
        self, code: int, seconds: float, errors: str, crash: CrashReport | None = None
    ) -> StepResult:
        """The step in which the program ran; `code` is negative for a signal."""
        return step_result(self.program, "run", ProcessEnd(code), seconds, errors, crash=crash)
