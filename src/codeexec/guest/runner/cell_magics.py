"""Magics for a whole cell: `%%name` in its first line. The docstring of each method is its help."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from codeexec.guest.runner import commands
from codeexec.guest.runner.errors import UsageError
from codeexec.guest.runner.timing import measured, timed

if TYPE_CHECKING:
    from codeexec.guest.runner.console import CellConsole


class CapturedOutput:
    """What `%%capture NAME` keeps."""

    def __init__(self, stdout: str, stderr: str, outputs: list[dict[str, Any]]) -> None:
        self.stdout, self.stderr, self.outputs = stdout, stderr, outputs

    def __str__(self) -> str:
        return self.stdout

    def __repr__(self) -> str:
        return f"<CapturedOutput: {len(self.stdout)} characters, {len(self.outputs)} displays>"


class CellMagics:
    def __init__(self, console: CellConsole) -> None:
        self._console = console
        self._user = console.user

    def cell_time(self, _rest: str, body: str) -> Any:
        """%%time  Runs the cell and prints how long it took."""
        return timed(self._console, body)

    def cell_timeit(self, line: str, body: str) -> Any:
        """%%timeit [-n LOOPS] [-r RUNS] [-q] [-o] [SETUP]  Measures the cell many times."""
        return measured(self._console, line, body)

    def cell_bash(self, line: str, body: str) -> None:
        """%%bash [-i NAME, NAME]  Runs the cell with bash, which has these variables."""
        self._script("bash", line, body)

    def cell_sh(self, line: str, body: str) -> None:
        """%%sh [-i NAME, NAME]  Runs the cell with sh, which has these variables."""
        self._script("sh", line, body)

    def _script(self, shell: str, line: str, body: str) -> None:
        names, line = commands.take_names(line)
        try:
            body = commands.assignments(names, self._user, shell) + body
        except ValueError as error:
            raise UsageError(str(error)) from None
        program = [shell, *shlex.split(line)]
        status = self._console.child(lambda: commands.run_script(program, body))
        if status:
            raise subprocess.CalledProcessError(status, program[0])

    def cell_capture(self, line: str, body: str) -> Any:
        """%%capture [--no-stdout] [--no-stderr] [--no-display] [NAME]  Keeps the output of the cell
        under a name in place of showing it."""
        arguments = line.split()
        stdout, stderr = io.StringIO(), io.StringIO()
        outputs: list[dict[str, Any]] = []
        displays = self._console.displays
        with ExitStack() as stack:
            if "--no-stdout" not in arguments:
                stack.enter_context(redirect_stdout(stdout))
            if "--no-stderr" not in arguments:
                stack.enter_context(redirect_stderr(stderr))
            if "--no-display" not in arguments:
                stack.callback(setattr, displays, "captured", displays.captured)
                displays.captured = outputs
            value = self._console.run_source(body)
            if value is not None:
                displays.display(value)
            displays.show_figures()
        for name in arguments:
            if not name.startswith("-"):
                kept = CapturedOutput(stdout.getvalue(), stderr.getvalue(), outputs)
                self._user[name] = kept

    def cell_writefile(self, line: str, body: str) -> None:
        """%%writefile [-a] FILE  Writes the cell to a file; `-a` adds it to the end."""
        arguments = shlex.split(line)
        names = [argument for argument in arguments if argument not in ("-a", "--append")]
        if len(names) != 1:
            raise UsageError("Name one file: %%writefile [-a] FILE")
        path = os.path.expanduser(names[0])
        is_there, adds = os.path.exists(path), len(arguments) > 1
        with open(path, "a" if adds else "w", encoding="utf-8") as file:
            file.write(body)
        done = "Appending to" if adds else "Overwriting" if is_there else "Writing"
        print(f"{done} {names[0]}")
