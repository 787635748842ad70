"""What runs first in a container, and on a machine that `ssh` reaches: starts processes and carries
their bytes over one pipe.

Sent over stdin as source, so any image with a python3 does and versions never differ. It speaks
frames on stdin and stdout (the layout is below; the host's side is `environments/relay`):
the host starts processes, opens connections to unix or TCP sockets in here, and both sides send
bytes on numbered streams. A stream may send only what the other side has granted, so one that
is not read holds back nothing else. When stdin ends, everything in the container ends, or all
that it has started on a machine with other processes.

As PID 1 it forks: the parent reaps what is orphaned and passes signals on, the child relays.
Elsewhere it is itself the parent of what is orphaned.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import selectors
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import time
from collections import deque
from collections.abc import Callable
from typing import NoReturn, TypedDict

PROTOCOL = 1
HEADER = struct.Struct(">BII")  # type, stream or process, length of the payload
MOST = 1 << 18  # bytes of one payload
WINDOW = 1 << 19  # bytes of one stream that may be on their way
SHARE = WINDOW // 4  # granted again at once
CHUNK = 1 << 16
NOT_YET = -1  # the descriptor of a stream whose socket is not bound yet
RETRY = 0.01  # seconds between looks for a socket that is not bound yet
MOST_ENDED = 32
LINGER = 0.2  # seconds of silence after which the terminal of an ended process is closed

HELLO, SPAWN, OPEN, DATA, EOF, GRANT, CLOSE, SIGNAL, EXIT, FAILED, ASK, ANSWER, SWEEP = range(13)
RESIZE, FULL, RESET = 13, 14, 15


def limits() -> dict[str, int]:
    """(kills by the out-of-memory killer, peak, limit and use in bytes, processes, nanoseconds of
    cpu) of this container."""

    def number(*paths: str) -> int:
        for path in paths:
            try:
                with open(path) as file:
                    text = file.read()
            except OSError:
                continue
            for line in text.splitlines():
                words = line.split() or [""]
                if words[0].isdigit():
                    return int(words[0])
                if words[0] == "oom_kill":
                    return int(words[1])
                if words[0] == "usage_usec":
                    return int(words[1]) * 1000
        return 0

    v1, v2 = "/sys/fs/cgroup/memory/memory.", "/sys/fs/cgroup/memory."
    return {
        "kills": number(v2 + "events", v1 + "oom_control"),
        "peak": number(v2 + "peak", v1 + "max_usage_in_bytes"),
        "limit": number(v2 + "max", v1 + "limit_in_bytes"),
        "used": number(v2 + "current", v1 + "usage_in_bytes"),
        "pids": number("/sys/fs/cgroup/pids.current", "/sys/fs/cgroup/pids/pids.current"),
        "cpu": number("/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpuacct/cpuacct.usage"),
    }


def unnamed(folder: str) -> dict[str, int]:
    """Bytes of files on the folder's file system that have no name any more and are still open or
    mapped, and how many processes do not show theirs."""
    device = os.stat(folder).st_dev
    sizes: dict[int, int] = {}
    closed = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) in (1, os.getpid()):
            continue  # ours: closed to all, and without files
        try:
            for number in os.listdir(f"/proc/{pid}/fd"):
                try:
                    info = os.stat(f"/proc/{pid}/fd/{number}")
                except FileNotFoundError:
                    continue  # closed since
                if info.st_dev == device and info.st_nlink == 0 and stat.S_ISREG(info.st_mode):
                    sizes[info.st_ino] = info.st_blocks * 512
            mapped_unnamed(pid, device, sizes)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended since
        except OSError:
            closed += 1
    return {"size": sum(sizes.values()), "closed": closed}


def mapped_unnamed(pid: str, device: int, sizes: dict[int, int]) -> None:
    """Add to `sizes`, by inode, what a process maps of deleted files that are not open."""
    with open(f"/proc/{pid}/maps", errors="replace") as file:
        for line in file:
            if not line.endswith(" (deleted)\n"):
                continue
            area, _, _, where, inode = line.split()[:5]
            major, minor = (int(part, 16) for part in where.split(":"))
            if os.makedev(major, minor) == device:
                start, end = (int(part, 16) for part in area.split("-"))
                sizes[int(inode)] = max(sizes.get(int(inode), 0), end - start)


def identity(folder: str) -> list[int] | None:
    """Device and inode."""
    try:
        info = os.stat(folder)
    except OSError:
        return None
    return [info.st_dev, info.st_ino]


def use_of(top: int) -> dict[str, int]:
    """Bytes of memory and nanoseconds of cpu of a process and all below it."""
    used = cpu = 0
    page, tick = os.sysconf("SC_PAGE_SIZE"), 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    for pid in (top, *descendants(top)):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue  # gone meanwhile
        used += int(fields[21]) * page
        cpu += (int(fields[11]) + int(fields[12])) * tick
    return {"used": used, "cpu": cpu}


READS = {"x86_64": {0}, "aarch64": {63}}
POLLS = {"x86_64": {7, 23, 232, 270, 271, 281}, "aarch64": {22, 72, 73}}


def input_wait(leader: int, terminal: int) -> dict[str, object]:
    """What the session of `leader` waits for: see `environments/input_wait.py`. `echo`: whether
    its terminal shows what is typed."""
    answer: dict[str, object] = {"kind": "works", "token": ""}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if session_of(int(pid)) != leader:
            continue
        kind = wait_of_process(pid)
        if kind == "reads" or (kind == "polls" and answer["kind"] == "works"):
            answer = {"kind": kind, "token": f"{pid}:{switches(pid)}"}
        if kind == "reads":
            break
    try:
        answer["echo"] = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    except termios.error:
        answer["echo"] = True
    return answer


def wait_of_process(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/syscall") as file:
            words = file.read().split()
    except OSError:
        return "works"
    if not words or not words[0].isdigit():
        return "works"  # it computes
    number, machine = int(words[0]), os.uname().machine
    if number in READS.get(machine, ()):
        return "reads" if int(words[1], 16) == 0 else "works"
    return "polls" if number in POLLS.get(machine, ()) else "works"


def switches(pid: str) -> str:
    """How often a process has gone to sleep by itself: another number, another wait."""
    try:
        with open(f"/proc/{pid}/status", errors="replace") as file:
            return next((line.split()[1] for line in file if line.startswith("voluntary")), "")
    except OSError:
        return ""


def group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def hide() -> None:
    """Keep processes of our own user out of our memory and our pipe (/proc/PID/fd, ptrace)."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    except (ImportError, OSError, AttributeError):
        pass  # an image without ctypes: the host checks every frame anyway


