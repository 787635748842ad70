"""How code is run: options that a client chooses, carried whole from a request to the kernel."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

DEFAULT_KERNEL = "python"
"""The name of a session's first kernel where nothing else names it, and of the only kernel that
a session of schema 1 had."""


PROGRAMS = "programs"
"""Before the colon in the name of a kernel of programs, such as `programs:cpp`."""

ProgramSteps = Literal["build_and_run", "build", "run"]


class ProgramOptions(Struct, frozen=True, omit_defaults=True):
    """How a program is built and run. `file` is its path, relative to the session's folder or
    absolute; empty: the code is the program. `steps`: `run` reuses what was built, whatever has
    changed since. `profile` and `compiler` are empty for the first of the language, `flags` are
    further words for the compiler. `rows` are those of its terminal, whose width is
    `ExecuteOptions.columns`. With `rebuild` nothing is reused."""

    file: str = ""
    steps: ProgramSteps = "build_and_run"
    arguments: tuple[str, ...] = ()
    profile: str = ""
    compiler: str = ""
    flags: tuple[str, ...] = ()
    rows: int = 24
    rebuild: bool = False


class ExecuteOptions(Struct, frozen=True, omit_defaults=True):
    """`timeout` limits the run in seconds, from its start. `columns` is the width in cells of the
    screen that shows the output, which Python kernels tell to pandas and others; 0: none.

    `kernel` names a kernel of the session, which is started on need; without it `language` chooses
    one, and without both the session's default kernel runs the code. Of an execution, `kernel` is
    the one that runs it. `program` is for kernels of programs. `stop_on_error`: when this execution
    does not end well, those that wait behind it in the same document are skipped; without a
    document, those without one that wait for the same kernel."""

    silent: bool = False
    store_history: bool = True
    allow_stdin: bool = True
    stop_on_error: bool = True
    timeout: float | None = None
    columns: int = 0
    language: str = ""
    kernel: str = ""
    program: ProgramOptions | None = None


NO_OPTIONS = ExecuteOptions()
