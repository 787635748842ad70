"""Read, write, make, rename and delete files by path, under the rules of the folder they are in.

Outside of shared folders (see `shared`) links work as in any editor. Inside of them every part is
opened without following links, and files with several names or a foreign owner are refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.hostfiles.opening import (
    Content,
    check_single,
    give_to_owner,
    open_plain,
    remove_entry,
    rename_entry,
    replace_file,
    stat_plain,
    write_content,
)
from codeexec.hostfiles.place import Place, locate, locate_entry

if TYPE_CHECKING:
    from mmap import mmap

_MAPPED_FROM = 8_000_000
"""Size in bytes from which a file is mapped instead of being read into memory."""
_COPY_AT_A_TIME = 4_000_000


def open_to_read(place: Place) -> tuple[int, os.stat_result]:
    """The descriptor of a plain file and its stat as it was opened. Denied, OSError."""
    with place.parent() as parent:
        handle = open_plain(parent, place.real.name, place.real)
    try:
        info = os.fstat(handle)
        _check(place, info)
    except BaseException:
        os.close(handle)
        raise
    return handle, info


def read(place: Place, limit: int | None = None) -> tuple[bytes, os.stat_result]:
    """At most `limit` bytes of a plain file and its stat as it was opened. Denied, OSError."""
    handle, info = open_to_read(place)
    with os.fdopen(handle, "rb") as file:
        return file.read(-1 if limit is None else limit), info


def read_mapped(place: Place, limit: int) -> tuple[bytes | mmap, os.stat_result]:
    """As `read`; a large file is mapped from a copy without a name, so that its pages are read when
    they are needed, and a program that shortens the file meanwhile cannot end this one."""
    handle, info = open_to_read(place)
    with os.fdopen(handle, "rb") as file:
        if info.st_size < _MAPPED_FROM or info.st_size > limit:
            return file.read(limit), info
        import tempfile  # not at the start
        from mmap import ACCESS_READ, mmap

        with tempfile.TemporaryFile() as copy:
            left = limit
            while left > 0 and (part := file.read(min(left, _COPY_AT_A_TIME))):
                copy.write(part)
                left -= len(part)
            copy.flush()
            return mmap(copy.fileno(), 0, access=ACCESS_READ), info


def write(
    place: Place, content: Content, *, sync: bool = True, new_mode: int | None = None
) -> None:
    """Replace a file as a whole, keeping its mode; missing folders are made. Denied, OSError.

    A file with several names or another owner is written in place, as replacing it would part
    the names; in a shared folder such a file is refused or given back to its owner.
    """
    give = _giver(place)
    with place.parent(make=True, on_made=give) as parent:
        name = place.real.name
        try:
            info = stat_plain(parent, name, place.real)
        except FileNotFoundError:
            replace_file(parent, name, content, mode=new_mode, prepare=give, sync=sync)
            return
        _check(place, info)
        ours = info.st_uid == os.geteuid()
        if place.shared is None and (info.st_nlink > 1 or not ours):
            _write_in_place(place, parent, content, sync)
        elif ours or os.geteuid() == 0:
            # Set-id bits of a file that code made are not kept on content that comes from us.
            mode = stat.S_IMODE(info.st_mode) & (0o777 if place.shared is not None else 0o7777)
            keep = give_to_owner(info)
            replace_file(parent, name, content, mode=mode, prepare=keep, sync=sync)
        else:
            _write_in_place(place, parent, content, sync)


def sync(place: Place) -> None:
    """Wait until the disk has what was written to a file without `sync`. Denied, OSError."""
    with place.parent() as parent:
        handle = open_plain(parent, place.real.name, place.real)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_in_place(place: Place, parent: int, content: Content, sync: bool) -> None:
    handle = open_plain(parent, place.real.name, place.real, writing=True)
    with os.fdopen(handle, "wb") as file:
        _check(place, os.fstat(handle))
        write_content(file, content)
        file.truncate()
        file.flush()
        if sync:
            os.fsync(handle)


def make_file(path: Path) -> None:
    """A new empty file and the folders on the way to it. Denied, OSError (FileExistsError)."""
    place = locate_entry(path)
    give = _giver(place)
    with place.parent(make=True, on_made=give) as parent:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(place.real.name, flags, 0o666, dir_fd=parent)
        give(handle)
        os.close(handle)


def make_folder(path: Path, *, exist_ok: bool = False) -> Place:
    """A new folder and those on the way to it. Denied, OSError (FileExistsError)."""
    place = locate(path) if exist_ok else locate_entry(path)
    give = _giver(place)
    with place.parent(make=True, on_made=give) as parent:
        try:
            os.mkdir(place.real.name, dir_fd=parent)
        except FileExistsError:
            info = os.stat(place.real.name, dir_fd=parent, follow_symlinks=False)
            if not exist_ok or not stat.S_ISDIR(info.st_mode):
                raise
        else:
            with place.folder() as folder:
                give(folder)
    return place


def rename(path: Path, target: Path) -> None:
    """Give a file, link or folder another name, itself and not what it points at; never over
    what is there. Denied, OSError (FileExistsError)."""
    target_place = locate_entry(target)
    with (
        locate_entry(path).parent() as source,
        target_place.parent(make=True, on_made=_giver(target_place)) as destination,
    ):
        rename_entry(source, path.name, destination, target.name)


def delete(path: Path) -> None:
    """Remove a file, a link, or a folder with all that it holds. Denied, OSError."""
    with locate_entry(path).parent() as parent:
        remove_entry(parent, path.name)


def _check(place: Place, info: os.stat_result) -> None:
    if place.shared is not None:
        check_single(info, place.shared.stat(), place.real)


def _giver(place: Place) -> Callable[[int], None]:
    """Gives what we make in a shared folder to the folder's owner, as its code works on it."""
    if place.shared is None:
        return lambda handle: None
    return give_to_owner(place.shared.stat())
