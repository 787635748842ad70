"""Reads, writes and lists files of a workspace that only the container has.

Called as `python3 -c SOURCE OPERATION ROOT PATH [LIMIT]`; for `list` DEPTH (folders below PATH, -1
is all) and MOST (entries) in place of LIMIT, for `rename` the new path. `open` writes a line of
JSON, [SIZE, VERSION], and then the content; `digest` the SHA-256 in hex. Exit codes: 0 done, 3 not
there, 4 refused (why on stderr), 6 the name is taken. Nothing but plain files is opened, so no FIFO
can hold it up.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from io import BufferedReader


def refuse(why: str) -> None:
    sys.stderr.write(why)
    sys.exit(4)


def open_plain(path: str) -> BufferedReader:
    kind = os.lstat(path).st_mode
    if not stat.S_ISREG(kind):
        refuse("is not a plain file, and is not opened")
    return open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def print_digest(path: str) -> None:
    import hashlib  # 10 ms that other operations need not wait for

    hashing = hashlib.sha256()
    with open_plain(path) as file:
        chunk = file.read(1 << 20)
        while chunk:
            hashing.update(chunk)
            chunk = file.read(1 << 20)
    sys.stdout.write(hashing.hexdigest())


def read(path: str, limit: int, with_head: bool = False) -> None:
    with open_plain(path) as file:
        left = limit
        if with_head:
            info = os.fstat(file.fileno())
            left = info.st_size
            version = f"{info.st_ino:x}-{info.st_mtime_ns:x}-{info.st_size:x}"
            sys.stdout.buffer.write(json.dumps([left, version]).encode() + b"\n")
            sys.stdout.flush()
        while left != 0:
            chunk = file.read(1 << 16 if left < 0 else min(left, 1 << 16))
            if not chunk:
                break
            left -= len(chunk) if left > 0 else 0
            sys.stdout.buffer.write(chunk)
    sys.stdout.flush()


def write(path: str) -> None:
    content = sys.stdin.buffer.read()
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    mode = 0o644
    if os.path.lexists(path):
        kind = os.lstat(path).st_mode
        if stat.S_ISDIR(kind):
            refuse("is a folder, and is not opened")
        if stat.S_ISREG(kind):
            mode = kind & 0o777
    beside = os.path.join(folder, ".%s.%d.tmp" % (name[:100], os.getpid()))  # noqa: UP031
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(beside, flags, mode), "wb") as file:
            file.write(content)
        os.chmod(beside, mode)
        os.rename(beside, path)
    except OSError:
        if os.path.lexists(beside):
            os.unlink(beside)
        raise


def make_folder(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.mkdir(path)


def rename(path: str, target: str) -> None:
    info = os.lstat(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.lexists(target) and not os.path.samestat(os.lstat(target), info):
        sys.exit(6)
    os.rename(path, target)


def remove(path: str) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode):
        import shutil  # as above

        shutil.rmtree(path)
    else:
        os.unlink(path)


def listing(top: str, depth: int, most: int) -> None:
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            try:
                info = os.lstat(path)
            except OSError:
                continue  # gone since
            most -= 1
            if most < 0:
                return
            entry = [os.path.relpath(path, top), info.st_mode, info.st_size, info.st_mtime_ns]
            print(json.dumps(entry))
        if depth >= 0 and os.path.relpath(folder, top).count("/") + (folder != top) >= depth:
            del folders[:]


def real_folder(root: str, folder: str) -> str:
    """`folder` with no link below `root` on the way."""
    real = os.path.realpath(folder)
    if real != os.path.normpath(
        os.path.join(os.path.realpath(root), os.path.relpath(folder, root))
    ):
        refuse("is reached over a symbolic link, and is not opened")
    return real


def real_entry(root: str, path: str) -> str:
    """What has this name in its real folder; a link itself, not what it points at."""
    folder, name = os.path.split(path)
    return os.path.join(real_folder(root, folder), name)


def main() -> None:
    operation, root, path = sys.argv[1:4]
    try:
        if operation == "list":
            listing(real_folder(root, path), int(sys.argv[4]), int(sys.argv[5]))
            return
        path = real_entry(root, path)
        if operation == "open":
            read(path, 0, with_head=True)
        elif operation == "read":
            read(path, int(sys.argv[4]))
        elif operation == "digest":
            print_digest(path)
        elif operation == "mkdir":
            make_folder(path)
        elif operation == "rename":
            rename(path, real_entry(root, sys.argv[4]))
        elif operation == "remove":
            remove(path)
        else:
            write(path)
    except FileNotFoundError:
        sys.exit(3)
    except FileExistsError:
        if operation == "write":
            refuse("is below something that is not a folder")
        sys.exit(6)
    except NotADirectoryError:
        if operation == "write":
            refuse("is below something that is not a folder")
        sys.exit(3)
    except OSError as error:
        sys.stderr.write(error.strerror or str(error))
        sys.exit(5)


main()
