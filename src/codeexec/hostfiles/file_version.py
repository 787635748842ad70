"""Tells whether a file has changed since it was read."""

from __future__ import annotations

from pathlib import Path

FileVersion = tuple[int, int, int, int]


def file_version(path: Path) -> FileVersion | None:
    """Another one after each change of the file's content, mode or owner, or when another file has
    taken its place; None where it cannot be looked at."""
    try:
        about = path.stat()
    except OSError:
        return None
    # A file of secrets that could not be read is often mended by chmod or chown alone.
    return about.st_ino, about.st_ctime_ns, about.st_size, about.st_mode
