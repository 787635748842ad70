"""Forgetting ended sessions: those too old, too many, or too large together.

A session that is open, here or in another process, holds the lock in its folder and is never
touched; neither is one that was left open by a crash and waits to be taken up again.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import stat
from pathlib import Path

from msgspec import Struct

log = logging.getLogger(__name__)

_DAY = 86_400.0


class _Folder(Struct, frozen=True):
    path: Path
    changed_at: float
    size: int
    has_ended: bool


def prune(root: Path, *, days: float, sessions: int, size: int, now: float) -> list[str]:
    """Delete the folders of ended sessions in `root` that last changed more than `days` days
    before `now` (seconds since 1970), then the oldest until at most `sessions` of them are left
    and all sessions take at most `size` bytes. A limit of 0 is none. Returns the names of those
    gone."""
    folders = _look(root, now)
    ended = [folder for folder in folders if folder.has_ended]
    count, total = len(ended), sum(folder.size for folder in folders)
    removed: list[str] = []
    for folder in sorted(ended, key=lambda folder: folder.changed_at):
        old = days > 0 and now - folder.changed_at > days * _DAY
        many = 0 < sessions < count
        large = 0 < size < total
        if (old or many or large) and _remove(folder.path):
            removed.append(folder.path.name)
            count -= 1
            total -= folder.size
    return removed


def newest_change(root: Path) -> float | None:
    """When any session last changed, in seconds since 1970, as its journal says; None without
    sessions."""
    newest: float | None = None
    for path in (*root.glob("*/journal.db"), *root.glob("*/journal.db-wal")):
        with contextlib.suppress(OSError):  # removed meanwhile
            newest = max(newest or 0.0, path.lstat().st_mtime)
    return newest


def _look(root: Path, now: float) -> list[_Folder]:
    folders = []
    for folder in root.iterdir() if root.is_dir() else ():
        if not folder.is_dir() or folder.is_symlink():
            continue
        changed_at, total = 0.0, 0
        for path in folder.rglob("*"):
            try:
                about = path.lstat()
            except FileNotFoundError:
                continue  # a session at work
            if stat.S_ISREG(about.st_mode):
                changed_at = max(changed_at, about.st_mtime)
                total += about.st_size
        has_ended = not (folder / "open").exists()
        folders.append(_Folder(folder, changed_at or now, total, has_ended))
    return folders


def _remove(folder: Path) -> bool:
    """False when the session has been opened meanwhile, or cannot be deleted."""
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.warning("%s cannot be deleted: %s", folder, error)
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (folder / "open").exists():
            return False
        shutil.rmtree(folder)
    except BlockingIOError:
        return False
    except OSError as error:
        log.warning("%s cannot be deleted: %s", folder, error)
        return False
    finally:
        os.close(handle)
    return True
