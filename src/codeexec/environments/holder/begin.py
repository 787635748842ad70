"""Starts a holder process, or finds the one that a server before us has left: standard library."""

# pathlib would double the time that importing this takes.
# ruff: noqa: PTH101, PTH105, PTH118, PTH120, PTH123

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from codeexec.domain.env_vars.secret import without_secrets
from codeexec.environments.marks import MARK, without_marks
from codeexec.environments.short_folders import make_folder, remove_flat

GUEST = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "guest")
SOCKET = "holder"
LOG = "log"
ANSWER_DEADLINE = 10.0
GRACE = 20.0
"""Seconds after the death of a server in which output that has no more room waits for the next
server; after that the oldest is dropped."""


def begin_holder(record: str = "", grace: float = GRACE) -> socket.socket:
    """A connection to the holder that the file `record` names, or to a fresh one, which is named
    there then; without a record no other process finds it. The call does not wait for the start:
    the socket is there, and requests are read once the process is up. `grace` is for a fresh one.
    OSError when it cannot be started."""
    if record and (link := find_holder(record)) is not None:
        return link
    _remove_left(record)
    folder = make_folder()
    try:
        with _listen(folder) as listener:
            log = _open_log(folder)
            try:
                process = subprocess.Popen(
                    _command(listener, grace),
                    cwd="/",
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(listener.fileno(),),
                    start_new_session=True,
                )
            finally:
                os.close(log)
            process.returncode = 0  # it outlives us: a Popen that is dropped must not wait for it
            return _introduce(folder, record)
    except BaseException:
        remove_flat(folder)
        raise


class ForkedHolder:
    """A fresh holder with its first process, for a server that has not imported much yet.

    The first kernel must not wait for the start of another interpreter. So a fork of the server
    starts the kernel, and becomes the holder when the server has loaded the rest of itself
    (`boot`), or has died.
    """

    def __init__(
        self, record: str, first_folder: str, start: Callable[[], subprocess.Popen[bytes]]
    ) -> None:
        """`start` is called in the fork; `first_folder` is the folder of its process. OSError
        with the file name when it cannot be started; a process of this one must have one thread.
        """
        _remove_left(record)
        folder = make_folder()
        answer, answering = os.pipe()
        waiting, self._go = os.pipe()
        with _listen(folder) as listener:
            self.link = _introduce(folder, record)
            self.pid = os.fork()
            if self.pid == 0:
                os.close(self._go)
                _become_holder(listener, folder, first_folder, start, answering, waiting)
        os.close(answering)
        os.close(waiting)
        with os.fdopen(answer, "rb") as pipe:
            content = json.loads(pipe.read() or b"{}")
        if "pid" not in content:
            self.boot()
            self.link.close()
            reason = str(content.get("text", "the holder ended"))
            raise OSError(content.get("errno", 0), reason, content.get("file"))
        self.first_pid = int(content["pid"])

    def boot(self) -> None:
        """Let it become what it is. Can be repeated."""
        if self._go >= 0:
            os.close(self._go)
            self._go = -1


def _become_holder(
    listener: socket.socket,
    folder: str,
    first_folder: str,
    start: Callable[[], subprocess.Popen[bytes]],
    answering: int,
    waiting: int,
) -> NoReturn:
    """In the fork: start the process, wait, and execute the holder, whose child it is then."""
    try:
        os.setsid()
        for default in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(default, signal.SIG_DFL)
        for ignored in (signal.SIGHUP, signal.SIGINT):
            signal.signal(ignored, signal.SIG_IGN)
        null, log = os.open(os.devnull, os.O_RDONLY), _open_log(folder)
        for handle, number in ((null, 0), (log, 1), (log, 2)):
            os.dup2(handle, number)
        process_arguments: tuple[str, ...] = ()
        try:
            process = start()
            answer: dict[str, object] = {"pid": process.pid}
            process_arguments = (str(process.pid), first_folder)
        except OSError as error:
            answer = {"errno": error.errno, "text": error.strerror, "file": error.filename}
        os.write(answering, json.dumps(answer).encode())
        os.close(answering)
        os.read(waiting, 1)  # ends when the server says so, or dies
        os.chdir("/")
        os.set_inheritable(listener.fileno(), True)
        command = [*_command(listener, GRACE), *process_arguments]
        os.execve(command[0], command, _environment())
    finally:
        os._exit(127)


def _listen(folder: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path = os.path.join(folder, SOCKET)
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen(64)
    except BaseException:
        listener.close()
        raise
    return listener


def _open_log(folder: str) -> int:
    return os.open(os.path.join(folder, LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _command(listener: socket.socket, grace: float) -> list[str]:
    program = os.path.join(GUEST, "holder.py")
    return [sys.executable, "-I", "-S", program, str(listener.fileno()), str(grace)]


def _environment() -> Mapping[str, str]:
    """Without the marks of a kernel or a session that this server was started from."""
    return without_secrets(without_marks(os.environ)) | {MARK: SOCKET}


def _introduce(folder: str, record: str) -> socket.socket:
    """A connection to the listener in `folder`, which is named in `record` from now on."""
    path = os.path.join(folder, SOCKET)
    if record:
        fresh = f"{record}.new"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(path)
        os.replace(fresh, record)
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


def _remove_left(record: str) -> None:
    """Remove the folder of a holder that was killed."""
    try:
        with open(record, encoding="utf-8") as file:
            remove_flat(os.path.dirname(file.read(4096).strip()))
    except (OSError, UnicodeError):
        pass  # there was none


def logged_request(
    command: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    *,
    folder: str,
    log: str,
    parent_variable: str = "",
) -> dict[str, object]:
    """To start a process that writes to the file `log` and reads nothing. All of its group ends
    with it; it goes on when the holder is killed, as it can be spoken to without it. The variable
    `parent_variable` of its environment is the holder's pid."""
    return {
        "do": "start",
        "argv": list(command),
        "cwd": cwd,
        "env": dict(env),
        "folder": folder,
        "log": log,
        "ends_group": True,
        "survives": True,
        "parent_variable": parent_variable,
    }


def start_now(link: socket.socket, request: Mapping[str, object]) -> int:
    """The pid of a process that the holder at the other end starts, before there is an event loop.
    OSError when it cannot be started, or the holder does not answer."""
    link.settimeout(ANSWER_DEADLINE)
    try:
        link.sendall(json.dumps({"id": 0, **request}).encode() + b"\n")
        received = b""
        while b"\n" not in received:
            data = link.recv(1 << 16)
            if not data:
                raise ConnectionResetError("the holder has ended")
            received += data
    finally:
        link.settimeout(None)
    answer = json.loads(received)
    if "pid" not in answer:
        number = int(answer.get("errno") or 0)
        raise OSError(number, os.strerror(number), answer.get("file"))
    return int(answer["pid"])


def connect(path: str) -> socket.socket:
    """OSError when no process listens there."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.connect(path)
    except BaseException:
        link.close()
        raise
    return link
