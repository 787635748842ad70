"""Processes that the holder keeps: their start, what they write, and what they have started.

The part of `holder.py` that knows no connections' requests; standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import sys
import termios
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

KEPT = 1 << 20
"""Bytes of each channel that are kept, and that a server may leave unacknowledged."""
CHUNK = 1 << 16
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ)


def prctl(option: int, value: int) -> None:
    """Linux only: elsewhere the call does not exist and nothing happens."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def read_more(handle: int) -> bytes:
    """What can be read now, up to a chunk: one read of a terminal gives 4 KB at most. OSError of
    the first read."""
    data = os.read(handle, CHUNK)
    parts = [data]
    size = len(data)
    while data and size < CHUNK:
        try:
            data = os.read(handle, CHUNK - size)
        except OSError:
            break  # nothing more now, or for ever: the next call says so
        parts.append(data)
        size += len(data)
    return b"".join(parts)


class Output:
    """The last bytes of a channel, KEPT and a chunk, by offset from its first byte."""

    def __init__(self) -> None:
        self.chunks: deque[bytearray] = deque()
        self.start = self.end = 0

    def append(self, data: bytes) -> None:
        if self.chunks and len(self.chunks[-1]) + len(data) <= CHUNK:
            self.chunks[-1] += data
        else:
            self.chunks.append(bytearray(data))
        self.end += len(data)
        # One read more than what may be unacknowledged: see `Job.must_wait`.
        while self.end - self.start - len(self.chunks[0]) >= KEPT + CHUNK:
            self.start += len(self.chunks.popleft())

    def since(self, offset: int) -> Iterator[bytes]:
        """The bytes from `offset` on, which is not before `start`."""
        at = self.start
        for chunk in self.chunks:
            if at + len(chunk) > offset:
                yield bytes(memoryview(chunk)[max(offset - at, 0) :])
            at += len(chunk)


class Channel:
    """What a process writes to its terminal, or to one pipe."""

    def __init__(self, name: str, handle: int) -> None:
        self.name = name
        self.handle = handle
        self.output = Output()
        self.acknowledged = 0
        self.is_open = True
        self.reader: Connection | None = None
        self.sent = 0
        self.retry_at = 0.0
        """Until then no process has the terminal open, and reading from it fails."""
        os.set_blocking(handle, False)


class Job:
    """One process that was started here, until a client forgets it."""

    def __init__(self, number: int, folder: str, owner: Connection | None) -> None:
        self.number = number
        self.folder = folder
        self.owner = owner
        self.waits_until = 0.0
        self.pid = 0
        self.ends_group = False
        self.survives = False
        """It goes on when the holder is killed."""
        self.channels: dict[str, Channel] = {}
        self.input: int | None = None
        self.ended: dict[str, Any] | None = None
        self.ended_at = 0.0

    @property
    def stays(self) -> bool:
        return bool(self.folder) and os.path.exists(os.path.join(self.folder, "stay"))

    @property
    def inputs(self) -> list[int]:
        """The descriptor that a client writes to: the terminal, or the pipe of stdin."""
        return [] if self.input is None else [self.input]

    def must_wait(self, channel: Channel) -> bool:
        """Whether reading on would drop bytes that a server still wants."""
        is_full = channel.output.end - channel.acknowledged >= KEPT
        return is_full and (self.owner is not None or time.monotonic() < self.waits_until)

    def is_deserted(self, channel: Channel) -> bool:
        """No process has had its terminal open a moment ago, and the process itself is alive."""
        return self.ended is None and time.monotonic() < channel.retry_at

    def describe(self) -> dict[str, Any]:
        channels = {
            channel.name: [channel.output.start, channel.output.end]
            for channel in self.channels.values()
        }
        return {
            "job": self.number,
            "pid": self.pid,
            "folder": self.folder,
            "survives": self.survives,
            "ended": self.ended,
            "channels": channels,
        }


