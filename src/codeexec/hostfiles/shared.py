"""The folders that code in containers can change, from their record: no link in them is followed.

`environments.trust` keeps the record, one line of which is `mount NUMBER FOLDER`. Standard library
without pathlib: the server loads this before it starts the first kernel.
"""

# ruff: noqa: PTH116, PTH118, PTH123

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from codeexec.hostfiles.mounts import aliases
from codeexec.hostfiles.state import state_folder

FILE = "trust"
"""The file of the state folder that has the record."""
MOUNT = "mount"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@,=:~")

_Version = tuple[str, int, int, int]
_read: tuple[_Version, frozenset[str]] = (("", 0, 0, 0), frozenset())


def shared_folders() -> frozenset[str]:
    """Real paths of all folders that code in containers could ever change, also those at which
    a bind mount shows one; the record is read again when it is new. What cannot be read has none:
    nothing is mounted then either."""
    global _read
    path = os.path.join(state_folder(), FILE)
    try:
        info = os.stat(path)
        version = (path, info.st_mtime_ns, info.st_size, info.st_ino)
        if _read[0] != version:
            with open(path, "rb") as file:
                lines = file.read().decode("ascii", "replace").splitlines()
            _read = (version, frozenset(_mounts(lines)))
    except OSError:
        return frozenset()
    return _read[1].union(aliases(_read[1]))


def _mounts(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        kind, _, escaped = line.partition(" ")
        if kind == MOUNT:
            try:
                yield unescape(escaped.partition(" ")[2])
            except ValueError:
                continue  # nobody but us writes that file, and we write no such line


def identities(folders: Iterable[str]) -> frozenset[tuple[int, int]]:
    """(device, inode) of the folders that exist: a bind mount of one is the same folder."""
    keys: set[tuple[int, int]] = set()
    for folder in folders:
        try:
            info = os.lstat(folder)
        except OSError:
            continue  # removed since: nothing can be reached through it
        if stat.S_ISDIR(info.st_mode):
            keys.add((info.st_dev, info.st_ino))
    return frozenset(keys)


def escape(path: str) -> str:
    """A path as one word of plain characters."""
    return "".join(chr(c) if c in _PLAIN else f"%{c:02x}" for c in os.fsencode(path))


def unescape(text: str) -> str:
    """The path that `escape` was given; ValueError for anything else."""
    first, *escapes = text.split("%")
    raw = first.encode() + b"".join(bytes([int(p[:2], 16)]) + p[2:].encode() for p in escapes)
    return os.fsdecode(raw)
