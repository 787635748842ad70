"""Files of a folder that others may write to: no symbolic link is followed, no FIFO is opened.

Code in a container can put anything into its workspace: a link `plot.png` to a private file of the
host, a FIFO on which a reader hangs. So every path is walked from the root one part at a time with
O_NOFOLLOW, and what is opened is checked to be a plain file, before the open (a device does things
when opened) and after it (it may have been exchanged in between).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from codeexec.domain.errors import Denied, StorageError

from .base import FileEntry, FileKind, Location
from .paths import inside

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
MOST_ENTRIES = 200_000


class Folder:
    """A folder of the host and what is in it. Calls block for the time of the disk."""

    def __init__(self, root: Path, seen_as: PurePosixPath | None = None) -> None:
        """`seen_as` is the root's name in paths that come from code elsewhere."""
        self.root = root
        self._name = seen_as or PurePosixPath(root)

    def read(self, path: Location, limit: int | None = None) -> bytes | None:
        """The content of a plain file, at most `limit` bytes; None when it is not there."""
        parts = inside(self._name, path)
        if not parts:
            raise _not_plain(path, "a folder")
        try:
            with self._walk(parts[:-1]) as parent:
                _check_plain(parent, parts[-1], path)
                handle = os.open(parts[-1], _FILE, dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _refused(path, error) from error
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise _not_plain(path, "not a plain file")
            try:
                return file.read(-1 if limit is None else limit)
            except OSError as error:
                raise _refused(path, error) from error

    def write(self, path: Location, content: bytes) -> PurePosixPath:
        """Replace a file as a whole; what others read is the old content or the new one.

        A link of that name is replaced, not followed; the mode of an old file is kept. Made by
        root, the file is given to the owner of the workspace.
        """
        parts = inside(self._name, path)
        if not parts:
            raise _not_plain(path, "a folder")
        beside = f".{parts[-1][:100]}.{secrets.token_hex(4)}.tmp"
        try:
            with self._walk(parts[:-1], make=True) as parent:
                mode = _mode_of(parent, parts[-1], path)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                handle = os.open(beside, flags, 0o666, dir_fd=parent)
                try:
                    with os.fdopen(handle, "wb") as file:
                        file.write(content)
                        file.flush()
                        self._hand_over(handle)
                        if mode is not None:
                            os.fchmod(handle, mode)
                    os.rename(beside, parts[-1], src_dir_fd=parent, dst_dir_fd=parent)
                except BaseException:
                    with contextlib.suppress(OSError):
                        os.unlink(beside, dir_fd=parent)
                    raise
        except NotADirectoryError as error:
            raise _not_plain(path, "below something that is not a folder") from error
        except OSError as error:
            raise _refused(path, error) from error
        return PurePosixPath(*parts)

    def entries(self, path: Location = "", pattern: str = "**") -> list[FileEntry]:
        """What is below `path` and matches, sorted; an absent folder is empty."""
        parts = inside(self._name, path)
        match = glob(pattern)
        found: list[FileEntry] = []
        try:
            with self._walk(parts) as folder:
                for below, entry in _tree(folder, ""):
                    if match(below):
                        where = PurePosixPath(*parts, below)
                        found.append(
                            entry_of(where, entry.st_mode, entry.st_size, entry.st_mtime_ns)
                        )
                    if len(found) >= MOST_ENTRIES:
                        break
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _refused(path, error) from error
        return sorted(found, key=lambda entry: entry.path)

    def size(self) -> int:
        """Bytes on disk of everything below the root; links are not followed."""
        with self._walk(()) as folder:
            return sum(
                info.st_blocks * 512
                for _, info in _tree(folder, "")
                if not stat.S_ISDIR(info.st_mode)
            )

    @contextlib.contextmanager
    def _walk(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        # The root is the user's word: it may itself be reached over links.
        here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                try:
                    below = os.open(part, _FOLDER, dir_fd=here)
                except FileNotFoundError:
                    if not make:
                        raise
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=here)
                    below = os.open(part, _FOLDER, dir_fd=here)
                    self._hand_over(below)
                except NotADirectoryError:
                    # Said of a link as well, when a folder is asked for.
                    if stat.S_ISLNK(os.stat(part, dir_fd=here, follow_symlinks=False).st_mode):
                        raise _not_plain("/".join(parts), "reached over a symbolic link") from None
                    raise
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    def _hand_over(self, handle: int) -> None:
        if os.geteuid() == 0:
            owner = self.root.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)


def _tree(folder: int, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found]
    except OSError:
        return  # a folder that we may not read is listed, its content is not
    for name in names:
        try:
            info = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            continue  # gone since
        yield prefix + name, info
        if stat.S_ISDIR(info.st_mode):
            try:
                below = os.open(name, _FOLDER, dir_fd=folder)
            except OSError:
                continue
            try:
                yield from _tree(below, f"{prefix}{name}/")
            finally:
                os.close(below)


def entry_of(path: PurePosixPath, mode: int, size: int, modified: int) -> FileEntry:
    """An entry from what lstat tells."""
    kinds = {
        stat.S_IFREG: FileKind.FILE,
        stat.S_IFDIR: FileKind.FOLDER,
        stat.S_IFLNK: FileKind.LINK,
    }
    return FileEntry(path, kinds.get(stat.S_IFMT(mode), FileKind.OTHER), size, modified)


def glob(pattern: str) -> Callable[[str], object]:
    """A test for relative paths: `*` stays inside one part, `**` crosses them."""
    out = ""
    position = 0
    while position < len(pattern):
        rest = pattern[position:]
        if rest.startswith("**/"):
            out += "(?:.*/)?"
            position += 3
        elif rest.startswith("**"):
            out += ".*"
            position += 2
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0]))
            position += 1
    return re.compile(out, re.DOTALL).fullmatch


def _check_plain(parent: int, name: str, path: Location) -> None:
    kind = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    if stat.S_ISLNK(kind):
        raise _not_plain(path, "a symbolic link")
    if not stat.S_ISREG(kind):
        raise _not_plain(path, "a folder" if stat.S_ISDIR(kind) else "not a plain file")


def _mode_of(parent: int, name: str, path: Location) -> int | None:
    try:
        info = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(info.st_mode):
        raise _not_plain(path, "a folder")
    # Set-id bits of a file that code made are not kept on content that comes from us.
    return info.st_mode & 0o777 if stat.S_ISREG(info.st_mode) else None


def _not_plain(path: Location, what: str) -> Denied:
    return Denied(
        f"{str(path)!r} is {what}, and is not opened.", "Copy it to a plain file in the workspace."
    )


def _refused(path: Location, error: OSError) -> Denied | StorageError:
    if error.errno in (errno.ELOOP, errno.EMLINK):
        return _not_plain(path, "reached over a symbolic link")
    steps = {
        errno.ENOSPC: "Free some space on that disk.",
        errno.EDQUOT: "Free some space on that disk.",
        errno.EACCES: "Give yourself the right to it.",
        errno.EROFS: "The folder is read-only: choose another one.",
    }
    return StorageError(
        f"{str(path)!r}: {error.strerror or error}.", steps.get(error.errno or 0, "")
    )
