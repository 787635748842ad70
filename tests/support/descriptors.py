"""Counts descriptors of this process, for tests of what is left behind."""

from __future__ import annotations

import contextlib
from pathlib import Path


def descriptors() -> int:
    """Open ones of this process, without those of the watch of a session's folder, which begins
    seconds after the session."""
    count = 0
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(path.readlink())
            is_of_watch = target.startswith("anon_inode:") and "pidfd" not in target
            count += not is_of_watch and not path.is_dir()
    return count
