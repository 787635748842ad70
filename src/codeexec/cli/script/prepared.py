"""A script or program with all that it needs to start: no module is imported here that only its run
needs, as programs are also built without being run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.domain.env_vars.inherited import USER_PATH, user_path
from codeexec.domain.env_vars.secret import without_secrets
from codeexec.domain.errors import CodeexecError
from codeexec.domain.plain_files import read_first_line
from codeexec.hostfiles.shared import shared_folders

if TYPE_CHECKING:
    from codeexec.kernels.process.spawn import SpawnedProgram

LARGEST = 64 * 2**20
"""Maximum bytes of a script: python reads it whole, with a hundred times the memory."""


class NotRun(CodeexecError):
    """A script could not be started; `status` is the exit status for that."""

    code = "not_run"
    title = "Not run"

    def __init__(self, status: int, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.status = status


class Script:
    """A script with its interpreter, arguments, working directory and environment.

    `has_stdin`: the script comes from standard input. `remarks` are lines to print before it
    starts. (No dataclass: importing dataclasses takes as long as the start of an interpreter.)
    """

    __slots__ = (
        "cwd", "env", "has_hook", "has_stdin", "interpreter", "remarks", "watcher", "words",
    )  # fmt: skip

    def __init__(
        self,
        interpreter: str,
        arguments: tuple[str, ...],
        cwd: str,
        env: Mapping[str, str],
        *,
        has_stdin: bool = False,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self.interpreter = interpreter
        self.words = arguments
        self.cwd = cwd
        self.env = env
        self.has_stdin = has_stdin
        self.remarks = remarks
        self.has_hook = True
        """Whether it is a Python, which sends displays."""
        self.watcher = ""
        """See `spawn_program`."""

    @property
    def argv(self) -> list[str]:
        return [self.interpreter, *self.words]

    def start(
        self, stdout: str, stderr: str, *, stdin: int | None = None, wants_variables: bool = False
    ) -> SpawnedProgram:
        """Start the interpreter. NotRun if that fails."""
        from codeexec.kernels.process.spawn import PTY, spawn_program

        size = _terminal_size() if PTY in (stdout, stderr) else None
        has_terminal = PTY in (stdout, stderr)
        try:
            return spawn_program(
                self.argv,
                self.cwd,
                self.env,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                size=size,
                is_interactive=has_terminal and stdin is None and sys.stdin.isatty(),
                flags="v" * wants_variables + "t" * (has_terminal and self.has_stdin),
                has_hook=self.has_hook,
                watcher=self.watcher,
            )
        except OSError as error:
            raise NotRun(
                _status_of(error),
                f"{self.interpreter} cannot be started: {error.strerror or error}.",
                "Name another Python: --kernel PATH" if self.has_hook else "Run it again.",
            ) from error


def first_line_of(file: str) -> str:
    """Empty where it cannot be read: running the file reports the error."""
    try:
        return read_first_line(file)
    except OSError:
        return ""


def own_environment() -> dict[str, str]:
    """Our environment variables, as the user's shell gave them, for a program."""
    from codeexec.environments.marks import without_marks

    env = without_marks(without_secrets(os.environ))
    if "PATH" in env:
        env["PATH"] = user_path(os.environ)
    env.pop(USER_PATH, None)
    return env


def _status_of(error: OSError) -> int:
    return exits.NOT_FOUND if isinstance(error, FileNotFoundError) else exits.CANNOT_EXECUTE


def _null_device() -> int:
    return os.stat(os.devnull).st_rdev  # noqa: PTH116


def _is_zip(file: str) -> bool:
    import zipfile

    return zipfile.is_zipfile(file)


def check_file(file: str) -> None:
    """NotRun for a file that cannot be run: missing, unreadable, a device, too large."""
    import stat

    try:
        info = os.stat(file)  # noqa: PTH116
        mode = info.st_mode
        readable = os.access(file, os.R_OK)
    except OSError as error:
        raise NotRun(
            _status_of(error),
            f"{file} cannot be opened: {error.strerror}.",
            "Check the name; `codeexec-tui run --help` shows the usage.",
        ) from error
    if stat.S_ISDIR(mode):
        # python runs a folder that has a __main__.py, as it runs a zip file.
        if os.path.isfile(os.path.join(file, "__main__.py")):  # noqa: PTH113, PTH118
            return
        raise NotRun(
            exits.CANNOT_EXECUTE,
            f"{file} is a folder.",
            f"Name a file in it, or open it: codeexec-tui {file}",
        )
    # A pipe is a script that the shell generates: run <(generate). A device never ends.
    is_device = stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
    if is_device and not os.path.samestat(info, os.fstat(0)) and info.st_rdev != _null_device():
        raise NotRun(
            exits.CANNOT_EXECUTE, f"{file} is a device.", "Name a file that holds a program."
        )
    if info.st_size > LARGEST and not _is_zip(file):
        raise NotRun(
            exits.CANNOT_EXECUTE,
            f"{file} has {info.st_size:,} bytes; a program has at most {LARGEST:,}.",
            "Move the data to a separate file, and read it in the program.",
        )
    if shared_folders():
        from pathlib import Path

        from codeexec.hostfiles.files import read
        from codeexec.hostfiles.place import locate

        try:
            # Code in a container may have put a link here: see `hostfiles`.
            read(locate(Path(file)), 0)
        except CodeexecError as error:
            raise NotRun(exits.CANNOT_EXECUTE, error.message, error.next_step) from error
    if not readable:
        raise NotRun(
            exits.CANNOT_EXECUTE, f"{file} cannot be read.", "Make it readable for you: chmod u+r"
        )
    if stat.S_ISREG(mode):  # unlike a pipe, it can be read twice
        try:
            with open(file, "rb", buffering=0) as script:  # noqa: PTH123
                script.read(1)
        except OSError as error:  # python would run it as an empty script, silently
            raise NotRun(
                exits.CANNOT_EXECUTE,
                f"{file} cannot be read: {error.strerror}.",
                "Check the disk, or the program that provides the file.",
            ) from error


def _terminal_size() -> os.terminal_size | None:
    for fd in (1, 2, 0):
        try:
            return os.get_terminal_size(fd)
        except OSError:
            continue
    return None
