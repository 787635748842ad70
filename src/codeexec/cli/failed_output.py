"""What commands do when stdout cannot be written: its reader has gone, or the disk is full."""

from __future__ import annotations

import os
import sys

from codeexec.domain.errors import StorageError


def output_error(error: OSError) -> StorageError:
    """The error of a standard stream that cannot be written, such as to a full disk."""
    return StorageError(
        f"The output cannot be written: {error.strerror}.",
        "Free some space, or write to another place.",
    )


def leave_quietly() -> None:
    """After stdout failed: keep the interpreter from flushing into the closed pipe."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
