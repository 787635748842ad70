"""Folder listings: sorted entries, with those that .gitignore hides."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codeexec.domain.errors import CodeexecError
from codeexec.hostfiles.ignored import Ignored
from codeexec.hostfiles.place import locate

MOST_FILES = 20_000
"""Files that the finder knows; a folder with more is searched as far as that."""


_DIGITS = re.compile(r"([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """Something in a folder; a link to a folder counts as one."""

    path: Path
    is_dir: bool
    is_link: bool = False
    is_ignored: bool = False


def list_folder(folder: Path, ignored: Ignored) -> tuple[FolderEntry, ...]:
    """All entries, folders first, each by name; OSError when the folder cannot be read, or a link
    has taken its place where none is followed."""
    hides = ignored.inside(folder)
    try:
        place = locate(folder)
    except CodeexecError as error:
        raise NotADirectoryError(str(error)) from error
    # A link that code in a container may have made is listed, and leads nowhere.
    follow = place.shared is None
    with place.folder() as handle, os.scandir(handle) as scanned:
        entries = [
            FolderEntry(
                folder / entry.name,
                is_dir := _is_dir(entry, follow),
                entry.is_symlink(),
                hides(entry.name, is_dir),
            )
            for entry in scanned
        ]
    return in_order(entries)


def in_order(entries: Iterable[FolderEntry]) -> tuple[FolderEntry, ...]:
    """Folders first, each by name."""
    return tuple(sorted(entries, key=_order))


def _is_dir(entry: os.DirEntry[str], follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:
        return False  # a link that leads nowhere we may look


def _order(entry: FolderEntry) -> tuple[bool, list[str | int]]:
    """Numbers in names by their value: `run2` before `run10`."""
    name = entry.path.name.casefold()
    parts = _DIGITS.split(name)
    # Text and numbers take turns, so that only like is held against like.
    return not entry.is_dir, [int(p) if i % 2 else p for i, p in enumerate(parts)]


def walk(root: Path) -> Iterator[Path]:
    """The files that nothing hides, near ones first; links to folders are not followed."""
    ignored = Ignored(root)
    level = [root]
    while level:
        deeper: list[Path] = []
        for folder in level:
            try:
                inside = list_folder(folder, ignored)
            except OSError:
                continue  # a folder that we may not read holds nothing to open
            for entry in inside:
                if entry.is_ignored:
                    continue
                if not entry.is_dir:
                    yield entry.path
                elif not entry.is_link:
                    deeper.append(entry.path)
        level = deeper


def all_files(root: Path, most: int = MOST_FILES) -> Sequence[str]:
    """Paths relative to `root` of at most that many files."""
    paths: list[str] = []
    for path in walk(root):
        if len(paths) >= most:
            break
        paths.append(path.relative_to(root).as_posix())
    return paths
