"""The plan of a project's build: its folder, its steps, and what each of them came to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from codeexec.domain.errors import NotFound
from codeexec.domain.options import ProgramOptions, ProjectOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.programs import StepResult, TestResult, shell_status
from codeexec.hostfiles.programs import which
from codeexec.kernels.process.program import signal_name
from codeexec.kernels.process.projects.folders import build_folder, prepare_folder
from codeexec.kernels.process.steps.build import BuiltProgram
from codeexec.kernels.process.steps.report import build_error
from codeexec.kernels.process.steps.tools import ToolMissing
from codeexec.languages.plan import Plan
from codeexec.languages.projects.built import find_program
from codeexec.languages.projects.detect import TITLES, Project, require_project
from codeexec.languages.projects.plan import (
    INSTALL,
    BuildChoice,
    FindTool,
    ProjectStep,
    build_steps,
    check_choice,
    compiler_variable,
    configure_steps,
    junit_file,
    step_environ,
    testing_steps,
)
from codeexec.languages.projects.reports import PROJECT, find_project_problems, is_consequence
from codeexec.languages.projects.results import (
    problems_of_output,
    problems_of_tests,
    read_test_lines,
    read_test_results,
)

TESTS_FAILED = "TestsFailed"
"""Name of the error of an execution whose tests failed."""
MOST_NAMES = 5
"""Failed tests that an error names."""


class ProjectPlan(NamedTuple):
    """The steps of a project, built in `folder` with the variables `environ`. `metadata` has what
    the build system wrote about its targets and tests: the folder itself, or a copy of what is in
    a container."""

    project: Project
    folder: Path
    target: str
    steps: tuple[ProjectStep, ...]
    environ: Mapping[str, str]
    metadata: Path

    @property
    def heading(self) -> str:
        """Says what is built and where, before the output of the tools."""
        return f"{self.project.title}, built in {self.folder}\n"

    def command(self, step: ProjectStep) -> BuiltProgram:
        """A step as a program that is built and not run."""
        tool = Path(step.command[0]).name
        plan = Plan(step.command, step.command, tool)
        return BuiltProgram(PROJECT, plan, self.project.folder, self.environ, None)

    def find_program(self) -> Path:
        """Where the target's program is when it was built. NotFound, UsageError."""
        path = find_program(self.project, self.metadata, self.target)
        if self.metadata != self.folder and path.is_relative_to(self.metadata):
            return self.folder / path.relative_to(self.metadata)
        return path

    def program(self, arguments: tuple[str, ...], environ: Mapping[str, str]) -> BuiltProgram:
        """The program that was built on this machine, ready to be run. NotFound, UsageError."""
        path = self.find_program()
        if not os.access(path, os.X_OK):
            raise not_built(path)
        return self.program_at(path, arguments, environ)

    def program_at(
        self, path: Path, arguments: tuple[str, ...], environ: Mapping[str, str]
    ) -> BuiltProgram:
        """A program that was built, ready to be run."""
        plan = Plan((), (str(path), *arguments), path.name)
        return BuiltProgram(PROJECT, plan, self.project.folder, environ, None)

    def result(self, step: ProjectStep, status: int, seconds: float, report: str) -> StepResult:
        """What a step came to. `status` is negative for a signal; `report` is all that it wrote."""
        tool = Path(step.command[0]).name
        problems = find_project_problems(report, self.project.folder, self.folder, tool)
        tests: tuple[TestResult, ...] = ()
        if step.name == "test":
            results = junit_file(self.project, self.metadata)
            if results is None:
                if status and all(map(is_consequence, problems)):
                    named = problems_of_output(report, self.project, self.folder, tool)
                    problems = named or problems
                tests = read_test_lines(report)
            else:
                tests = read_test_results(results, self.project, self.folder)
                problems = problems_of_tests(tests, self.project, self.folder, tool)
        return StepResult(
            step.name,
            step.command,
            shell_status(status),
            signal_name(-status) if status < 0 else "",
            round(seconds, 3),
            diagnostics=problems,
            tests=tests,
        )


