"""Starts the processes of a session server and keeps them, with their terminals, when it dies.

Run as `python -I -S holder.py LISTENER GRACE`, where LISTENER is a listening Unix socket that is
already bound in a private folder. A connection sends requests as JSON lines and gets answers (`id`)
and events as JSON lines; descriptors go along by SCM_RIGHTS. One that sends a `read` request
carries the raw output of a channel from then on. `environments/holder/client.py` is the other end.

The holder is the parent of what it starts, so exit status and peak memory are exact, and it is a
subreaper: what daemonizes becomes its child, and is reaped. It is small, because the peak memory
of a child starts at the size of its parent.

A process ends with the connection that started it, unless a file `stay` lies in its folder. One
that ends while no server is connected leaves `exit` (JSON) and `output-CHANNEL` in its folder. The
holder exits when it has no connection and no process.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import selectors
import signal
import socket
import struct
import sys
import termios
import time
from collections import deque
from typing import NoReturn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

KEPT = 1 << 20
"""Bytes of each channel that are kept, and that a server may leave unacknowledged."""
CHUNK = 1 << 16
MOST_REQUEST = 16 << 20
MOST_DESCRIPTORS = 8
LINGER = 0.2
"""Seconds of silence after which the terminal of an ended process is closed, though a background
process still has it open."""
FIRST_CONNECTION = 10.0
SWEEPS = 50
ACK = struct.Struct(">Q")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ)


def prctl(option: int, value: int) -> None:
    """Linux only: elsewhere the call does not exist and nothing happens."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Output:
    """The last KEPT bytes of a channel, by offset from its first byte."""

    def __init__(self) -> None:
        self.chunks: deque[bytearray] = deque()
        self.start = self.end = 0

    def append(self, data: bytes) -> None:
        if self.chunks and len(self.chunks[-1]) + len(data) <= CHUNK:
            self.chunks[-1] += data
        else:
            self.chunks.append(bytearray(data))
        self.end += len(data)
        while self.end - self.start - len(self.chunks[0]) >= KEPT:
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
        os.set_blocking(handle, False)


class Job:
    """One process that was started here, until a client forgets it."""

    def __init__(self, number: int, folder: str, owner: Connection) -> None:
        self.number = number
        self.folder = folder
        self.owner: Connection | None = owner
        self.waits_until = 0.0
        self.pid = 0
        self.ends_group = False
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

    def describe(self) -> dict[str, Any]:
        channels = {
            each.name: [each.output.start, each.output.end] for each in self.channels.values()
        }
        return {
            "job": self.number,
            "pid": self.pid,
            "folder": self.folder,
            "ended": self.ended,
            "channels": channels,
        }


