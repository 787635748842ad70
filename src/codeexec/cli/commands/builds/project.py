"""What `codeexec-tui build` does for a project: its targets, its steps and its tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from codeexec.cli import exit_codes as exits
from codeexec.cli import messages as style
from codeexec.cli.run_options import RunOptions
from codeexec.cli.script.file_build import print_diagnostic, print_end
from codeexec.cli.script.projects import build_steps, plan_target
from codeexec.domain.errors import CodeexecError
from codeexec.domain.places.backends import CONTAINERS
from codeexec.domain.programs import StepResult, TestResult
from codeexec.environments.trust.store import TrustStore
from codeexec.kernels.process.projects.plan import ProjectPlan, failure_of
from codeexec.kernels.process.projects.targets import list_targets
from codeexec.languages.projects.detect import require_project
from codeexec.languages.projects.scan import names_target, scan_project


def build_target(options: RunOptions, preset: str, *, is_test: bool) -> int:
    """Build a target, or run the tests; returns the exit status. NotRun, NotFound, UsageError."""
    folder, target = place_of(options.file)
    plan = plan_target(options, folder, target, preset, "test" if is_test else "build")
    results, _ = build_steps(plan, is_quiet=options.as_json)
    failure = failure_of(results[-1])
    path = "" if failure or is_test else _program_path(plan)
    if options.as_json:
        _print_json(plan, results, path)
    elif failure is not None:
        style.say(failure.value, file=sys.stderr)
    elif path:
        style.say(path)
    return exits.FAILED if failure is not None else exits.OK


def show_targets(options: RunOptions) -> int:
    """List the targets of the project, one a line."""
    folder, _ = place_of(options.file)
    project = require_project(Path(folder or "."))
    if options.backend == CONTAINERS:
        targets = scan_project(project).targets  # tools of this machine execute nothing then
    else:
        targets = list_targets(project, os.environ, TrustStore())
    for target in targets:
        if options.as_json:
            style.say_json({"type": "target", "name": target.name, "kind": target.kind})
        else:
            style.say(f"{target.name} (program)" if target.kind == "program" else target.name)
    return exits.OK


def place_of(name: str) -> tuple[str, str]:
    """The folder and a target in the project there."""
    if not name or names_target(name, Path()):
        return "", name
    if os.path.isdir(name):  # noqa: PTH112
        return name, ""
    if os.path.isfile(name):  # noqa: PTH113
        return os.path.dirname(name), ""  # noqa: PTH120
    return "", name


def _program_path(plan: ProjectPlan) -> str:
    try:
        return plan.program((), plan.environ).plan.run[0]
    except CodeexecError:
        return ""  # a library, or several programs


def _print_json(plan: ProjectPlan, results: list[StepResult], path: str) -> None:
    for step in results:
        for problem in step.diagnostics:
            print_diagnostic(problem)
        for test in step.tests:
            print_test(test)
    print_end(results, path, folder=str(plan.folder))


def print_test(test: TestResult) -> None:
    """One line of JSON."""
    style.say_json(
        {
            "type": "test",
            "name": test.name,
            "status": test.status,
            "seconds": test.seconds,
            "message": test.message,
            "output": test.output,
            "file": test.place.file,
            "line": test.place.line,
        }
    )