class Connection:
    """A client: it sends requests, or reads one channel."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.received = bytearray()
        self.waiting: deque[tuple[bytes, list[int]]] = deque()
        self.reads: tuple[Job, Channel] | None = None
        link.setblocking(False)

    @property
    def wants_to_send(self) -> bool:
        if self.reads is None or self.waiting:
            return bool(self.waiting)
        _, channel = self.reads
        return channel.sent < channel.output.end

    def send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        message["descriptors"] = len(descriptors)
        self.waiting.append((json.dumps(message).encode() + b"\n", list(descriptors)))
        self.flush()

    def flush(self) -> None:
        """Send what the client takes now. A client that is gone is noticed by reading."""
        while self.waiting:
            data, descriptors = self.waiting[0]
            try:
                sent = socket.send_fds(self.link, [data], descriptors)
            except BlockingIOError:
                return
            except OSError:
                self.waiting.clear()
                return
            if sent == len(data):
                self.waiting.popleft()
            else:
                self.waiting[0] = (data[sent:], [])


def make_streams(job: Job, request: dict[str, Any], handles: list[int]) -> list[int]:
    """Descriptors 0, 1 and 2 of the process. All that are to be closed after the start are added
    to `handles`."""
    if "terminal" in request:
        master, slave = os.openpty()
        handles.append(slave)
        job.input = master
        job.channels["terminal"] = Channel("terminal", master)
        termios.tcsetwinsize(slave, tuple(request["terminal"]))
        return [slave, slave, slave]
    if "log" in request:
        stdin = os.open(os.devnull, os.O_RDONLY)
        handles.append(stdin)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        handles.append(log)
        return [stdin, log, log]
    stdin, job.input = os.pipe()
    handles.append(stdin)
    ends = [stdin]
    for name in ("stdout", "stderr"):
        reading, writing = os.pipe()
        handles.append(writing)
        ends.append(writing)
        job.channels[name] = Channel(name, reading)
    return ends


def launch(child: list[int], request: dict[str, Any]) -> int:
    """Fork and execute; the pid. OSError with the file that is at fault."""
    failed, failing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(failing)
        with os.fdopen(failed, "rb") as pipe:
            failure = pipe.read()
        if failure:
            os.waitpid(pid, 0)
            number, file = json.loads(failure)
            raise OSError(number, os.strerror(number), file)
        return pid
    try:
        become(child, request, parent)
    except OSError as error:
        file = error.filename or request["argv"][0]
        os.write(failing, json.dumps([error.errno, str(file)]).encode())
    except (ValueError, UnicodeError):
        # A NUL or a lone surrogate in a word of the command.
        os.write(failing, json.dumps([errno.EINVAL, request["argv"][0][:100]]).encode())
    finally:
        os._exit(127)


def become(child: list[int], request: dict[str, Any], parent: int) -> None:
    """In the forked process: turn into the command."""
    os.setsid()
    if "terminal" in request:
        fcntl.ioctl(child[0], termios.TIOCSCTTY, 0)
    # Above those that they replace, or one would be closed before it is used.
    high = [fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 10) for handle in child]
    for number, handle in enumerate(high):
        os.dup2(handle, number)
    for number in DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    if not request.get("survives"):
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(127)  # the holder died before the request to die with it
    if request.get("parent_variable"):
        request["env"][request["parent_variable"]] = str(parent)
    os.chdir(request["cwd"])
    os.execvpe(request["argv"][0], request["argv"], request["env"])


def find_family(session: int, folder: str) -> list[int]:
    """The processes of a session, and all whose environment has `folder` as its mark."""
    entry = b"\0CODEEXEC_MARK=" + os.fsencode(folder) + b"\0"
    pids = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return find_family_without_proc(session, folder)
    for name in filter(str.isdigit, names):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            if fields[0] in (b"Z", b"X") or int(name) == os.getpid():
                continue
            if int(fields[3]) != session:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if not folder or entry not in b"\0" + file.read() + b"\0":
                        continue
            pids.append(int(name))
        except (OSError, IndexError):
            continue  # another user's, or it has just ended
    return pids


def find_family_without_proc(session: int, folder: str) -> list[int]:
    """The same by `ps`, on macOS, with the first process group of the session."""
    import subprocess

    command = ["ps", "axeww", "-o", "pid=,pgid=,stat=,command="]
    try:
        listed = subprocess.run(command, capture_output=True, timeout=5, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    entry = b" CODEEXEC_MARK=" + os.fsencode(folder) + b" "
    pids = []
    for line in listed.splitlines():
        pid, group, state, command_line = (*line.split(None, 3), b"", b"", b"")[:4]
        is_marked = bool(folder) and entry in command_line + b" "
        is_other = int(pid) != os.getpid() and not state.startswith(b"Z")
        if is_other and (int(group) == session or is_marked):
            pids.append(int(pid))
    return pids


def remove_folder(folder: str) -> None:
    """Remove the folder of a process that no server will ask for, if it was made for that
    process."""
    if not os.path.basename(folder).startswith("codeexec-"):
        return
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


def write_private(path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
