"""Reads files of secrets, which no other user may read or change."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from codeexec.domain.errors import StorageError, UsageError

MAX_BYTES = 65536


def read_private(file: Path) -> str:
    """The text of the file. The checks use the open descriptor, so that the file cannot be
    replaced between check and read. UsageError where others can read or change it, StorageError
    where it cannot be read."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            _require_private(file, os.fstat(handle))
            return opened.read(MAX_BYTES).decode("utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds no text"
        raise StorageError(f"{file} cannot be read: {why}.", "Name another file.") from error


def _require_private(file: Path, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise UsageError(f"{file} is not a plain file.", "Name a plain file.")
    if about.st_uid not in (os.geteuid(), 0):
        raise UsageError(f"{file} belongs to another user.", "Make one of your own.")
    if about.st_mode & 0o077:
        raise UsageError(
            f"Others can read or change {file} (mode {stat.S_IMODE(about.st_mode):04o}).",
            f"Make it private: chmod 600 {file}",
        )
