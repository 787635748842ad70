"""Loads a program and runs it in an event loop of its own; maps the end to an exit status."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli.messages import say
from codeexec.cli.run.runner import HeadlessRun
from codeexec.cli.run.source import LoadedProgram, language_of_kernel, load_program
from codeexec.cli.run_options import RunOptions
from codeexec.cli.streams.writer import leave_quietly
from codeexec.domain import errors

if TYPE_CHECKING:
    from codeexec.kernels.early import EarlyKernel
    from codeexec.kernels.process.kernel import ProgramBackend


def run_program(options: RunOptions, early: EarlyKernel | None = None) -> int:
    """Load and run the file of the options; returns the exit code.

    `early` is a kernel that boots already, used if it fits. Raises CodeexecError if the run
    cannot begin.
    """
    program = load_program(
        options.file,
        cells=options.cells,
        language=language_of_kernel(options.kernel),
        parameters=options.parameters,
    )
    return run_loaded(options, program, early=early)


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

    async def run() -> int:
        return await HeadlessRun(options, program, early, process).run()

    status, by = exits.KERNEL if program.has_cells else exits.OWN_FAILURE, "codeexec-tui"
    try:
        status = asyncio.run(run())
        if process is not None and process.status == status:
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
