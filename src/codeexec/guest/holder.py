"""Starts the processes of a session server and keeps them, with their terminals, when it dies.

Run as `python -I -S holder.py LISTENER GRACE [PID FOLDER]`: LISTENER is a listening Unix socket
that is already bound in a private folder, PID a child that was started before. A connection sends
requests as JSON lines and gets answers (`id`) and events as JSON lines; the descriptor of a
terminal goes along by SCM_RIGHTS. One that sends a `read` request carries the raw output of a
channel from then on. `environments/holder/client.py` is the other end.

The holder is the parent of what it starts, so exit status and peak memory are exact, and it is a
subreaper: what daemonizes becomes its child, and is reaped. It is small, because the peak memory
of a child starts at the size of its parent.

A process ends with the connection that started it, unless a file `stay` lies in its folder. One
that ends while no server is connected leaves `exit` (JSON) and `output-CHANNEL` in its folder. The
holder exits when it has no connection and no process.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from typing import NoReturn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codeexec.guest.held import (
        CHUNK,
        PR_SET_CHILD_SUBREAPER,
        Channel,
        Connection,
        Job,
        find_family,
        launch,
        make_streams,
        prctl,
        read_more,
        remove_folder,
        write_private,
    )
else:
    # Isolated mode leaves the folder of this file out.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from held import (
        CHUNK,
        PR_SET_CHILD_SUBREAPER,
        Channel,
        Connection,
        Job,
        find_family,
        launch,
        make_streams,
        prctl,
        read_more,
        remove_folder,
        write_private,
    )

MOST_REQUEST = 16 << 20
LINGER = 0.2
"""Seconds of silence after which the terminal of an ended process is closed, though a background
process still has it open."""
RETRY = 0.05
"""Seconds between looks at a terminal that no process has open."""
FIRST_CONNECTION = 10.0
SWEEPS = 50
BAD_REQUEST = (ValueError, LookupError, TypeError, OverflowError, RecursionError, struct.error)
"""What a request may raise that is not one of ours; its sender is hung up on."""
ACK = struct.Struct(">Q")


class Holder:
    def __init__(self, listener: socket.socket, grace: float, first: Job | None) -> None:
        """`grace`: seconds after the death of a server in which a full channel waits for the next
        server; after that its oldest bytes are dropped. `first` is a process that was started
        before this program, and belongs to the first connection."""
        self.listener = listener
        self.first = first
        self.grace = grace
        self.selector = selectors.DefaultSelector()
        self.jobs: dict[int, Job] = {} if first is None else {first.number: first}
        self.connections: set[Connection] = set()
        self.count = len(self.jobs)
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
        self.reap()  # the first process may have ended before there was a handler
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
            if any(job.is_deserted(each) for each in job.channels.values()):
                return RETRY
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
        if self.first is not None:
            self.first.owner, self.first = connection, None
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
            data = connection.link.recv(CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
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
            except BAD_REQUEST:
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
        job.survives = bool(request.get("survives"))
        handles: list[int] = []
        try:
            child = make_streams(job, request, handles)
            job.pid = launch(child, request)
        except (OSError, *BAD_REQUEST) as error:
            for handle in {*job.inputs, *(each.handle for each in job.channels.values())}:
                os.close(handle)
            if not isinstance(error, OSError):
                raise
            connection.send({"id": number, "errno": error.errno, "file": error.filename})
            return
        finally:
            for handle in handles:
                os.close(handle)
        self.jobs[job.number] = job
        connection.send({"id": number, **job.describe()}, job.inputs)

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
                if job.must_wait(channel) or job.is_deserted(channel):
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
            data = read_more(channel.handle)
        except BlockingIOError:
            return False
        except OSError:
            # Linux: no process has the terminal open now. One that runs may have closed it as the
            # last thing that it does, and would be killed by SIGHUP if it was closed here.
            if job.ended is None:
                channel.retry_at = time.monotonic() + RETRY
                return False
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
            is_left = job.owner is None and job is not self.first
            if is_left and not any(each.is_open for each in job.channels.values()):
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
        Holder(listener, float(sys.argv[2]), read_first(sys.argv[3:])).run()
    finally:
        remove_folder(folder)


def read_first(words: list[str]) -> Job | None:
    """The process that was started before this program: PID FOLDER."""
    if not words:
        return None
    job = Job(1, words[1], None)
    job.pid = int(words[0])
    job.ends_group = job.survives = True
    return job


if __name__ == "__main__":
    main()
