"""What sessions, their folders and caches use on disk, and how that is freed.

Nothing of an open session is freed: its folder is locked, or a session names its workspace.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import SessionSummary
from codeexec.hostfiles.state import USER_PREFIX, WORKSPACES

Kind = Literal["sessions", "workspaces", "builds"]
KINDS: tuple[Kind, ...] = ("sessions", "workspaces", "builds")
"""In the order of freeing: a workspace is unused once its session is gone."""

_NEW_SECONDS = 600.0
"""A workspace is made before its session."""


class KindUsage(Struct, frozen=True):
    """Of one kind: `count` folders of `bytes`, of which `free_count` of `free_bytes` can go."""

    kind: Kind | Literal["other"]
    path: str
    count: int
    bytes: int
    free_count: int
    free_bytes: int


class DiskUsage:
    """`sessions` lists all, open and closed; `remove_session` removes a closed one by its id, and
    raises CodeexecError where it is open."""

    def __init__(
        self,
        state: Path,
        cache: Path,
        sessions: Callable[[], Sequence[SessionSummary]],
        remove_session: Callable[[str], object],
    ) -> None:
        self._state = state
        self._cache = cache
        self._sessions = sessions
        self._remove_session = remove_session

    def measure(self) -> list[KindUsage]:
        """All kinds, and what is never freed here: history, logs, unsaved text."""
        usages = [self._measure(kind) for kind in KINDS]
        own = {"sessions", WORKSPACES}
        others = [path for path in _entries(self._state) if path.name not in own]
        size = sum(map(size_of, others))
        return [*usages, KindUsage("other", str(self._state), len(others), size, 0, 0)]

    def free(self, kind: Kind) -> tuple[int, int]:
        """Remove what can go; returns how many folders, and their bytes."""
        count = freed = 0
        for path in list(self._unused(kind)):
            size = size_of(path)
            if self._remove(kind, path):
                count += 1
                freed += size
        return count, freed

    def _measure(self, kind: Kind) -> KindUsage:
        folders = list(self._folders(kind))
        unused = list(self._unused(kind))
        size = sum(map(size_of, folders))
        return KindUsage(
            kind, str(self._root(kind)), len(folders), size, len(unused), sum(map(size_of, unused))
        )

    def _root(self, kind: Kind) -> Path:
        return self._cache if kind == "builds" else self._state / kind

    def _folders(self, kind: Kind) -> Iterator[Path]:
        for path in _entries(self._root(kind)):
            # Caches are in folders by their kind, workspaces of users in folders by their owner.
            is_of_user = kind == WORKSPACES and path.name.startswith(USER_PREFIX)
            yield from _entries(path) if kind == "builds" or is_of_user else (path,)

    def _unused(self, kind: Kind) -> Iterator[Path]:
        if kind == "builds":
            yield from (path for path in self._folders(kind) if not _is_locked(path))
            return
        sessions = self._sessions()
        if kind == "sessions":
            closed = {summary.session_id for summary in sessions if summary.state == "closed"}
            for path in self._folders(kind):
                if path.name in closed and not (path / "open").exists():
                    yield path
            return
        used = [Path(summary.cwd).resolve() for summary in sessions]
        now = time.time()
        for path in self._folders(kind):
            real = path.resolve()
            if not any(cwd == real or real in cwd.parents for cwd in used):
                with contextlib.suppress(OSError):
                    if now - path.lstat().st_mtime > _NEW_SECONDS:
                        yield path

    def _remove(self, kind: Kind, path: Path) -> bool:
        if kind == "sessions":
            try:
                self._remove_session(path.name)
            except CodeexecError:
                return False  # it was opened meanwhile
            return True
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
        return not os.path.lexists(path)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; what comes and goes meanwhile does not
    matter. Links are not followed."""
    total = 0
    with contextlib.suppress(OSError):
        total = path.lstat().st_size if not path.is_dir() or path.is_symlink() else 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{folder}/{name}").st_size
    return total


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # nothing was kept there yet


def _is_locked(folder: Path) -> bool:
    """Whether a build is at work in a folder of the cache."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False
