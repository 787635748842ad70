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
"""All went well. A script that says `sys.exit(0)` or `sys.exit()` went well."""

FAILED = 1
"""The code that was run failed: an exception, or `sys.exit` with anything but 0 (the code is
said on stderr). Also: `doctor` found something broken, or something else of ours went wrong."""

USAGE = 2
"""What was asked for makes no sense: a bad option, a file that is missing or cannot be read."""

KERNEL = 3
"""The kernel could not start, or died, or what it needs (a server, a container) is not there."""

TIMED_OUT = 124
"""`--timeout` ran out; the number is that of timeout(1)."""

OWN_FAILURE = 125
"""Beside a program: we failed, or the kernel did. A program's own status is passed through, and
this number and the next two are those of `docker run` and env(1)."""

CANNOT_EXECUTE = 126
"""The script, or its interpreter, is there but cannot be executed."""

NOT_FOUND = 127
"""The script, or its interpreter, is not there."""

INTERRUPTED = 130
"""Ctrl+C: 128 + SIGINT, as shells have it."""

PIPE_CLOSED = 141
"""Whoever read our output stopped reading: 128 + SIGPIPE."""

TERMINATED = 143
"""Somebody sent SIGTERM (or the terminal hung up); what ran was ended: 128 + SIGTERM."""

MEANINGS = (
    (OK, "all went well"),
    (FAILED, "the code failed"),
    (USAGE, "wrong usage, or a file that cannot be read"),
    (KERNEL, "the kernel could not start, or died"),
    (TIMED_OUT, "out of time"),
    (OWN_FAILURE, "a script could not be run: codeexec-tui or the kernel failed"),
    (CANNOT_EXECUTE, "the script cannot be executed"),
    (NOT_FOUND, "the script was not found"),
    (INTERRUPTED, "interrupted"),
    (PIPE_CLOSED, "nobody reads the output any more"),
    (TERMINATED, "told to end by a signal"),
)


def of_error(error: CodeexecError) -> int:
    """The exit code for an error of ours."""
    match error:
        case Unavailable() | KernelDied():
            return KERNEL
        case UsageError() | NotFound() | DocumentError() | Conflict() | Denied():
            return USAGE
        case _:
            return FAILED
