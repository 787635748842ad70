"""Reads files of secrets, which no other user may read or change."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from codeexec.domain.errors import StorageError, UsageError

MAX_BYTES = 65536


def read_private(file: Path, most: int = MAX_BYTES) -> str:
    """The text of the file, of `most` bytes. UsageError where others can read or change it,
    StorageError where it cannot be read or is larger."""
    try:
        return _read(file, most)
    except FileNotFoundError as error:
        raise _not_read(file, str(error.strerror)) from error


def find_private(file: Path, most: int = MAX_BYTES) -> str | None:
    """As `read_private`; None where the file does not exist."""
    try:
        return _read(file, most)
    except FileNotFoundError:
        return None


def _read(file: Path, most: int) -> str:
    """The checks use the open descriptor, so that the file cannot be replaced between check and
    read."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            _require_private(file, os.fstat(handle))
            content = opened.read(most + 1)
        if len(content) > most:
            raise _not_read(file, f"it has more than {most:,} bytes")
        return content.decode("utf-8").strip()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _not_read(file, str(error.strerror)) from error
    except ValueError as error:
        raise _not_read(file, "it holds no text") from error


def _not_read(file: Path, why: str) -> StorageError:
    return StorageError(f"{file} cannot be read: {why}.", "Name another file.")


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