class Connection:
    """A client: it sends requests, or reads one channel."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.received = bytearray()
        self.descriptors: list[int] = []
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

    def take_descriptors(self, request: dict[str, Any]) -> list[int]:
        """Those that were sent with a request."""
        count = request.get("descriptors", 0)
        taken, self.descriptors = self.descriptors[:count], self.descriptors[count:]
        return taken

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


class Holder:
    def __init__(self, listener: socket.socket, grace: float) -> None:
        """`grace`: seconds after the death of a server in which a full channel waits for the next
        server; after that its oldest bytes are dropped."""
        self.listener = listener
        self.grace = grace
        self.selector = selectors.DefaultSelector()
        self.jobs: dict[int, Job] = {}
        self.connections: set[Connection] = set()
        self.count = 0
        self.last_call = time.monotonic() + FIRST_CONNECTION
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, self.accept)
        wake, woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.end_all())
        for ignored in (signal.SIGHUP, signal.SIGINT):
            signal.signal(ignored, signal.SIG_IGN)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        self.selector.register(wake, selectors.EVENT_READ, lambda _: os.read(wake, 512))

    def run(self) -> None:
        while self.is_needed():
            for key, events in self.selector.select(self.timeout()):
                key.data(events)
            self.reap()
            self.close_silent_terminals()
            self.watch_channels()

    def is_needed(self) -> bool:
        if self.connections or self.jobs:
            self.last_call = 0.0
            return True
        return time.monotonic() < self.last_call

    def timeout(self) -> float | None:
        """A short one while the clock decides what happens next."""
        if self.last_call:
            return FIRST_CONNECTION
        for job in self.jobs.values():
            if job.ended is not None and any(each.is_open for each in job.channels.values()):
                return LINGER / 2
            if job.owner is None and time.monotonic() < job.waits_until:
                return self.grace / 10
        return None

    # ---- connections ---------------------------------------------------------------------------

    def accept(self, _events: int) -> None:
        try:
            link, _ = self.listener.accept()
        except OSError:
            return  # the client is gone already
        if not is_own_user(link):
            link.close()
            return
        connection = Connection(link)
        self.connections.add(connection)
        self.watch_connection(connection)

    def watch_connection(self, connection: Connection) -> None:
        if connection not in self.connections:
            return
        events = selectors.EVENT_READ
        if connection.wants_to_send:
            events |= selectors.EVENT_WRITE
        known = self.selector.get_map().get(connection.link)
        if known is None:
            self.selector.register(
                connection.link, events, lambda ready: self.serve(connection, ready)
            )
        elif known.events != events:
            self.selector.modify(connection.link, events, known.data)

    def serve(self, connection: Connection, events: int) -> None:
        if connection not in self.connections:
            return
        if events & selectors.EVENT_WRITE:
            connection.flush()
            self.feed_reader(connection)
        if events & selectors.EVENT_READ and not self.receive(connection):
            self.drop(connection)
            return
        self.watch_connection(connection)

    def receive(self, connection: Connection) -> bool:
        """Take what has come; False when the connection has ended or speaks another language."""
        try:
            data, descriptors, _, _ = socket.recv_fds(
                connection.link, CHUNK, MOST_DESCRIPTORS, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            )
        except BlockingIOError:
            return True
        except OSError:
            return False
        for handle in descriptors:
            os.set_inheritable(handle, False)
        connection.descriptors += descriptors
        connection.received += data
        if not data or len(connection.received) > MOST_REQUEST:
            return False
        if connection.reads is not None:
            self.take_acknowledgements(connection)
            return True
        while connection.reads is None and b"\n" in connection.received:
            line, _, rest = connection.received.partition(b"\n")
            connection.received = rest
            try:
                self.answer(connection, json.loads(line))
            except (ValueError, KeyError, TypeError):
                return False
        return True

    def take_acknowledgements(self, connection: Connection) -> None:
        assert connection.reads is not None
        _, channel = connection.reads
        while len(connection.received) >= ACK.size:
            (offset,) = ACK.unpack_from(connection.received)
            del connection.received[: ACK.size]
            channel.acknowledged = max(channel.acknowledged, min(offset, channel.output.end))

    def drop(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.selector.unregister(connection.link)
        connection.link.close()
        for handle in connection.descriptors:
            os.close(handle)
        if connection.reads is not None:
            _, channel = connection.reads
            if channel.reader is connection:
                channel.reader = None
            return
        for job in [each for each in self.jobs.values() if each.owner is connection]:
            job.owner, job.waits_until = None, time.monotonic() + self.grace
            if not job.stays:
                self.end(job)
                self.forget(job)
                remove_folder(job.folder)
            elif job.ended is not None:
                self.leave_behind(job)

    # ---- requests ------------------------------------------------------------------------------

    def answer(self, connection: Connection, request: dict[str, Any]) -> None:
        number, wanted = request["id"], request["do"]
        if wanted == "start":
            self.start(connection, number, request)
            return
        if wanted == "list":
            found = [job.describe() for job in self.jobs.values()]
            connection.send({"id": number, "jobs": found, "pid": os.getpid()})
            return
        job = self.jobs.get(request["job"])
        if job is None:
            connection.send({"id": number, "failed": "this process is not held"})
            return
        if wanted == "read":
            self.begin_reading(connection, number, job, request["channel"], request["after"])
            return
        if wanted == "adopt":
            job.owner = connection
            connection.send({"id": number, **job.describe()}, job.inputs)
            return
        if wanted == "signal":
            self.signal(job, request["number"], request["to"])
        elif wanted == "close-input":
            self.close_input(job)
        elif wanted == "end":
            self.end(job)
        elif wanted == "forget":
            self.forget(job)
        connection.send({"id": number})

    def start(self, connection: Connection, number: int, request: dict[str, Any]) -> None:
        self.count += 1
        job = Job(self.count, request["folder"], connection)
        job.ends_group = bool(request.get("ends_group"))
        handles = connection.take_descriptors(request)
        try:
            child = self.make_streams(job, request, handles)
            job.pid = launch(child, request, "terminal" in request)
        except OSError as error:
            for handle in {*job.inputs, *(each.handle for each in job.channels.values())}:
                os.close(handle)
            connection.send({"id": number, "errno": error.errno, "file": error.filename})
            return
        finally:
            for handle in set(handles):
                os.close(handle)
        self.jobs[job.number] = job
        connection.send({"id": number, **job.describe()}, job.inputs)

    def make_streams(self, job: Job, request: dict[str, Any], handles: list[int]) -> list[int]:
        """Descriptors 0, 1 and 2 of the process. `handles` are those that the client sent; those
        made here are added, and closed after the start."""
        if "terminal" in request:
            master, slave = os.openpty()
            handles.append(slave)
            job.input = master
            job.channels["terminal"] = Channel("terminal", master)
            termios.tcsetwinsize(slave, tuple(request["terminal"]))
            return [slave, slave, slave]
        if request.get("pipes"):
            stdin, job.input = os.pipe()
            handles.append(stdin)
            ends = [stdin]
            for name in ("stdout", "stderr"):
                reading, writing = os.pipe()
                handles.append(writing)
                ends.append(writing)
                job.channels[name] = Channel(name, reading)
            return ends
        return handles[:3]

    def close_input(self, job: Job) -> None:
        if job.input is not None and "terminal" not in job.channels:
            os.close(job.input)
            job.input = None

    def signal(self, job: Job, number: int, to: str) -> None:
        """To the process group of a job, or to the one in the foreground of its terminal."""
        if job.ended is not None and to == "group":
            return  # its number may be another's by now
        group = job.pid
        terminal = job.channels.get("terminal")
        with contextlib.suppress(OSError):
            if to == "foreground" and terminal is not None and terminal.is_open:
                group = os.tcgetpgrp(terminal.handle)
            if group > 0:
                os.killpg(group, number)

    # ---- output --------------------------------------------------------------------------------

    def begin_reading(
        self, connection: Connection, number: int, job: Job, name: str, after: int
    ) -> None:
        channel = job.channels.get(name)
        if channel is None:
            connection.send({"id": number, "failed": f"it has no channel {name}"})
            return
        if channel.reader is not None:
            previous, channel.reader = channel.reader, None
            self.drop(previous)
        channel.sent = max(min(after, channel.output.end), channel.output.start)
        channel.acknowledged = max(channel.acknowledged, channel.sent)
        connection.send({"id": number, "start": channel.sent})
        channel.reader, connection.reads = connection, (job, channel)
        self.feed_reader(connection)

    def feed_reader(self, connection: Connection) -> None:
        """Send a reader what there is; the socket's buffer is the limit."""
        if connection.reads is None or connection.waiting:
            return
        _, channel = connection.reads
        try:
            for chunk in channel.output.since(channel.sent):
                sent = connection.link.send(chunk)
                channel.sent += sent
                if sent < len(chunk):
                    break
        except BlockingIOError:
            pass
        except OSError:
            return  # the reader is gone; reading from it says so
        if not channel.is_open and channel.sent == channel.output.end:
            with contextlib.suppress(OSError):
                connection.link.shutdown(socket.SHUT_WR)
            return
        self.watch_connection(connection)

    def watch_channels(self) -> None:
        for job in self.jobs.values():
            for channel in job.channels.values():
                if not channel.is_open:
                    continue
                is_watched = channel.handle in self.selector.get_map()
                if job.must_wait(channel):
                    if is_watched:
                        self.selector.unregister(channel.handle)
                elif not is_watched:
                    self.selector.register(
                        channel.handle, selectors.EVENT_READ, self.reader_of(job, channel)
                    )

    def reader_of(self, job: Job, channel: Channel) -> Callable[[int], object]:
        return lambda _events: self.read(job, channel)

    def read(self, job: Job, channel: Channel) -> bool:
        """Take some output; False when there is none now."""
        if not channel.is_open:
            return False
        data = b""
        try:
            data = os.read(channel.handle, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            pass  # Linux: no process has the terminal open any more
        if data:
            channel.output.append(data)
        else:
            self.close_channel(job, channel)
        if channel.reader is not None:
            self.feed_reader(channel.reader)
        return bool(data)

    def close_channel(self, job: Job, channel: Channel) -> None:
        channel.is_open = False
        if channel.handle in self.selector.get_map():
            self.selector.unregister(channel.handle)
        os.close(channel.handle)
        if job.input == channel.handle:
            job.input = None
        if channel.reader is not None:
            self.feed_reader(channel.reader)

    def close_silent_terminals(self) -> None:
        now = time.monotonic()
        for job in list(self.jobs.values()):
            if job.ended is None:
                continue
            terminal = job.channels.get("terminal")
            if terminal is not None and terminal.is_open and not job.must_wait(terminal):
                if self.read(job, terminal):
                    job.ended_at = now
                elif terminal.is_open and now > job.ended_at + LINGER:
                    self.close_channel(job, terminal)
            if job.owner is None and not any(each.is_open for each in job.channels.values()):
                self.leave_behind(job)

    # ---- ends ----------------------------------------------------------------------------------

    def reap(self) -> None:
        """Take the exit status of every child that has ended, adopted orphans included."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            running = (each for each in self.jobs.values() if each.ended is None)
            job = next((each for each in running if each.pid == pid), None)
            if job is not None:
                self.record_end(job, os.waitstatus_to_exitcode(status), used)

    def record_end(self, job: Job, code: int, used: Any) -> None:
        if job.ends_group:
            with contextlib.suppress(OSError):
                os.killpg(job.pid, signal.SIGKILL)
        unit = 1 if sys.platform == "darwin" else 1024
        job.ended = {
            "code": code,
            "peak": used.ru_maxrss * unit,
            "cpu": used.ru_utime + used.ru_stime,
        }
        job.ended_at = time.monotonic()
        if job.owner is not None:
            job.owner.send({"job": job.number, "ended": job.ended})
            self.watch_connection(job.owner)

    def end(self, job: Job) -> None:
        """Kill the process and all that it has started: its session, and what has its mark. The
        number of a session may be another's once the process was reaped: then the mark decides."""
        for _ in range(SWEEPS):
            doomed = find_family(job.pid if job.ended is None else -1, job.folder)
            if not doomed:
                return
            for pid in doomed:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            self.reap()

    def forget(self, job: Job) -> None:
        self.jobs.pop(job.number, None)
        for channel in job.channels.values():
            if channel.is_open:
                self.close_channel(job, channel)
            if channel.reader is not None:
                self.drop(channel.reader)
        self.close_input(job)

    def leave_behind(self, job: Job) -> None:
        """No server is connected and the process has ended: its folder keeps what is known."""
        content = json.dumps(job.describe())
        with contextlib.suppress(OSError):
            for channel in job.channels.values():
                data = b"".join(channel.output.since(channel.output.start))
                write_private(os.path.join(job.folder, f"output-{channel.name}"), data)
            write_private(os.path.join(job.folder, "exit"), content.encode())
        self.forget(job)

    def end_all(self) -> NoReturn:
        for job in list(self.jobs.values()):
            self.end(job)
            if job.ended is not None and job.owner is None:
                self.leave_behind(job)
        remove_folder(os.path.dirname(self.listener.getsockname()))
        os._exit(128 + signal.SIGTERM)


def launch(child: list[int], request: dict[str, Any], has_terminal: bool) -> int:
    """Fork and execute; the pid. OSError with the file that is at fault."""
    failed, failing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(failing)
        with os.fdopen(failed, "rb") as pipe:
            words = pipe.read()
        if words:
            os.waitpid(pid, 0)
            number, file = json.loads(words)
            raise OSError(number, os.strerror(number), file)
        return pid
    try:
        become(child, request, has_terminal, parent)
    except OSError as error:
        file = error.filename or request["argv"][0]
        os.write(failing, json.dumps([error.errno, str(file)]).encode())
    except (ValueError, UnicodeError):
        # A NUL or a lone surrogate in a word of the command.
        os.write(failing, json.dumps([errno.EINVAL, request["argv"][0][:100]]).encode())
    finally:
        os._exit(127)


def become(child: list[int], request: dict[str, Any], has_terminal: bool, parent: int) -> None:
    """In the forked process: turn into the command."""
    os.setsid()
    if has_terminal:
        fcntl.ioctl(child[0], termios.TIOCSCTTY, 0)
    # Above those that they replace, or one would be closed before it is used.
    high = [fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 10) for handle in child]
    for number, handle in enumerate(high):
        os.dup2(handle, number)
    for number in DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(127)  # the holder died before the request to die with it
    os.chdir(request["cwd"])
    os.execvpe(request["argv"][0], request["argv"], request["env"])


