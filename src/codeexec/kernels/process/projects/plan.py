"""The plan of a project's build: its folder, its steps, and what each of them came to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from codeexec.domain.errors import NotFound
from codeexec.domain.options import ProgramOptions, ProjectOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.programs import StepResult, TestResult
from codeexec.hostfiles.programs import which
from codeexec.kernels.process.program import signal_name
from codeexec.kernels.process.projects.folders import build_folder, prepare_folder
from codeexec.kernels.process.steps.build import BuiltProgram
from codeexec.kernels.process.steps.report import build_error
from codeexec.kernels.process.steps.tools import ToolMissing
from codeexec.languages.plan import Plan
from codeexec.languages.projects.built import find_program
from codeexec.languages.projects.detect import TITLES, Project, find_project
from codeexec.languages.projects.plan import (
    INSTALL,
    BuildChoice,
    ProjectStep,
    build_steps,
    check_choice,
    compiler_language,
    configure_steps,
    junit_file,
    step_environ,
    testing_steps,
)
from codeexec.languages.projects.reports import PROJECT, find_project_problems, is_consequence
from codeexec.languages.projects.results import (
    problems_of_output,
    problems_of_tests,
    read_test_results,
)

TESTS_FAILED = "TestsFailed"
"""Name of the error of an execution whose tests failed."""
MOST_NAMES = 5
"""Failed tests that an error names."""


class ProjectPlan(NamedTuple):
    """The steps of a project, built in `folder` with the variables `environ`."""

    project: Project
    folder: Path
    target: str
    steps: tuple[ProjectStep, ...]
    environ: Mapping[str, str]

    @property
    def heading(self) -> str:
        """Says what is built and where, before the output of the tools."""
        return f"{self.project.title}, built in {self.folder}\n"

    def command(self, step: ProjectStep) -> BuiltProgram:
        """A step as a program that is built and not run."""
        tool = Path(step.command[0]).name
        plan = Plan(step.command, step.command, tool)
        return BuiltProgram(PROJECT, plan, self.project.folder, self.environ, None)

    def program(self, arguments: tuple[str, ...], environ: Mapping[str, str]) -> BuiltProgram:
        """The program that was built, ready to be run. NotFound, UsageError."""
        path = find_program(self.project, self.folder, self.target)
        if not os.access(path, os.X_OK):
            raise NotFound(f"{path.name} was not built yet.", "Build it first.")
        plan = Plan((), (str(path), *arguments), path.name)
        return BuiltProgram(PROJECT, plan, self.project.folder, environ, None)

    def result(self, step: ProjectStep, status: int, seconds: float, report: str) -> StepResult:
        """What a step came to. `status` is negative for a signal; `report` is all that it wrote."""
        tool = Path(step.command[0]).name
        problems = find_project_problems(report, self.project.folder, self.folder, tool)
        tests: tuple[TestResult, ...] = ()
        if step.name == "test":
            results = junit_file(self.project, self.folder)
            if results is None:
                if status and all(map(is_consequence, problems)):
                    named = problems_of_output(report, self.project, self.folder, tool)
                    problems = named or problems
            else:
                tests = read_test_results(results, self.project, self.folder)
                problems = problems_of_tests(tests, self.project, self.folder, tool)
        return StepResult(
            step.name,
            step.command,
            status if status >= 0 else 128 - status,
            signal_name(-status) if status < 0 else "",
            round(seconds, 3),
            diagnostics=problems,
            tests=tests,
        )


def plan_project(options: ProgramOptions, cwd: Path, environ: Mapping[str, str]) -> ProjectPlan:
    """Find the project, its tools and its build folder. NotFound where there is no project,
    UsageError for what its build system does not have, ToolMissing, StorageError."""
    request = options.project or ProjectOptions()
    place = cwd / request.folder
    project = find_project(place)
    if project is None:
        raise NotFound(
            f"There is no project in {place}, nor above it.",
            "A project has a CMakeLists.txt, meson.build, build.ninja or Makefile.",
        )
    choice = BuildChoice(
        request.target,
        request.preset,
        options.profile,
        options.compiler,
        options.flags,
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )
    check_choice(project, choice)
    environ = step_environ(environ)
    if choice.compiler:
        _check_compiler(choice.compiler, environ)
        if project.system == "meson":
            variable = "CXX" if compiler_language(choice.compiler) == "CXX" else "CC"
            environ[variable] = choice.compiler
    folder = build_folder(project, choice, environ)
    plan = ProjectPlan(project, folder, choice.target, (), environ)
    if options.steps == "run":
        return plan
    prepare_folder(project, folder, environ, is_fresh=options.rebuild)
    find_tool = _tool_finder(project, environ)
    has_ninja = which("ninja", environ) is not None and "CMAKE_GENERATOR" not in environ
    steps = configure_steps(project, folder, choice, find_tool, has_ninja=has_ninja)
    if options.steps == "test":
        # All of it: a runner of tests needs the programs of each.
        steps += build_steps(project, folder, choice._replace(target=""), find_tool)
        steps += testing_steps(project, folder, choice, find_tool)
        if (results := junit_file(project, folder)) is not None:
            results.unlink(missing_ok=True)  # those of the last run
    else:
        steps += build_steps(project, folder, choice, find_tool)
    return plan._replace(steps=tuple(steps))


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


def _check_compiler(compiler: str, environ: Mapping[str, str]) -> None:
    if which(compiler, environ) is None:
        raise ToolMissing(f"{compiler} is not installed.", "Install it, or name another compiler.")


def _tool_finder(project: Project, environ: Mapping[str, str]) -> Callable[[str], str]:
    def find_tool(name: str) -> str:
        if (path := which(name, environ)) is not None:
            return path
        title = TITLES[project.system]
        how = f"Install it: {INSTALL[name]}" if name in INSTALL else "Install CMake anew."
        raise ToolMissing(f"A {title} project needs {name}, which is not installed.", how)

    return find_tool
