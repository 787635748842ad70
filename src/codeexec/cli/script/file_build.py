"""Builds one file on the command line, and prints what came of it: no option parser is needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli import messages as style
from codeexec.cli.script import steps

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.domain.diagnostics import Diagnostic
    from codeexec.domain.programs import StepResult
    from codeexec.kernels.process.steps.build import BuildResult, BuiltProgram
    from codeexec.languages.model import Language


def build_file(options: RunOptions, language: Language) -> int:
    """Returns the exit status. NotRun if the file or every tool is missing."""
    script = steps.find_program(options, language, "parsed" if options.as_json else None)
    result = steps.build_script(script, options)
    if options.as_json:
        _print_json(script.program, result)
    elif result.status:
        style.say(steps.failure_words(script.program, result), file=sys.stderr)
    elif os.path.exists(script.interpreter):  # noqa: PTH110
        style.say(script.interpreter)
    return exits.FAILED if result.status else exits.OK


def print_diagnostic(problem: Diagnostic) -> None:
    """One line of JSON."""
    from msgspec import to_builtins

    place = problem.place
    record = {
        "type": "diagnostic",
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "severity": problem.severity,
        "message": problem.message,
        "code": problem.code,
        "source": problem.source,
        "notes": to_builtins(problem.notes),
        "fixes": to_builtins(problem.fixes),
    }
    style.say_json(record)


def _print_json(program: BuiltProgram, result: BuildResult) -> None:
    from codeexec.kernels.process.steps.report import BuiltStep

    step = BuiltStep(program, result).result
    for problem in step.diagnostics:
        print_diagnostic(problem)
    path = program.plan.run[0]
    print_end([step], path if step.code == 0 and os.path.exists(path) else "")  # noqa: PTH110


def print_end(steps: Sequence[StepResult], program: str, *, folder: str = "") -> None:
    """The last line of JSON. `program` is the path of what was built, `folder` where."""
    last = steps[-1]
    record: dict[str, object] = {
        "type": "build_ended",
        "status": last.code,
        "program": program,
        "command": list(last.command),
        "seconds": round(sum(step.seconds for step in steps), 3),
        "is_reused": last.is_reused,
    }
    style.say_json({**record, "folder": folder} if folder else record)
