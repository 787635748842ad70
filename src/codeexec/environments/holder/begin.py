"""Starts a holder process, or finds the one that a server before us has left: standard library."""

# pathlib would double the time that importing this takes.
# ruff: noqa: PTH118, PTH120, PTH123

from __future__ import annotations

import os
import socket
import subprocess
import sys

from codeexec.domain.secret_env import without_secrets
from codeexec.environments.marks import MARK, without_marks
from codeexec.environments.short_folders import make_folder

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "guest")
SOCKET = "holder"
GRACE = 5.0
"""Seconds after the death of a server in which output that has no more room waits for the next
server; after that the oldest is dropped."""
LOG = "log"


def begin_holder(record: str = "", grace: float = GRACE) -> socket.socket:
    """A connection to the holder that the file `record` names, or to a fresh one, which is named
    there then; without a record nobody else finds it. Nobody waits for the start: the socket is
    there, and what is sent is read once the process is up. `grace` is for a fresh one. OSError
    when it cannot be started."""
    if record and (found := find_holder(record)) is not None:
        return found
    folder = make_folder()
    path = os.path.join(folder, SOCKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        os.chmod(path, 0o600)  # noqa: PTH101
        listener.listen(64)
        _spawn(listener, folder, grace)
    if record:
        _write_record(record, path)
    return connect(path)


def find_holder(record: str) -> socket.socket | None:
    """A connection to the holder that is named in `record`; None where it is gone."""
    try:
        with open(record, encoding="utf-8") as file:
            path = file.read(4096).strip()
        if os.lstat(os.path.dirname(path)).st_uid != os.getuid():
            return None
        return connect(path)
    except (OSError, UnicodeError, ValueError):
        return None


def connect(path: str) -> socket.socket:
    """OSError when nobody listens there."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.connect(path)
    except BaseException:
        link.close()
        raise
    return link


def _spawn(listener: socket.socket, folder: str, grace: float) -> None:
    log = os.open(os.path.join(folder, LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [
                sys.executable,
                *("-I", "-S"),
                os.path.join(PROGRAM, "holder.py"),
                str(listener.fileno()),
                str(grace),
            ],
            cwd="/",
            # Not marked by a kernel or session that this server was started from.
            env=without_secrets(without_marks(os.environ)) | {MARK: SOCKET},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(listener.fileno(),),
            start_new_session=True,
        )
    finally:
        os.close(log)
    process.returncode = 0  # it outlives us: a Popen that is dropped must not wait for it


def _write_record(record: str, path: str) -> None:
    """Whole or not at all."""
    fresh = f"{record}.new"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(path)
    os.replace(fresh, record)  # noqa: PTH105
