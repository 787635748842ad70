"""The steps of a program as events: what was written, and the diagnostics found in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.plain_files import read_plain
from codeexec.domain.programs import StepName, StepResult, shell_status
from codeexec.environments.base import ProcessEnd
from codeexec.kernels.base import Finished, KernelEvent, StepDone, StreamWritten
from codeexec.kernels.process.crashes.report import CrashReport
from codeexec.kernels.process.program import MOST_ERRORS, signal_name
from codeexec.kernels.process.steps.build import BuildResult, BuiltProgram
from codeexec.languages.problems.read import find_problems

BUILD_FAILED = "BuildFailed"
"""Name of the error of an execution whose build failed."""


@dataclass(frozen=True, slots=True)
class BuiltStep:
    """A program and how its build ended."""

    program: BuiltProgram
    build: BuildResult

    @property
    def is_failed(self) -> bool:
        return self.build.status != 0

    def events(self, execution: str) -> list[KernelEvent]:
        """Of an execution that begins with this build, and ends with it where it has failed."""
        if not self.program.plan.build:
            return []
        events: list[KernelEvent] = []
        if self.build.report:
            report = self.build.report.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            events.append(StreamWritten(execution, "stderr", report))
        events.append(StepDone(execution, self.result))
        if self.build.status:
            error = build_error(self.program.plan.tool, self.build.status, self.build.report)
            events.append(Finished(execution, "error", error))
        return events

    @property
    def result(self) -> StepResult:
        program, build = self.program, self.build
        return step_result(
            program,
            "build",
            ProcessEnd(build.status, build.peak_memory, build.cpu_seconds),
            build.seconds,
            build.report,
            is_reused=build.is_reused,
        )

    def run_result(
        self, code: int, seconds: float, errors: str, crash: CrashReport | None = None
    ) -> StepResult:
        """The step in which the program ran; `code` is negative for a signal."""
        return step_result(self.program, "run", ProcessEnd(code), seconds, errors, crash=crash)


MOST_SARIF = 32 << 20
"""Bytes of SARIF that are read."""
DISK_FULL = re.compile(
    "No space left on device|Disk quota exceeded|File size limit exceeded|File too large"
)


def build_error(tool: str, status: int, report: str = "") -> ErrorInfo:
    """How a build ended that did not succeed; `report` is what the tool wrote."""
    how = f"was ended by {signal_name(-status)}" if status < 0 else f"ended with status {status}"
    message = f"{tool} {how}."
    if DISK_FULL.search(report[-MOST_ERRORS:]):
        message += (
            " The disk is full: make room, or set TMPDIR and XDG_CACHE_HOME to other folders."
        )
    return ErrorInfo(BUILD_FAILED, message)


def _sarif_of(program: BuiltProgram) -> bytes:
    """What the compiler has written beside its text; of another build than this it fits nothing."""
    if program.folder is None:
        return b""
    try:
        return read_plain(program.folder.sarif, MOST_SARIF)
    except OSError:
        return b""


def step_result(
    program: BuiltProgram,
    name: StepName,
    end: ProcessEnd,
    seconds: float,
    report: str,
    *,
    is_reused: bool = False,
    crash: CrashReport | None = None,
) -> StepResult:
    """`report` is what was written where a tool writes its diagnostics."""
    plan = program.plan
    sarif = _sarif_of(program) if name == "build" else b""
    cell = program.cell
    own = cell.path if cell is not None else ""
    problems = find_problems(program.language, report, str(program.cwd), plan.tool, sarif, own=own)
    if name == "run" and end.code == 0:
        problems = ()  # words like those of an error, from a program that succeeded
    if crash is not None and crash.diagnostic is not None:
        problems = (crash.diagnostic, *problems)
    if cell is not None:
        problems = cell.located(problems)
    return StepResult(
        name,
        plan.build if name == "build" else plan.run,
        shell_status(end.code),
        signal_name(-end.code) if end.code < 0 else "",
        round(seconds, 3),
        end.peak_memory,
        end.cpu_seconds,
        is_reused,
        problems,
        renewed=cell.renewed if cell is not None and name == "build" else None,
    )