def become_init(*pipe: int) -> None:
    """Fork; return in the child. The parent lets go of the pipe, reaps, and ends with the child."""
    wanted = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, wanted)
        return
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    for handle in pipe:
        os.close(handle)
    while True:
        caught = signal.sigwait(wanted)
        if caught != signal.SIGCHLD:
            os._exit(128 + caught)  # the kernel ends all others with PID 1
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                os._exit(0)
            if pid == 0:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else 128 - code)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent has ended, as PID 1 otherwise does."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    except (ImportError, OSError, AttributeError):
        pass  # what leaves its process group and its parent is not ended by us, then


def descendants(top: int) -> set[int]:
    """All processes below `top`; none on a system without /proc."""
    children: dict[int, list[int]] = {}
    if not os.path.isdir("/proc"):
        return set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue  # gone meanwhile
        if fields[0] != b"Z":
            children.setdefault(int(fields[1]), []).append(int(pid))
    found: set[int] = set()
    parents = [top]
    while parents:
        below = set(children.get(parents.pop(), ())) - found
        found |= below
        parents += below
    return found


def end_descendants(top: int) -> None:
    kill_all(lambda: descendants(top))


def kill_all(find: Callable[[], set[int]]) -> None:
    """Stop all that `find` finds first, again and again while they make new ones; then kill them: a
    fork bomb in a full container cannot go on then."""
    for step in (signal.SIGSTOP, signal.SIGKILL):
        reached: set[int] = set()
        for _ in range(50):
            family = find() - reached
            if not family:
                break
            send_signal(family, step)
            reached |= family


