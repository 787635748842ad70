"""Registry of the folders that code in containers can change: no link in them is followed.

`environments.trust` keeps the record of them and registers it here. Standard library without
pathlib: the server loads this before it starts the first kernel.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable

FolderSource = Callable[[], Iterable[str]]

_sources: list[FolderSource] = []


def add_source(source: FolderSource) -> None:
    """Ask `source` for such folders (real paths) at each access to a file; it must be cheap."""
    _sources.append(source)


def shared_folders() -> frozenset[str]:
    """Real paths of all folders that code in containers can change."""
    return frozenset().union(*(source() for source in _sources))


def identities(folders: Iterable[str]) -> frozenset[tuple[int, int]]:
    """(device, inode) of the folders that exist: a bind mount of one is the same folder."""
    found: set[tuple[int, int]] = set()
    for folder in folders:
        try:
            info = os.lstat(folder)
        except OSError:
            continue  # removed since: nothing can be reached through it
        if stat.S_ISDIR(info.st_mode):
            found.add((info.st_dev, info.st_ino))
    return frozenset(found)