def find_family(session: int, folder: str) -> list[int]:
    """The processes of a session, and all whose environment has `folder` as its mark."""
    entry = b"\0CODEEXEC_MARK=" + os.fsencode(folder) + b"\0"
    found = []
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
            found.append(int(name))
        except (OSError, IndexError):
            continue  # another user's, or it has just ended
    return found


def find_family_without_proc(session: int, folder: str) -> list[int]:
    """The same by `ps`, on macOS, with the first process group of the session."""
    import subprocess

    command = ["ps", "axeww", "-o", "pid=,pgid=,stat=,command="]
    try:
        listed = subprocess.run(command, capture_output=True, timeout=5, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    entry = b" CODEEXEC_MARK=" + os.fsencode(folder) + b" "
    found = []
    for line in listed.splitlines():
        pid, group, state, words = (*line.split(None, 3), b"", b"", b"")[:4]
        is_marked = bool(folder) and entry in words + b" "
        is_other = int(pid) != os.getpid() and not state.startswith(b"Z")
        if is_other and (int(group) == session or is_marked):
            found.append(int(pid))
    return found


def remove_folder(folder: str) -> None:
    """The folder of a process that nobody will ask for, where it was made for that alone."""
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


def is_own_user(link: socket.socket) -> bool:
    """Where the system does not tell, the mode of the folder (0700) keeps others out."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    size = struct.calcsize("3i")
    uid = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]
    return bool(uid == os.getuid())


def main() -> None:
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    listener = socket.socket(fileno=int(sys.argv[1]))
    folder = os.path.dirname(listener.getsockname())
    try:
        Holder(listener, float(sys.argv[2])).run()
    finally:
        remove_folder(folder)


if __name__ == "__main__":
    main()
