"""Finds the interpreter of a script and starts it, before other modules are imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli.script.prepared import (
    NotRun,
    Script,
    check_file,
    first_line_of,
    own_environment,
)
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.environments.trust.store import trust_step
from codeexec.kernels.find import THIS, Found, candidates, find_python
from codeexec.kernels.process.spawn import INHERIT, PIPE, PREFIX, PTY, SAME

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.languages.model import Language

STDIN = "-"

Record = Callable[[Script, "RunOptions"], int]
"""Runs a script in a session of its own and returns the exit status."""


def runs_as_program(options: RunOptions) -> bool:
    """Whether the file is a script that runs as a process: no container, not cell by cell."""
    is_script = options.file == STDIN or not options.file.lower().endswith(".ipynb")
    if not is_script or options.cells or options.parameters or options.backend != "local":
        return False
    if options.server is not None:
        return False
    if is_target(options):
        return True
    # Other languages are programs too, unless they are to run on a kernel of theirs; what is no
    # program is rejected by `load_program`.
    return not _is_other_language(options.file) or foreign_language(options) is not None


def is_target(options: RunOptions) -> bool:
    """Whether the name is that of a project's target; most files are known not to be one."""
    file = options.file
    if options.kernel or file == STDIN or os.path.splitext(file)[1]:  # noqa: PTH122
        return False
    if os.path.isfile(file) and first_line_of(file)[:4] != "\x7fELF":  # noqa: PTH113
        return False
    from codeexec.languages.projects.scan import names_target

    return names_target(file, options.cwd or Path())


def foreign_language(options: RunOptions) -> Language | None:
    """The language of a program that is built and run by its tools; None for Python, and for what
    needs a kernel. UsageError for a header."""
    if options.kernel or not _is_other_language(options.file):
        return None
    from codeexec.cli.script.steps import language_of_file

    return language_of_file(options.file)


def _is_other_language(file: str) -> bool:
    suffix = os.path.splitext(file)[1].lower()  # noqa: PTH122
    if file == STDIN or suffix in (".py", ".pyw"):
        return False
    from codeexec.languages.running import refusal

    first = "" if suffix else first_line_of(file)
    name = os.path.basename(file)  # noqa: PTH119
    return refusal(name, first, "python") is not None


def find_script(options: RunOptions) -> Script | None:
    """The script and its interpreter. None if `--kernel` names a kernel other than Python.
    NotRun if the file or the interpreter does not exist."""
    is_stdin = options.file == STDIN
    if not is_stdin:
        check_file(options.file)
    cwd = os.path.abspath(options.cwd or ".")  # noqa: PTH100
    file = "" if is_stdin else os.path.abspath(options.file)  # noqa: PTH100
    env = dict(options.env)
    python = find_python(cwd, file, options.kernel, {**os.environ, **env}, options.trust)
    remarks = options.remarks
    if python is None:
        from codeexec.kernels.jupyter.discover import find_specs

        spec = find_specs().get(options.kernel.lower())
        if spec is None:
            raise NotRun(
                exits.NOT_FOUND,
                f"{options.kernel} is neither a Python nor an installed kernel.",
                "`codeexec-tui kernels` lists kernels that can be used.",
            )
        if not spec.python:
            return None
        env = {**spec.env, **env}
        python = find_python(cwd, file, spec.python, env, options.trust)
        if python is None:
            return None
    elif not options.kernel:
        best = next(candidates(cwd, file, {**os.environ, **env}, options.trust))
        if best.untrusted:
            remark = f"{not_used(best)} The script runs with {python.interpreter}."
            remarks = (*remarks, f"{remark} {trust_step(best.untrusted)}")
    if python.untrusted:
        raise NotRun(exits.CANNOT_EXECUTE, not_used(python), trust_step(python.untrusted))
    whole = {**_environment(python), **env}
    script_name = STDIN if is_stdin else (file if options.cwd else options.file)
    arguments = (script_name, *options.arguments)
    return Script(python.interpreter, arguments, cwd, whole, has_stdin=is_stdin, remarks=remarks)


def _environment(python: Found) -> dict[str, str]:
    """Our environment variables, and those that activating the interpreter's environment sets.

    The interpreter of this process is not activated: the user did not choose it, and
    `python script.py` would not activate it.
    """
    from codeexec.kernels.jupyter.launch import DROPPED_ENV, python_env

    env = own_environment()
    if python.source == THIS:
        return env
    env = {name: value for name, value in env.items() if name not in DROPPED_ENV}
    return {**env, **python_env(python.interpreter)}


def not_used(python: Found) -> str:
    return f"{python.interpreter} is not used: {python.untrusted} is not trusted."


def plan_streams(*, is_recorded: bool) -> tuple[str, str]:
    """How stdout and stderr of the program are created. `is_recorded`: both, separately.

    Otherwise the program inherits streams that are not terminals and writes to them directly.
    If both are the same terminal, the program gets one pseudo-terminal, which keeps their order.
    """
    out, err = sys.stdout.isatty(), sys.stderr.isatty()
    if is_recorded:
        return PTY if out else PIPE, PTY if err else PIPE
    if not out:
        return INHERIT, PTY if err else INHERIT
    if not err:
        return PTY, INHERIT
    return PTY, SAME if os.fstat(1).st_rdev == os.fstat(2).st_rdev else PTY


def _ready_script(options: RunOptions) -> Script | None:
    """See `find_script`; a program of another language is built as well, unless its build is to be
    recorded. NotRun where that fails."""
    if is_target(options):
        from codeexec.cli.script.projects import ready_project

        return ready_project(options)
    language = foreign_language(options)
    if language is None:
        return find_script(options)
    from codeexec.cli.script import steps

    is_recorded = options.as_json or options.save is not None
    script = steps.find_program(options, language, "parsed" if is_recorded else None)
    build = steps.build_script(script, options)
    if not is_recorded:
        steps.require_built(script, build)
    return script


def run_script(options: RunOptions, record: Record | None = None) -> int | None:
    """Run the script as a program; returns its exit status, or a status of `exit_codes`.

    `record` runs it in a session where the options have `--json` or `--save`. Returns None if
    the file needs a kernel after all.
    """
    try:
        script = _ready_script(options)
        if script is None:
            return None
        if script.remarks and not options.as_json:
            from codeexec.cli.messages import paint, say, wants_color

            for remark in script.remarks:
                say(paint(remark, "dim", wants_color(sys.stderr, options.color)), file=sys.stderr)
        if record is not None and (options.as_json or options.save is not None):
            return record(script, options)
        out, err = plan_streams(is_recorded=False)
        spawned = script.start(out, err)
        # Modules from here on are imported while the program starts.
        from codeexec.cli.streams.signals import SignalPipe
        from codeexec.environments.temporary import sweep

        signals = SignalPipe()
        sweep(PREFIX)
        if options.timeout is None and options.artifacts is None:
            from codeexec.cli.script.short import wait_short

            status = wait_short(spawned, signals.fd)
            if status is not None:
                return status
        from codeexec.cli.script.terminal import follow

        return follow(spawned, signals, options)
    except NotRun as error:
        from codeexec.cli.messages import show_error

        show_error(error, options.as_json)
        return error.status
    except UsageError:
        raise  # exit code 2
    except CodeexecError as error:
        from codeexec.cli.messages import show_error

        show_error(error, options.as_json)
        return exits.OWN_FAILURE
