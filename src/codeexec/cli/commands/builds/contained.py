"""What `codeexec-tui build --docker` does: a build in a container, and its report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli import messages as style
from codeexec.cli.commands.builds.project import place_of, print_test
from codeexec.cli.run.contained_build import ContainedResult, run_contained
from codeexec.cli.run_options import RunOptions
from codeexec.cli.script.build_words import built_by
from codeexec.cli.script.file_build import print_diagnostic, print_end
from codeexec.domain.errors import CodeexecError
from codeexec.domain.options import PROGRAMS, PROJECT_KERNEL, ProgramOptions, ProjectOptions
from codeexec.languages.projects.built import find_program
from codeexec.languages.projects.detect import Project, require_project

if TYPE_CHECKING:
    from codeexec.languages.model import Language

_STATUSES = {"Not installed": exits.NOT_FOUND, "Signal": exits.INTERRUPTED}


def build_contained(
    options: RunOptions, language: Language | None, preset: str, *, is_test: bool
) -> int:
    """Build a file of `language`, or without one a target of a project, and with `is_test` run its
    tests; returns the exit status. NotFound."""
    if language is None:
        return _build_target(options, preset, is_test=is_test)
    path = Path(os.path.abspath(Path(options.file).expanduser()))  # noqa: PTH100 (links stay)
    folder = Path.cwd()
    if not path.is_relative_to(folder):  # the container would not see it
        folder = path.parent
        remark = f"The container works in {folder}, where {path.name} is."
        options = options._replace(remarks=(*options.remarks, remark))
    request = ProgramOptions(str(path.relative_to(folder)), steps="build")
    program = built_by(options, request, language)
    return _report(options, run_contained(options, folder, f"{PROGRAMS}:{language.name}", program))


def _build_target(options: RunOptions, preset: str, *, is_test: bool) -> int:
    name, target = place_of(options.file)
    project = require_project(Path(name or ".").absolute())
    request = ProjectOptions(str(project.folder), target, preset)
    program = ProgramOptions(steps="test" if is_test else "build", project=request)
    if project.folder != Path.cwd():
        remark = f"The container works in {project.folder}, the folder of the project."
        options = options._replace(remarks=(*options.remarks, remark))
    result = run_contained(options, project.folder, PROJECT_KERNEL, built_by(options, program))
    path = "" if is_test else _path_of_program(project, target)
    return _report(options, result, path)


def _path_of_program(project: Project, target: str) -> str:
    """Where the program is that was built in the project's folder; empty for one that is not."""
    if project.system not in ("make", "ninja"):
        return ""
    try:
        return str(find_program(project, project.folder, target))
    except CodeexecError:
        return ""  # the target makes none, or there are several


def _report(options: RunOptions, result: ContainedResult, path: str = "") -> int:
    """Print what the build came to; returns the exit status. `path` is that of the program, where
    it outlives the container."""
    status = _status(result)
    end = result.end
    if options.as_json:
        for step in result.steps:
            for problem in step.diagnostics:
                print_diagnostic(problem)
            for test in step.tests:
                print_test(test)
        if result.steps:
            print_end(result.steps, "" if status else path)
    words = "" if end is None or end.error is None else end.error.value
    if end is not None and end.status not in ("ok", "error"):
        words = end.reason
    if words and not (options.as_json and result.steps):
        _say_failure(options, words)
    elif not status and not options.as_json and path:
        style.say(path)
    elif not status and not options.as_json:
        style.say(
            "Built in a container, which has ended; `run --docker` builds and runs.",
            file=sys.stderr,
        )
    return status


def _say_failure(options: RunOptions, words: str) -> None:
    if options.as_json:
        style.say_json({"type": "failed", "message": words}, file=sys.stderr)
    else:
        style.say(words, file=sys.stderr)


def _status(result: ContainedResult) -> int:
    end = result.end
    if end is None:
        return result.status
    if end.status == "ok":
        return exits.OK
    if end.status != "error" or end.error is None:
        return exits.KERNEL
    return _STATUSES.get(end.error.name, exits.FAILED)
