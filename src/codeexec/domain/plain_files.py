"""Read a regular file within a size limit: no device, no named pipe, no folder.

Standard library alone and no pathlib: the search for a kernel uses it before anything else loads.
"""

from __future__ import annotations

# ruff: noqa: PTH116
import errno
import os
import stat

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a symbolic link",
}
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PAGE = 1 << 20

SMALL = 1_000_000
"""Bytes that a file of settings, a theme or a kernelspec may have."""
FIRST_LINE = 200
"""Bytes that are read of the first line of a script."""


class NotPlainFile(OSError):
    """The path leads to something that is no regular file; `strerror` says to what."""


class FileTooLarge(OSError):
    """The file has more bytes than were asked for; `strerror` says how many are allowed."""


def kind_of(mode: int) -> str | None:
    """What a file with this `st_mode` is, such as `a device`; None for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def check_plain(mode: int, path: str | os.PathLike[str]) -> None:
    """Raise NotPlainFile unless `mode`, a file's `st_mode`, is that of a regular file."""
    kind = kind_of(mode)
    if kind is not None:
        code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise NotPlainFile(code, f"it is {kind}, not a file", os.fspath(path))


def open_plain(path: str | os.PathLike[str], *, follow_links: bool = True) -> int:
    """A descriptor of a regular file, open for reading; the caller closes it.

    The kind is checked before the open (a device acts when it is opened, a named pipe waits) and
    after it (the name may lead elsewhere by then). Raises OSError, among them NotPlainFile.
    """
    check_plain(os.stat(path, follow_symlinks=follow_links).st_mode, path)
    handle = os.open(path, _FLAGS | (0 if follow_links else os.O_NOFOLLOW))
    try:
        check_plain(os.fstat(handle).st_mode, path)
    except OSError:
        os.close(handle)
        raise
    return handle


def read_handle(handle: int, limit: int, path: str | os.PathLike[str]) -> bytes:
    """The bytes of an open file from where it stands, at most `limit`.

    Raises FileTooLarge where there are more, also in files such as those of /proc that say they
    have none, and OSError.
    """
    pages: list[bytes] = []
    total = 0
    while page := os.read(handle, min(_PAGE, limit + 1 - total)):
        pages.append(page)
        total += len(page)
        if total > limit:
            raise FileTooLarge(errno.EFBIG, f"it has more than {_size(limit)}", os.fspath(path))
    return b"".join(pages)


def read_plain(
    path: str | os.PathLike[str], limit: int = SMALL, *, follow_links: bool = True
) -> bytes:
    """The content of a regular file, at most `limit` bytes.

    Raises OSError: FileNotFoundError, NotPlainFile, FileTooLarge and what the system says.
    """
    handle = open_plain(path, follow_links=follow_links)
    try:
        return read_handle(handle, limit, path)
    finally:
        os.close(handle)


def read_plain_text(path: str | os.PathLike[str], limit: int = SMALL) -> str:
    """The text of a UTF-8 file. Raises OSError as `read_plain` does, and UnicodeDecodeError."""
    return read_plain(path, limit).decode("utf-8")


def read_first_line(path: str | os.PathLike[str]) -> str:
    """The first line of a regular file, at most `FIRST_LINE` bytes of it, where `#!` names an
    interpreter. Raises OSError as `read_plain` does."""
    handle = open_plain(path)
    try:
        return os.read(handle, FIRST_LINE).partition(b"\n")[0].decode("utf-8", "replace")
    finally:
        os.close(handle)


def _size(count: int) -> str:
    return f"{count // 1_000_000} MB" if count >= 1_000_000 else f"{count:,} bytes"
