"""Registry of the folders that code in containers can change: no link in them is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

FolderSource = Callable[[], Iterable[Path]]

_marked: set[str] = set()
_sources: list[FolderSource] = []


def mark_shared(folder: Path) -> None:
    """Apply the strict rules to `folder` for the rest of this process."""
    _marked.add(os.path.realpath(folder))


def add_source(source: FolderSource) -> None:
    """Ask `source` for more such folders (real paths) at each access; it must be cheap."""
    if source not in _sources:
        _sources.append(source)


def shared_folders() -> frozenset[str]:
    """Real paths of all folders that code in containers can change."""
    return frozenset(_marked.union(*(map(str, source()) for source in _sources)))


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
