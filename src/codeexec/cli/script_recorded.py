"""A script that runs as a program in a session of its own, for `--json` and `--save`."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from codeexec.cli.programs import load_program
from codeexec.cli.script import Script, plan_streams
from codeexec.domain.events import KernelRef
from codeexec.kernels.process.kernel import BACKEND, ProgramBackend
from codeexec.kernels.process.spawn import SpawnedProgram

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions


def run_recorded(script: Script, options: RunOptions) -> int:
    """Run it; returns the exit status."""
    program = load_program(options.file)
    spawned = _spawn(script, program.pieces[0].code)
    name = os.path.basename(script.interpreter)  # noqa: PTH119
    ref = KernelRef(script.interpreter, name, "python", script.interpreter, BACKEND)
    from codeexec.cli.runner import run_loaded

    return run_loaded(options, program, ProgramBackend(ref, spawned))


def _spawn(script: Script, code: str) -> SpawnedProgram:
    out, err = plan_streams(is_recorded=True)
    if not script.has_stdin:
        return script.start(out, err, wants_variables=True)
    # We have read the script from stdin, so the interpreter reads it from a file without a name;
    # after it stdin has ended, as it has for `python -`.
    with tempfile.TemporaryFile() as file:
        file.write(code.encode())
        file.flush()
        file.seek(0)
        return script.start(out, err, stdin=file.fileno(), wants_variables=True)
