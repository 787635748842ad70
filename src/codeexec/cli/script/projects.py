"""Projects on the command line: a target is built by its build system, then started."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli.script.build_words import built_by
from codeexec.cli.script.prepared import NotRun, own_environment
from codeexec.cli.script.steps import BuiltScript, ending_by_signals, write_error
from codeexec.domain.errors import CodeexecError
from codeexec.domain.options import ProgramOptions, ProgramSteps, ProjectOptions
from codeexec.domain.programs import StepResult
from codeexec.kernels.process.projects.build import build_project
from codeexec.kernels.process.projects.plan import ProjectPlan, failure_of, plan_project
from codeexec.kernels.process.projects.report import BuiltProject
from codeexec.kernels.process.steps.tools import ToolMissing

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.kernels.process.kernel import BuildRecord


class ProjectScript(BuiltScript):
    """The program of a target, or the tool that failed to build it."""

    __slots__ = ("_built",)

    def __init__(self, built: BuiltProject, cwd: str, remarks: tuple[str, ...]) -> None:
        super().__init__(built.program, cwd, remarks)
        self._built = built

    @property
    def built(self) -> BuildRecord:
        return self._built


def plan_target(
    options: RunOptions, folder: str, target: str, preset: str, steps: ProgramSteps
) -> ProjectPlan:
    """The plan to build a target, or to run the tests. NotRun where a tool is missing; NotFound,
    UsageError, StorageError."""
    cwd = Path(options.cwd or ".").absolute()
    program = ProgramOptions(steps=steps, project=ProjectOptions(folder, target, preset))
    request = built_by(options, program)
    try:
        return plan_project(request, cwd, {**own_environment(), **options.env})
    except ToolMissing as error:
        raise NotRun(exits.NOT_FOUND, error.message, error.next_step) from error


def build_steps(plan: ProjectPlan, *, is_quiet: bool) -> tuple[list[StepResult], bytes]:
    """Carry out the plan. What the tools write goes to stderr unless `is_quiet`, and is
    returned."""
    report = bytearray()

    def write(data: bytes) -> None:
        report.extend(data)
        if not is_quiet:
            write_error(data)

    with ending_by_signals():
        return build_project(plan, write), bytes(report)


def ready_project(options: RunOptions) -> ProjectScript:
    """Build the target that is to be run. Its report is shown as it comes on a terminal, and
    elsewhere if there is something in it. NotRun where the build fails, unless it is recorded."""
    plan = plan_target(options, "", options.file, "", "build")
    is_recorded = options.as_json or options.save is not None
    is_live = not is_recorded and sys.stderr.isatty()
    results, report = build_steps(plan, is_quiet=not is_live)
    failure = failure_of(results[-1])
    if not is_recorded and not is_live and (failure or any(r.diagnostics for r in results)):
        write_error(report)
    cwd = str(Path(options.cwd or ".").absolute())
    text = report.decode("utf-8", "replace")
    if failure is not None:
        if not is_recorded:
            raise NotRun(exits.FAILED, f"{failure.value} Nothing was run.")
        failed = plan.command(plan.steps[len(results) - 1])
        return ProjectScript(BuiltProject(failed, tuple(results), text), cwd, options.remarks)
    try:
        program = plan.program(options.arguments, plan.environ)
    except CodeexecError as error:
        raise NotRun(exits.NOT_FOUND, error.message, error.next_step) from error
    return ProjectScript(BuiltProject(program, tuple(results), text), cwd, options.remarks)