def find_request(options: ProgramOptions, cwd: Path) -> tuple[Project, BuildChoice]:
    """The project that is meant, and what was chosen for it. NotFound where there is no project,
    UsageError for what its build system does not have."""
    request = options.project or ProjectOptions()
    place = cwd / request.folder
    project = require_project(place)
    choice = BuildChoice(
        request.target,
        request.preset,
        options.profile,
        options.compiler,
        options.flags,
        options.standard,
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        request.tests,
    )
    check_choice(project, choice)
    return project, choice


def plan_project(options: ProgramOptions, cwd: Path, environ: Mapping[str, str]) -> ProjectPlan:
    """Find the project, its tools and its build folder on this machine. The errors of
    `find_request`; ToolMissing, StorageError."""
    project, choice = find_request(options, cwd)
    environ = step_environ(environ)
    if choice.compiler:
        if which(choice.compiler, environ) is None:
            raise compiler_missing(choice.compiler)
        if project.system == "meson":
            environ[compiler_variable(choice.compiler)] = choice.compiler
    folder = build_folder(project, choice, environ)
    plan = ProjectPlan(project, folder, choice.target, (), environ, folder)
    if options.steps == "run":
        return plan
    prepare_folder(project, folder, environ, is_fresh=options.rebuild)
    has_ninja = which("ninja", environ) is not None and "CMAKE_GENERATOR" not in environ
    find_tool = _tool_finder(project, environ)
    is_test = options.steps == "test"
    steps = plan_steps(plan, choice, find_tool, is_test=is_test, has_ninja=has_ninja)
    if is_test and (results := junit_file(project, folder)) is not None:
        results.unlink(missing_ok=True)  # those of the last run
    return plan._replace(steps=steps)


def plan_steps(
    plan: ProjectPlan, choice: BuildChoice, find_tool: FindTool, *, is_test: bool, has_ninja: bool
) -> tuple[ProjectStep, ...]:
    """The steps that build the target, or everything and run the tests. ToolMissing, UsageError."""
    project, folder = plan.project, plan.folder
    steps = configure_steps(
        project, folder, choice, find_tool, has_ninja=has_ninja, metadata=plan.metadata
    )
    if is_test:
        # All of it: a runner of tests needs the programs of each.
        steps += build_steps(project, folder, choice._replace(target=""), find_tool)
        steps += testing_steps(project, folder, choice, find_tool)
    else:
        steps += build_steps(project, folder, choice, find_tool)
    return tuple(steps)


def failure_of(step: StepResult) -> ErrorInfo | None:
    """The error of an execution that ends with this step; None where the step succeeded."""
    if step.code == 0:
        return None
    failed = [test.name for test in step.tests if test.status == "failed"]
    if step.name == "test" and failed:
        names = ", ".join(failed[:MOST_NAMES]) + (", …" if len(failed) > MOST_NAMES else "")
        return ErrorInfo(TESTS_FAILED, f"{len(failed)} of {len(step.tests)} tests failed: {names}.")
    tool = Path(step.command[0]).name
    if step.name == "test" and not step.signal:
        return ErrorInfo(TESTS_FAILED, f"{tool} ended with status {step.code}.")
    return build_error(tool, 128 - step.code if step.signal else step.code)


def not_built(path: Path) -> NotFound:
    return NotFound(f"{path.name} was not built yet.", "Build it first.")


def compiler_missing(compiler: str) -> ToolMissing:
    return ToolMissing(f"{compiler} is not installed.", "Install it, or name another compiler.")


def build_tool_missing(project: Project, name: str, how: str = "Install it: ") -> ToolMissing:
    """A project needs `name`, which is not there; `how` begins the next step."""
    title = TITLES[project.system]
    return ToolMissing(
        f"A {title} project needs {name}, which is not installed.",
        f"{how}{INSTALL[name]}" if name in INSTALL else "Install CMake anew.",
    )


def _tool_finder(project: Project, environ: Mapping[str, str]) -> FindTool:
    def find_tool(name: str) -> str:
        path = which("cmake" if name == "ctest" else name, environ)
        if path is not None and name == "ctest":
            beside = Path(path).with_name(name)
            path = str(beside) if beside.is_file() else which(name, environ)
        if path is None:
            raise build_tool_missing(project, name)
        return path

    return find_tool
