"""Tells whether the files that are open are still those at their paths, by device and inode."""

from __future__ import annotations

import os
from pathlib import Path


class Presence:
    """Remembers each file once it is there: SQLite makes its write-ahead log when it needs it,
    and removes it only with the last connection."""

    def __init__(self, *paths: Path) -> None:
        self._paths = [(path, str(path)) for path in paths]
        self._files: dict[Path, tuple[int, int]] = {}
        self.lost()

    def lost(self) -> Path | None:
        """The first of them that was removed or replaced since it was seen, or None. One that
        cannot be looked at for another reason (a network drive that is away) is not lost."""
        for path, name in self._paths:
            identity = self._files.get(path)
            try:
                about = os.stat(name)  # noqa: PTH116  # at each execution
            except (FileNotFoundError, NotADirectoryError):
                if identity is not None:
                    return path
                continue
            except OSError:
                continue
            if identity is None:
                self._files[path] = about.st_dev, about.st_ino
            elif identity != (about.st_dev, about.st_ino):
                return path
        return None