def send_signal(pids: set[int], which: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, which)
        except OSError:
            pass  # gone meanwhile


class Wanted(TypedDict, total=False):
    """A process to start: what its streams are numbered, and what is to be there before it."""

    argv: list[str]
    cwd: str
    env: dict[str, str]
    folders: list[str]
    files: list[tuple[str, str]]
    temporary: list[str]
    stdin: int
    stdout: int
    stderr: int
    terminal: int
    size: tuple[int, int]


class NumberedStream:
    """Bytes between the host and one descriptor (a socket, or one end of a process's pipe)."""

    def __init__(self, number: int, handle: int, reads: bool, writes: bool) -> None:
        self.number = number
        self.handle = handle
        self.reads = reads  # we read the descriptor and send to the host
        self.writes = writes  # we write what the host sends
        self.credit = WINDOW
        self.owed = 0  # written, and not granted again yet
        self.waiting: deque[bytes] = deque()
        self.ending = False  # the host sends no more
        self.read_at = 0.0
        self.process = 0  # of a terminal


class Relay:
    def __init__(self, source: int, sink: int, is_alone: bool) -> None:
        """`is_alone`: all processes that can be seen are ours, as in a container."""
        self.source, self.sink, self.is_alone = source, sink, is_alone
        self.selector = selectors.DefaultSelector()
        self.streams: dict[int, NumberedStream] = {}
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.pipes: dict[int, dict[str, int]] = {}  # streams of those without a terminal, by name
        self.highest = 0  # of the numbers that the host has given
        self.ended: dict[int, int] = {}  # groups of the last processes that have ended
        # Not connected yet: stream, address, and the process that is expected to bind it.
        self.pending: list[tuple[NumberedStream, str | list[object], int]] = []
        self.terminals: dict[int, NumberedStream] = {}  # by process
        self.fading: list[NumberedStream] = []  # terminals of processes that have ended
        self.deserted: set[NumberedStream] = set()  # terminals that no process has open now
        self.received = bytearray()
        self.out: deque[memoryview] = deque()
        self.temporary: dict[str, int] = {}  # files to remove, by path, and of which process
        self.kills = limits()["kills"]
        for handle in (source, sink):
            os.set_blocking(handle, False)
        self.selector.register(source, selectors.EVENT_READ, self.read_host)
        wake, self.woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self.woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.woken, warn_on_full_buffer=False)
        self.selector.register(wake, selectors.EVENT_READ, lambda _: os.read(wake, 512))

    def run(self) -> None:
        self.greet()
        while True:
            timeout = RETRY if self.pending else LINGER / 2 if self.fading else None
            if self.deserted:
                timeout = RETRY
            for key, events in self.selector.select(timeout):
                key.data(events)
            if self.pending:
                self.connect_pending()
            self.reap()
            deserted, self.deserted = self.deserted, set()
            for stream in deserted:
                if self.streams.get(stream.number) is stream:
                    self.watch(stream)
            self.close_silent_terminals()

    def greet(self) -> None:
        """Say what runs here: nothing, unless another host has gone before."""
        hello: dict[str, object] = {
            "protocol": PROTOCOL,
            "python": list(sys.version_info[:3]),
            "uid": os.getuid(),
        }
        hello["home"] = os.environ.get("HOME", "/tmp")
        hello["highest"] = self.highest
        hello["processes"] = [
            {
                "number": number,
                "pid": self.processes[number].pid,
                "streams": {name: n for name, n in streams.items() if n in self.streams},
            }
            for number, streams in self.pipes.items()
        ]
        self.send_json(HELLO, 0, hello)

    # ---- to the host ---------------------------------------------------------------------------

    def send(self, kind: int, number: int, payload: bytes = b"") -> None:
        self.out.append(memoryview(HEADER.pack(kind, number, len(payload)) + payload))
        if len(self.out) == 1:
            self.flush(0)

    def send_json(self, kind: int, number: int, content: object) -> None:
        self.send(kind, number, json.dumps(content).encode())

    def flush(self, _events: int) -> None:
        while self.out:
            try:
                written = os.write(self.sink, self.out[0])
            except BlockingIOError:
                if self.sink not in self.selector.get_map():
                    self.selector.register(self.sink, selectors.EVENT_WRITE, self.flush)
                return
            except OSError:
                self.end()
            if written == len(self.out[0]):
                self.out.popleft()
            else:
                self.out[0] = self.out[0][written:]
        if self.sink in self.selector.get_map():
            self.selector.unregister(self.sink)

    # ---- from the host -------------------------------------------------------------------------

    def read_host(self, _events: int) -> None:
        try:
            chunk = os.read(self.source, MOST)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.end()
        self.received += chunk
        position = 0
        while len(self.received) - position >= HEADER.size:
            kind, number, length = HEADER.unpack_from(self.received, position)
            if length > MOST:
                self.end()
            if len(self.received) - position - HEADER.size < length:
                break
            position += HEADER.size
            self.handle(kind, number, bytes(self.received[position : position + length]))
            position += length
        del self.received[:position]

    def handle(self, kind: int, number: int, payload: bytes) -> None:
        stream = self.streams.get(number)
        self.highest = max(self.highest, number)
        if kind == DATA:
            if stream is not None and stream.writes:
                stream.waiting.append(payload)
                self.write_stream(stream)
        elif kind == EOF:
            if stream is not None:
                stream.ending = True
                self.write_stream(stream)
        elif kind == GRANT:
            if stream is not None:
                stream.credit += struct.unpack(">I", payload)[0]
                self.watch(stream)
        elif kind == CLOSE:
            if stream is not None:
                self.drop(stream)
        elif kind == OPEN:
            wanted = json.loads(payload)
            # There from now on: what the host sends before the socket is bound waits in it.
            stream = self.streams[number] = NumberedStream(number, NOT_YET, reads=True, writes=True)
            self.pending.append((stream, wanted["address"], wanted["process"]))
            self.connect_pending()
        elif kind == SPAWN:
            self.spawn(number, json.loads(payload))
        elif kind == SIGNAL:
            wanted = json.loads(payload)
            pid = wanted.get("pid", 0)
            self.signal(number, wanted["signal"], wanted.get("to", "group"), pid)
        elif kind == RESET:
            self.begin_anew()
        elif kind == RESIZE:
            self.resize(number, json.loads(payload))
        elif kind == SWEEP:
            self.sweep(set(json.loads(payload)))
            self.send_json(ANSWER, number, {})
        elif kind == ASK:
            wanted = json.loads(payload)
            if "unnamed" in wanted:
                self.send_json(ANSWER, number, unnamed(wanted["unnamed"]))
            elif "identify" in wanted:
                self.send_json(
                    ANSWER, number, {path: identity(path) for path in wanted["identify"]}
                )
            elif "use" in wanted:
                self.send_json(ANSWER, number, use_of(wanted["use"]))
            elif "waits" in wanted:
                self.send_json(ANSWER, number, self.input_wait(wanted["waits"]))
            else:
                self.send_json(ANSWER, number, limits())

    # ---- streams -------------------------------------------------------------------------------

    def add(self, number: int, handle: int, reads: bool, writes: bool) -> NumberedStream:
        os.set_blocking(handle, False)
        self.streams[number] = stream = NumberedStream(number, handle, reads, writes)
        self.watch(stream)
        return stream

    def watch(self, stream: NumberedStream) -> None:
        """Tell the selector what this stream waits for now."""
        if stream.handle == NOT_YET:
            return
        events = 0
        if stream.reads and stream.credit > 0:
            events |= selectors.EVENT_READ
        if stream.waiting:
            events |= selectors.EVENT_WRITE
        known = self.selector.get_map().get(stream.handle)
        if not events:
            if known:
                self.selector.unregister(stream.handle)
        elif not known:
            self.selector.register(stream.handle, events, lambda ready: self.ready(stream, ready))
        elif known.events != events:
            self.selector.modify(stream.handle, events, known.data)

    def ready(self, stream: NumberedStream, events: int) -> None:
        if events & selectors.EVENT_WRITE and self.streams.get(stream.number) is stream:
            self.write_stream(stream)
        if events & selectors.EVENT_READ and self.streams.get(stream.number) is stream:
            self.read_stream(stream)

    def read_stream(self, stream: NumberedStream) -> None:
        try:
            chunk = os.read(stream.handle, min(CHUNK, stream.credit))
        except BlockingIOError:
            return
        except OSError:
            if stream.process in self.processes:
                # Closed by a process as the last thing that it does: it would be killed by SIGHUP
                # if the terminal was closed here.
                self.deserted.add(stream)
                self.selector.unregister(stream.handle)
                return
            chunk = b""  # reset by the peer, or a terminal that no process has open
        if chunk:
            stream.read_at = time.monotonic()
            stream.credit -= len(chunk)
            self.send(DATA, stream.number, chunk)
            if stream.credit <= 0:
                self.send(FULL, stream.number)
            self.watch(stream)
            return
        self.send(EOF, stream.number)
        stream.reads = False
        # A socket whose peer is gone takes no more either; a pipe we only read is done.
        self.drop(stream)

    def write_stream(self, stream: NumberedStream) -> None:
        while stream.waiting and stream.handle != NOT_YET:
            try:
                written = os.write(stream.handle, stream.waiting[0])
            except BlockingIOError:
                break
            except OSError:
                self.send(CLOSE, stream.number)
                self.drop(stream)
                return
            stream.owed += written
            if stream.owed >= SHARE:
                self.send(GRANT, stream.number, struct.pack(">I", stream.owed))
                stream.owed = 0
            if written == len(stream.waiting[0]):
                stream.waiting.popleft()
            else:
                stream.waiting[0] = stream.waiting[0][written:]
        if stream.ending and not stream.waiting:
            self.drop(stream)
            return
        self.watch(stream)

    def drop(self, stream: NumberedStream) -> None:
        if self.streams.pop(stream.number, None) is None:
            return
        if stream.handle == NOT_YET:
            return
        if stream.handle in self.selector.get_map():
            self.selector.unregister(stream.handle)
        os.close(stream.handle)

    def begin_anew(self) -> None:
        """Another host goes on: close all streams but the pipes of processes, and greet it."""
        pipes = {number for streams in self.pipes.values() for number in streams.values()}
        for stream in list(self.streams.values()):
            if stream.number in pipes:
                # What waits was granted to the other host.
                stream.credit, stream.owed = WINDOW, -sum(map(len, stream.waiting))
                self.watch(stream)
            else:
                self.drop(stream)
        self.greet()

    def connect_pending(self) -> None:
        still = []
        for stream, address, process in self.pending:
            if self.streams.get(stream.number) is not stream:
                continue  # closed by the host meanwhile
            kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
            link = socket.socket(kind, socket.SOCK_STREAM)
            try:
                link.connect(address if isinstance(address, str) else tuple(address))
            except OSError:
                link.close()
                if process in self.processes:
                    still.append((stream, address, process))
                else:
                    self.send(CLOSE, stream.number)
                    self.drop(stream)
            else:
                stream.handle = link.detach()
                os.set_blocking(stream.handle, False)
                self.write_stream(stream)
        self.pending = still

    # ---- processes -----------------------------------------------------------------------------

    def spawn(self, number: int, wanted: Wanted) -> None:
        master, slave = NOT_YET, NOT_YET
        try:
            if "terminal" in wanted:
                master, slave = os.openpty()
                set_size(slave, wanted["size"])
            for folder in wanted.get("folders", ()):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            for path, content in wanted.get("files", ()):
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
                with os.fdopen(os.open(path, flags, 0o600), "w") as file:
                    file.write(content)
            process = subprocess.Popen(
                wanted["argv"],
                stdin=pipe_or_null("stdin" in wanted) if slave == NOT_YET else slave,
                stdout=pipe_or_null("stdout" in wanted) if slave == NOT_YET else slave,
                stderr=pipe_or_null("stderr" in wanted) if slave == NOT_YET else slave,
                cwd=wanted.get("cwd"),
                env={**os.environ, **wanted.get("env", {})},
                start_new_session=True,
                preexec_fn=None if slave == NOT_YET else own_terminal,
                bufsize=0,
            )
        except (ValueError, subprocess.SubprocessError) as error:
            # A NUL or a lone surrogate in a word of the command.
            self.send_json(FAILED, number, {"errno": "EINVAL", "message": str(error)})
            close(master)
            return
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "")
            text = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
            self.send_json(FAILED, number, {"errno": name, "message": text})
            close(master)
            return
        finally:
            close(slave)
        self.processes[number] = process
        self.temporary.update(dict.fromkeys(wanted.get("temporary", ()), number))
        if master != NOT_YET:
            terminal = self.add(wanted["terminal"], master, reads=True, writes=True)
            terminal.process = number
            self.terminals[number] = terminal
        pipes = (
            ("stdin", process.stdin, wanted.get("stdin", 0)),
            ("stdout", process.stdout, wanted.get("stdout", 0)),
            ("stderr", process.stderr, wanted.get("stderr", 0)),
        )
        if master == NOT_YET:
            self.pipes[number] = {name: stream for name, pipe, stream in pipes if pipe is not None}
        for _, pipe, stream in pipes:
            self.highest = max(self.highest, stream)
            if pipe is not None:
                handle = os.dup(pipe.fileno())
                pipe.close()
                fed = pipe is process.stdin
                self.add(stream, handle, reads=not fed, writes=fed)
        self.send_json(ANSWER, number, {"pid": process.pid})

    def signal(self, number: int, which: int, to: str, pid: int) -> None:
        """To the group of a process, to all of its session, or to the group in the foreground of
        its terminal; or, to kill them, to it and all that it has started (`family`), or of the
        process `pid` that another relay has started."""
        if to == "family" and pid:
            kill_family(pid)
            return
        process = self.processes.get(number)
        if process is None:
            if which == signal.SIGKILL and number in self.ended:
                kill_group(self.ended[number])  # what a killed driver has left
            return
        group = process.pid
        terminal = self.terminals.get(number)
        try:
            if to == "foreground" and terminal is not None:
                group = os.tcgetpgrp(terminal.handle) or group
            if to == "family":
                kill_family(process.pid)
            if to == "session":
                signal_session(process.pid, which)
            os.killpg(group, which)
        except OSError:
            pass  # gone in this moment; EXIT says so

    def input_wait(self, number: int) -> dict[str, object]:
        process, terminal = self.processes.get(number), self.terminals.get(number)
        if process is None or terminal is None or terminal.number not in self.streams:
            return {"kind": "works", "token": "", "echo": True}
        return input_wait(process.pid, terminal.handle)

    def resize(self, number: int, size: tuple[int, int]) -> None:
        terminal = self.terminals.get(number)
        if terminal is not None and terminal.number in self.streams:
            set_size(terminal.handle, size)

    def close_silent_terminals(self) -> None:
        """A background process may have the terminal of an ended one open for ever."""
        now = time.monotonic()
        for stream in list(self.fading):
            if self.streams.get(stream.number) is not stream:
                self.fading.remove(stream)
            elif stream.credit <= 0:
                stream.read_at = now  # there is more, and the host does not take it yet
            elif now > stream.read_at + LINGER:
                self.send(EOF, stream.number)
                self.drop(stream)

    def sweep(self, keep: set[int]) -> None:
        """End every process in here but ourselves and the groups to keep."""
        kept = {process.pid for number, process in self.processes.items() if number in keep}
        if not self.is_alone:  # only what we started is ours to end
            for process in self.processes.values():
                if process.pid not in kept:
                    kill_group(process.pid)
            return
        if not kept:
            try:
                os.kill(-1, signal.SIGKILL)  # all in one call: no fork bomb outruns it
            except OSError:
                pass  # there was nobody
            return
        for _ in range(50):
            found = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid != 1]
            doomed = [pid for pid in found if pid != os.getpid() and group(pid) not in kept]
            if not doomed:
                return
            for pid in doomed:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass  # gone meanwhile
            time.sleep(0.002)

    def reap(self) -> None:
        numbers = {process.pid: number for number, process in self.processes.items()}
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = numbers.get(pid)
            if number is None:
                continue  # an orphan
            process = self.processes.pop(number)
            self.pipes.pop(number, None)
            code = process.returncode = os.waitstatus_to_exitcode(status)
            self.remove_temporary(number)
            self.ended[number] = process.pid
            if len(self.ended) > MOST_ENDED:
                del self.ended[next(iter(self.ended))]
            terminal = self.terminals.pop(number, None)
            if terminal is not None:
                terminal.read_at = time.monotonic()
                self.fading.append(terminal)
            now = limits()
            kills, self.kills = now["kills"] - self.kills, now["kills"]
            own = {
                "own_peak": used.ru_maxrss * 1024,
                "own_cpu": int((used.ru_utime + used.ru_stime) * 1e9),
            }
            self.send_json(EXIT, number, {**now, **own, "code": code, "kills": kills})

    def remove_temporary(self, number: int | None = None) -> None:
        """The temporary files of a process, or all."""
        for path, owner in list(self.temporary.items()):
            if number in (None, owner):
                del self.temporary[path]
                try:
                    os.unlink(path)
                except OSError:
                    pass  # the process has removed it

    def end(self) -> NoReturn:
        """The host is gone: so is all of this."""
        self.remove_temporary()
        if self.is_alone:
            os._exit(0)  # init ends with us, and the kernel ends the rest with it
        end_descendants(os.getpid())
        for process in self.processes.values():
            kill_group(process.pid)
        os._exit(0)


def kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except OSError:
        pass  # gone meanwhile


def kill_family(leader: int) -> None:
    try:
        os.kill(leader, signal.SIGSTOP)
    except OSError:
        return  # gone meanwhile
    end_descendants(leader)
    kill_group(leader)


def signal_session(leader: int, which: int) -> None:
    """To all processes of a session but its leader."""

    def find() -> set[int]:
        pids = {int(pid) for pid in filter(str.isdigit, os.listdir("/proc"))}
        return {pid for pid in pids if session_of(pid) == leader != pid}

    if which == signal.SIGKILL:
        kill_all(find)
    else:
        send_signal(find(), which)


def pipe_or_null(wanted: bool) -> int:
    return subprocess.PIPE if wanted else subprocess.DEVNULL


def own_terminal() -> None:
    """In the child, which leads a session by now: its stdin becomes its controlling terminal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def set_size(terminal: int, size: tuple[int, int]) -> None:
    """(rows, columns); what the terminal refuses is left as it was."""
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    except (OSError, struct.error):
        pass


def close(handle: int) -> None:
    if handle != NOT_YET:
        os.close(handle)


def main() -> None:
    source, sink = os.dup(0), os.dup(1)
    hide()
    if os.getpid() == 1:
        become_init(source, sink)
    is_alone = os.getppid() == 1
    if not is_alone:
        adopt_orphans()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    Relay(source, sink, is_alone).run()


main()
