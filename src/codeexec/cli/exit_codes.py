"""The exit codes of `codeexec-tui`: a contract that scripts may rely on."""

from __future__ import annotations

from codeexec.domain.errors import (
    CodeexecError,
    Conflict,
    Denied,
    DocumentError,
    KernelDied,
    NotFound,
    Unavailable,
    UsageError,
)

OK = 0
"""Success. `sys.exit(0)` and `sys.exit()` count as success."""

FAILED = 1
"""The user's code failed: an exception, or `sys.exit` with a value other than 0 (printed on
stderr). Also: `doctor` reports a failed check, or another internal error."""

USAGE = 2
"""Invalid usage: a bad option, or a file that is missing or cannot be read."""

KERNEL = 3
"""The kernel could not start, or died, or a server or container that it needs is unavailable."""

TIMED_OUT = 124
"""`--timeout` expired; the same number as timeout(1)."""

OWN_FAILURE = 125
"""codeexec-tui or the kernel failed while running a script. The script's own exit status is
passed through; this number and the next two are those of `docker run` and env(1)."""

CANNOT_EXECUTE = 126
"""The script or its interpreter exists but cannot be executed."""

NOT_FOUND = 127
"""The script or its interpreter does not exist."""

INTERRUPTED = 130
"""Ctrl+C: 128 + SIGINT, as in shells."""

PIPE_CLOSED = 141
"""The reader of our output closed the pipe: 128 + SIGPIPE."""

TERMINATED = 143
"""SIGTERM or SIGHUP arrived and the run was ended: 128 + SIGTERM."""

MEANINGS = (
    (OK, "success"),
    (FAILED, "the code failed"),
    (USAGE, "invalid usage, or a file that cannot be read"),
    (KERNEL, "the kernel could not start, or died"),
    (TIMED_OUT, "out of time"),
    (OWN_FAILURE, "a script could not be run: codeexec-tui or the kernel failed"),
    (CANNOT_EXECUTE, "the script cannot be executed"),
    (NOT_FOUND, "the script was not found"),
    (INTERRUPTED, "interrupted"),
    (PIPE_CLOSED, "the reader of the output closed the pipe"),
    (TERMINATED, "terminated by a signal"),
)


def of_error(error: CodeexecError) -> int:
    """The exit code for an error that a command raised."""
    match error:
        case Unavailable() | KernelDied():
            return KERNEL
        case UsageError() | NotFound() | DocumentError() | Conflict() | Denied():
            return USAGE
        case _:
            return FAILED
