"""Loads a program and runs it in an event loop of its own; maps the end to an exit status."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli.failed_output import leave_quietly
from codeexec.cli.messages import say
from codeexec.cli.run.runner import HeadlessRun
from codeexec.cli.run.source import (
    LoadedProgram,
    language_of_kernel,
    load_other,
    load_program,
    load_target,
)
from codeexec.cli.run_options import RunOptions
from codeexec.domain import errors
from codeexec.domain.places.backends import CONTAINERS

if TYPE_CHECKING:
    from codeexec.kernels.early import EarlyKernel
    from codeexec.kernels.process.kernel import ProgramBackend


def run_program(options: RunOptions, early: EarlyKernel | None = None) -> int:
    """Load and run the file of the options; returns the exit code.

    `early` is a kernel that boots already, used if it fits. Raises CodeexecError if the run
    cannot begin.
    """
    return run_loaded(options, _load(options), early=early)


def _load(options: RunOptions) -> LoadedProgram:
    is_contained = options.backend == CONTAINERS and not (options.cells or options.parameters)
    if is_contained and not options.kernel:
        from codeexec.cli.script.launch import foreign_language, is_target

        if is_target(options):
            return load_target(options.file, options.cwd or Path.cwd())
        if (language := foreign_language(options)) is not None:
            if options.save is not None:
                raise errors.UsageError(
                    f"--save makes a notebook of Python code, and {options.file} is "
                    f"{language.title}.",
                    "Redirect its output to a file, or take --json.",
                )
            return load_other(options.file, language.name)
    return load_program(
        options.file,
        cells=options.cells,
        language=language_of_kernel(options.kernel),
        parameters=options.parameters,
    )


def run_loaded(
    options: RunOptions,
    program: LoadedProgram,
    process: ProgramBackend | None = None,
    early: EarlyKernel | None = None,
) -> int:
    """Run a program that is loaded already; see `run_program`."""
    if options.save is not None and not options.save.absolute().parent.is_dir():
        raise errors.UsageError(
            f"{options.save.parent} is not a folder.", "Give --save a file in one that exists."
        )
    gc.enable()
    gc.freeze()
    # Log records of libraries are not for the user: our errors explain the problem.
    logging.getLogger().addHandler(logging.NullHandler())

    headless: HeadlessRun | None = None

    async def run() -> int:
        nonlocal headless
        headless = HeadlessRun(options, program, early, process)
        return await headless.run()

    status, by = exits.KERNEL if program.has_cells else exits.OWN_FAILURE, "codeexec-tui"
    try:
        status = asyncio.run(run())
        is_own = process is not None and process.status == status
        if is_own or (headless is not None and headless.has_programs_status):
            by = "program"
        elif status in (exits.OK, exits.FAILED):
            by = "code"
    except BrokenPipeError:
        leave_quietly()
        return exits.PIPE_CLOSED
    except KeyboardInterrupt:
        status = exits.INTERRUPTED  # before any code ran
    finally:
        if options.as_json:
            _print_status(status, by)
    return status


def _print_status(status: int, by: str) -> None:
    """Print the last line of `--json`: the exit status, and its origin: `program`, `code` (on a
    kernel) or `codeexec-tui`."""
    line = json.dumps({"type": "run_ended", "status": status, "by": by})
    try:
        say(line, flush=True)
    except OSError:  # closed pipe or full disk; the exit status still tells the result
        leave_quietly()
