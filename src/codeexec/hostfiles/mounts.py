"""Mounts of this machine, and the other paths by which they show the same folder.

Standard library without pathlib: the server asks before it starts the first kernel.
"""

# ruff: noqa: PTH123

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

TABLE = "/proc/self/mountinfo"
_ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


class Mount(NamedTuple):
    """A mount: `root` is the folder of the file system `device` that is seen at `point`."""

    device: str
    root: str
    point: str
    kind: str


def read_mounts(table: str = "") -> list[Mount]:
    """The mounts that this process sees; none on systems without the table."""
    try:
        with open(table or TABLE, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    mounts = []
    for line in lines:
        columns = line.split(" ")
        if len(columns) > 6 and " - " in line:
            kind = line.partition(" - ")[2].split(" ")[0]
            mounts.append(Mount(columns[2], _unescaped(columns[3]), _unescaped(columns[4]), kind))
    return mounts


def aliases(folders: Iterable[str], table: str = "") -> dict[str, str]:
    """Other paths at which bind mounts show one of the folders, a part of it, or what holds it;
    each with that folder. `folders` are real paths."""
    folders = list(folders)
    if not folders:
        return {}
    mounts = read_mounts(table)
    folder_by_alias: dict[str, str] = {}
    for folder in folders:
        seen_at = _mount_of(folder, mounts)
        if seen_at is None:
            continue
        place = _join(seen_at.root, _below(folder, seen_at.point) or "")
        for mount in mounts:
            if mount.device != seen_at.device:
                continue
            if _below(mount.root, place) is not None:
                alias = mount.point
            elif (inside := _below(place, mount.root)) is not None:
                alias = _join(mount.point, inside)
            else:
                continue
            if _below(alias, folder) is None:
                folder_by_alias[alias] = folder
    return folder_by_alias


def _mount_of(folder: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that shows the folder: the longest point, the last of those at the same one."""
    best: Mount | None = None
    for mount in mounts:
        is_above = _below(folder, mount.point) is not None
        if is_above and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def _below(path: str, folder: str) -> str | None:
    """The path relative to the folder; empty for the folder itself, None where it is not below."""
    folder = folder.rstrip("/")
    if path.rstrip("/") == folder:
        return ""
    return path[len(folder) + 1 :] if path.startswith(folder + "/") else None


def _join(folder: str, inside: str) -> str:
    return os.path.join(folder, inside) if inside else folder  # noqa: PTH118


def _unescaped(word: str) -> str:
    for escape, character in _ESCAPES:
        word = word.replace(escape, character)
    return word
