"""Temporary folders whose owner holds a lock in them: those of owners that were killed are found
by their lock, whatever their age, and removed at the next start."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

LOCK = "lock"


class LockedFolder:
    """A 0700 folder of this process; `remove` it at the end. OSError when it cannot be made."""

    def __init__(self, prefix: str, parent: str | None = None) -> None:
        """`parent` is the system's temporary folder where it is not given."""
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            lock = _lock(self.path, create=True)
            if lock is not None:
                self._lock = lock
                return
            # Somebody who swept took it for a left one before it was locked.

    def remove(self) -> None:
        """Can be repeated."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def sweep(
    prefix: str, parent: str | None = None, abandon: Callable[[Path], None] = lambda folder: None
) -> list[Path]:
    """Remove the folders of this user whose owners are gone; `abandon` is called before with
    each. A folder without a lock is left: it was not made by `LockedFolder`. Follows no link.
    Returns those that were removed."""
    removed = []
    for folder in Path(parent or tempfile.gettempdir()).glob(f"{prefix}*"):
        lock = _lock(folder, create=False)
        if lock is None:
            continue
        try:
            abandon(folder)
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
        finally:
            os.close(lock)
    return removed


def _lock(folder: Path, *, create: bool) -> int | None:
    """Take the lock of a temporary folder; None if it does not exist or another process holds
    it."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    try:
        inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None  # gone meanwhile, a link, no folder, or another user's
    try:
        if os.fstat(inside).st_uid != os.geteuid():
            return None
        try:
            lock = os.open(LOCK, flags, 0o600, dir_fd=inside)
        except FileNotFoundError:
            return None
        except OSError:
            if create:
                raise
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            about = os.fstat(lock)
            # Whoever swept may have removed it between our opening and locking it.
            if stat.S_ISREG(about.st_mode) and about.st_nlink == 1:
                return lock
        except OSError:
            pass  # its owner lives
        with contextlib.suppress(OSError):
            os.close(lock)
        return None
    finally:
        os.close(inside)
