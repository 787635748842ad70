"""Files of one folder that others may write to: no symbolic link is followed, no FIFO is opened."""

from __future__ import annotations

import contextlib
import heapq
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from msgspec import Struct

from codeexec.domain.content.digests import sha256
from codeexec.domain.errors import CodeexecError, Denied
from codeexec.environments.base import FileKind, FileRow, Location, WorkspaceEntry
from codeexec.environments.globs import depth, glob
from codeexec.environments.names import WantedNames, sorted_in_slices
from codeexec.environments.paths import entry_parts, inside, missing, taken
from codeexec.hostfiles.opening import (
    FOLDER,
    check_single,
    give_to_owner,
    not_plain,
    open_plain,
    refused,
    remove_entry,
    rename_entry,
    replace_file,
    walk,
)
from codeexec.hostfiles.place import Place, locate

MOST_ENTRIES = 200_000
MOST_LEVELS = 100
"""Folders within folders that are looked into."""
_CHUNK = 1 << 20


class Folder:
    """A folder of the host and what is in it. Calls block for the time of the disk."""

    def __init__(self, root: Path, seen_as: PurePosixPath | None = None) -> None:
        """`seen_as` is the root's name in paths that come from code elsewhere.

        Links to the root are followed here, once: what code makes of its name later changes
        nothing. A root below a link that code in a container may have made is refused at each call.
        """
        self.root = root
        self._name = seen_as or PurePosixPath(root)
        self._wanted = WantedNames()
        try:
            self._real = locate(root).real
        except Denied:
            self._real = root

    @property
    def real(self) -> Path:
        """The root without links, as they were at the making."""
        return self._real

    def read(self, path: Location, limit: int | None = None) -> bytes | None:
        """The content of a plain file, at most `limit` bytes; None when it is not there."""
        file = self.open(path)
        if file is None:
            return None
        with file:
            try:
                return file.read(-1 if limit is None else limit)
            except OSError as error:
                raise refused(path, error) from error

    def open(self, path: Location) -> BinaryIO | None:
        """A plain file, open for reading; None when it is not there."""
        parts = inside(self._name, path)
        if not parts:
            raise not_plain(path, "a folder")
        try:
            with self._walk(parts[:-1]) as parent:
                handle = open_plain(parent, parts[-1], path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise refused(path, error) from error
        file = os.fdopen(handle, "rb")
        try:
            shared = self._place().shared
            if shared is not None:
                check_single(os.fstat(handle), shared.stat(), path)
        except BaseException:
            file.close()
            raise
        return file

    def write(self, path: Location, content: bytes) -> PurePosixPath:
        """Replace a file as a whole; what others read is the old content or the new one.

        A link of that name is replaced, not followed; the mode of an old file is kept. Made by
        root, the file is given to the owner of the workspace.
        """
        parts = inside(self._name, path)
        if not parts:
            raise not_plain(path, "a folder")
        try:
            with self._walk(parts[:-1], make=True) as parent:
                mode = _mode_of(parent, parts[-1], path)
                give = give_to_owner(self._real.stat())
                replace_file(parent, parts[-1], content, mode=mode, prepare=give)
        except NotADirectoryError as error:
            raise not_plain(path, "below something that is not a folder") from error
        except OSError as error:
            raise refused(path, error) from error
        return PurePosixPath(*parts)

    def digest(self, path: Location) -> str | None:
        """The SHA-256 of a plain file in hex; None when it is not there."""
        file = self.open(path)
        if file is None:
            return None
        hashing = sha256()
        with file:
            try:
                while chunk := file.read(_CHUNK):
                    hashing.update(chunk)
            except OSError as error:
                raise refused(path, error) from error
        return hashing.hexdigest()

    def make_folder(self, path: Location) -> None:
        """A new folder and those on the way to it; made by root, they belong to the owner of the
        workspace. Conflict where there is something of that name."""
        parts = entry_parts(self._name, path)
        try:
            with self._walk(parts[:-1], make=True) as parent:
                os.mkdir(parts[-1], dir_fd=parent)
                made = os.open(parts[-1], FOLDER, dir_fd=parent)
                try:
                    give_to_owner(self._real.stat())(made)
                finally:
                    os.close(made)
        except OSError as error:
            raise _not_changed(path, error) from error

    def rename(self, path: Location, target: Location) -> None:
        """Never over what is there: Conflict. NotFound."""
        parts, new_parts = entry_parts(self._name, path), entry_parts(self._name, target)
        try:
            with (
                self._walk(parts[:-1]) as source,
                self._walk(new_parts[:-1], make=True) as destination,
            ):
                rename_entry(source, parts[-1], destination, new_parts[-1])
        except FileExistsError as error:
            raise _not_changed(target, error) from error
        except OSError as error:
            raise _not_changed(path, error) from error

    def remove(self, path: Location) -> None:
        """A file, a link, or a folder with all that it holds. NotFound."""
        parts = entry_parts(self._name, path)
        try:
            with self._walk(parts[:-1]) as parent:
                remove_entry(parent, parts[-1])
        except OSError as error:
            raise _not_changed(path, error) from error

    def entries(
        self,
        path: Location = "",
        pattern: str = "**",
        on_entry: Callable[[], None] = lambda: None,
    ) -> list[WorkspaceEntry]:
        """What is below `path` and matches, sorted; an absent folder is empty. `on_entry` is called
        for each thing that is looked at, and may raise to give up."""
        return [
            entry_of(PurePosixPath(where), mode, size, modified)
            for where, mode, size, modified in self.rows(path, pattern, on_entry)
        ]

    def rows(self, path: Location, pattern: str, on_entry: Callable[[], None]) -> list[FileRow]:
        """The same as rows: see `FileRow`."""
        parts = inside(self._name, path)
        match = glob(pattern)
        prefix = "".join(f"{part}/" for part in parts)
        found: list[FileRow] = []
        try:
            with self._walk(parts, listing=True) as folder:
                for below, info in tree(folder, deepest=depth(pattern)):
                    on_entry()
                    if match(below):
                        found.append((prefix + below, info.st_mode, info.st_size, info.st_mtime_ns))
                    if len(found) >= MOST_ENTRIES:
                        break
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise refused(path, error) from error
        return sorted_in_slices(found, key=lambda row: row[0].replace("/", "\0"))

    def changed(
        self,
        since: int,
        wanted: Callable[[str], bool],
        most: int = MOST_ENTRIES,
        on_entry: Callable[[], None] = lambda: None,
    ) -> list[WorkspaceEntry]:
        """Plain files of the folder itself, of a `wanted` name, that were modified at `since` (ns
        since 1970) or later: the first `most` of them in order. Looks only at wanted names: there
        may be 200,000 others. `on_entry` is called for each name."""
        found: list[tuple[str, int, int, int]] = []
        try:
            with self._walk((), listing=True) as folder:
                for name in self._wanted.each(folder, wanted, on_entry):
                    on_entry()
                    with contextlib.suppress(FileNotFoundError):
                        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
                        if stat.S_ISREG(info.st_mode) and info.st_mtime_ns >= since:
                            found.append((name, info.st_mode, info.st_size, info.st_mtime_ns))
        except OSError as error:
            raise refused("", error) from error
        return [
            entry_of(PurePosixPath(name), mode, size, modified)
            for name, mode, size, modified in heapq.nsmallest(most, found)
        ]

    def below(self, path: Location) -> str:
        """The path relative to the folder. Denied."""
        return "/".join(inside(self._name, path))

    @contextlib.contextmanager
    def listing(self, path: Location = "") -> Iterator[int]:
        """A descriptor of a folder below, to list it and to look at what is in it; no link is
        followed. OSError, Denied."""
        with self._walk(inside(self._name, path), listing=True) as handle:
            yield handle

    def _place(self) -> Place:
        place = locate(self._real)
        if place.real != self._real:
            raise not_plain(self.root, "replaced by a symbolic link")
        return place

    @contextlib.contextmanager
    def _walk(
        self, parts: tuple[str, ...], *, make: bool = False, listing: bool = False
    ) -> Iterator[int]:
        place = self._place()
        base = place.shared or place.real
        below = (*place.real.relative_to(base).parts, *parts)
        give = give_to_owner(self._real.stat())
        with walk(base, below, make, give, listing=listing) as folder:
            yield folder


def tree(
    folder: int,
    on_unreadable: Callable[[str], None] = lambda path: None,
    deepest: int | None = None,
) -> Iterator[tuple[str, os.stat_result]]:
    """Paths below a folder's descriptor, each with its lstat; no link is followed. With `deepest`
    only those at most so many levels below it.

    `on_unreadable` is called with the folders that cannot be looked into: closed to us, or more
    than MOST_LEVELS deep, as each level holds a descriptor.
    """
    levels = [_Level(os.dup(folder), "")]
    try:
        while levels:
            level = levels[-1]
            if level.names is None:
                level.names = _names(level, on_unreadable)
            if not level.names:
                os.close(levels.pop().handle)
                continue
            name = level.names.pop()
            try:
                info = os.stat(name, dir_fd=level.handle, follow_symlinks=False)
            except OSError:
                continue  # gone since
            path = level.prefix + name
            yield path, info
            if stat.S_ISDIR(info.st_mode) and (deepest is None or len(levels) < deepest):
                if len(levels) >= MOST_LEVELS:
                    on_unreadable(path)
                    continue
                try:
                    below = os.open(name, FOLDER, dir_fd=level.handle)
                except FileNotFoundError:
                    continue
                except OSError:
                    on_unreadable(path)
                    continue
                levels.append(_Level(below, f"{path}/"))
    finally:
        for level in levels:
            os.close(level.handle)


class _Level(Struct):
    """A folder that `tree` is in; `names` are those still to be visited, None before the scan."""

    handle: int
    prefix: str
    names: list[str] | None = None


def _names(level: _Level, on_unreadable: Callable[[str], None]) -> list[str]:
    try:
        with os.scandir(level.handle) as found:
            return [entry.name for entry in found]
    except OSError:
        on_unreadable(level.prefix)
        return []


def entry_of(path: PurePosixPath, mode: int, size: int, modified: int) -> WorkspaceEntry:
    """An entry from what lstat tells."""
    kinds = {
        stat.S_IFREG: FileKind.FILE,
        stat.S_IFDIR: FileKind.FOLDER,
        stat.S_IFLNK: FileKind.LINK,
    }
    return WorkspaceEntry(path, kinds.get(stat.S_IFMT(mode), FileKind.OTHER), size, modified)


def _mode_of(parent: int, name: str, path: Location) -> int | None:
    try:
        info = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(info.st_mode):
        raise not_plain(path, "a folder")
    # Set-id bits of a file that code made are not kept on content that comes from us.
    return info.st_mode & 0o777 if stat.S_ISREG(info.st_mode) else None


def _not_changed(path: Location, error: OSError) -> CodeexecError:
    """Why something was not made, renamed or removed."""
    if isinstance(error, FileExistsError):
        return taken(path)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return missing(path)
    return refused(path, error)
