"""Runs a script as a process recorded in a session, for `--json` and `--save`."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli.run.source import STDIN, LoadedProgram, Piece, load_program, numbered
from codeexec.cli.script.launch import plan_streams
from codeexec.cli.script.prepared import Script
from codeexec.documents.files import read_file
from codeexec.domain.errors import DocumentError
from codeexec.domain.events import KernelRef
from codeexec.kernels.process.kernel import BACKEND, ProgramBackend
from codeexec.kernels.process.spawn import SpawnedProgram

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.cli.script.steps import BuiltScript


def run_recorded(script: Script, options: RunOptions) -> int:
    """Run the script in a session; returns the exit status."""
    program = _load(options.file)
    if not script.has_hook:
        # Imported for programs of other languages alone: a Python starts without them.
        from codeexec.cli.script.steps import BuiltScript

        assert isinstance(script, BuiltScript)
        return _run_built(script, options, program)
    spawned = _spawn(script, program.pieces[0].code)
    name = os.path.basename(script.interpreter)  # noqa: PTH119
    ref = KernelRef(script.interpreter, name, "python", script.interpreter, BACKEND)
    from codeexec.cli.run.entry import run_loaded

    return run_loaded(options, program, ProgramBackend(ref, spawned))


def _run_built(script: BuiltScript, options: RunOptions, loaded: LoadedProgram) -> int:
    """Run a program that was built, or record that its build has failed."""
    program, built = script.program, script.built
    out, err = plan_streams(is_recorded=True)
    spawned = None if built.is_failed else script.start(out, err)
    language = program.language.name
    ref = KernelRef(language, program.plan.tool, language, script.interpreter, BACKEND)
    from codeexec.cli.run.entry import run_loaded

    return run_loaded(options, loaded, ProgramBackend(ref, spawned, built))


def _load(file: str) -> LoadedProgram:
    """The program with the text to record.

    Only the name is recorded for a folder or zip file with a `__main__.py`, for byte code, for a
    pipe (it can be read only once), and for text that cannot be decoded.
    """
    if file == STDIN:
        return load_program(file)
    path = Path(file)
    source = path / "__main__.py" if path.is_dir() else path
    text = f"# {path.name}\n"
    if source.is_file():
        with suppress(DocumentError, OSError):
            text = read_file(source).text
    return LoadedProgram(path, (Piece(numbered(text)),), Path.cwd(), text=text)


def _spawn(script: Script, code: str) -> SpawnedProgram:
    out, err = plan_streams(is_recorded=True)
    if not script.has_stdin:
        return script.start(out, err, wants_variables=True)
    # The script was read from stdin, so the interpreter gets it as an unnamed file; stdin ends
    # after it, as for `python -`.
    with tempfile.TemporaryFile() as file:
        file.write(code.encode())
        file.flush()
        file.seek(0)
        return script.start(out, err, stdin=file.fileno(), wants_variables=True)
