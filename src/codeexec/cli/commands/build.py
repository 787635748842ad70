"""`codeexec-tui build`: builds a program without running it, and prints its diagnostics."""

from __future__ import annotations

import os
import sys

import click

from codeexec.cli import exit_codes as exits
from codeexec.cli import messages as style
from codeexec.cli.options import COMPILER, FLAGS, NO_CACHE, PROFILE
from codeexec.cli.run_options import RunOptions
from codeexec.cli.script import steps
from codeexec.cli.script.launch import NotRun
from codeexec.domain.errors import UsageError
from codeexec.kernels.process.steps.build import BuildResult, Program


@click.command()
@click.argument("file", type=click.Path())
@PROFILE
@COMPILER
@FLAGS
@NO_CACHE
@click.option("--json", "as_json", is_flag=True, help="Print one diagnostic per line, as JSON.")
def build(
    file: str,
    profile: str,
    compiler: str,
    flags: tuple[str, ...],
    no_cache: bool,
    as_json: bool,
) -> int:
    """Build FILE as `codeexec-tui run` does, without running it.

    The compiler's report goes to stderr, the path of the program to stdout. With --json, stdout
    has one object for each diagnostic (file, line, column, end_line, end_column, severity,
    message, code, fixes) and a last one with the status and the path of the program. The exit
    status is 0, or 1 if the build failed.
    """
    options = RunOptions(
        file, as_json=as_json, profile=profile, compiler=compiler, flags=flags, no_cache=no_cache
    )
    language = steps.language_of_file(file)
    try:
        if language is None or not language.build:
            name = os.path.basename(file)  # noqa: PTH119
            raise UsageError(f"{name} is no file that is built.", "Run it: codeexec-tui run FILE")
        script = steps.find_program(options, language, "parsed" if as_json else None)
    except NotRun as error:
        style.show_error(error, as_json)
        return error.status
    result = steps.build_script(script, options)
    if as_json:
        _print_json(script.program, result)
    elif result.status:
        style.say(steps.failure_words(script.program, result), file=sys.stderr)
    else:
        style.say(script.interpreter)
    return exits.FAILED if result.status else exits.OK


def _print_json(program: Program, result: BuildResult) -> None:
    from msgspec import to_builtins

    from codeexec.kernels.process.steps.report import BuiltStep

    step = BuiltStep(program, result).result
    for problem in step.diagnostics:
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
    path = program.plan.run[0] if step.code == 0 else ""
    style.say_json(
        {
            "type": "build_ended",
            "status": step.code,
            "program": path,
            "command": list(step.command),
            "seconds": step.seconds,
            "is_reused": step.is_reused,
        }
    )
