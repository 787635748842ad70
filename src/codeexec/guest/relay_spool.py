"""Keeps a relay on a machine that `ssh` reaches, and what it says while no line is there.

Sent over the stdin of `ssh` as source: standard library alone, Python 3.9 or later. `start` makes
a folder of its own below /tmp, forks into a process without a terminal (the spool), which starts
the relay (`guest/relay.py`), in a job of a batch system where the order has a command line for that
(`launch`, with `{command}`), and then joins it; `join` only joins. To join means to pass the bytes
of stdin and stdout on to the spool's Unix socket, until one of them ends.

The two ends of a line (this one and `environments/ssh/resumable.py`) count the bytes of both
directions and keep what the other end has not acknowledged. After a cut each end says how many it
has, and the other one goes on from there: so the pipes of the relay never notice.

A line that begins with FRESH is of another session server, which knows nothing of what was said
before. It gets a new relay; the old one is heard no more, and keeps the processes it has started.
In a job another relay would be another job: there the same relay greets it, and says what it runs.
"""

from __future__ import annotations

import json
import os
import selectors
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

HEADER = struct.Struct(">BQI")  # kind, offset in the bytes of this direction, length of the payload
HELLO, DATA, ACK, END, GONE, BYE, FRESH, SAID = range(8)
MOST = 1 << 20  # bytes of one payload
CHUNK = 1 << 16
ACK_EVERY = 1 << 16  # bytes after which they are acknowledged
MOST_KEPT = 256 << 20  # bytes of the relay that wait for a line; then it is not read
ABSENCE = 72 * 3600.0  # seconds without a line after which everything here is ended
FIRST_ABSENCE = 60.0  # the same where none has come yet: the start was given up
END_WAIT = 5.0  # seconds for the relay to end by itself
JOB_WAIT = 10.0  # the same for a job, and then for it to be cancelled
MOST_SAID = 1 << 16  # bytes of a batch system that are kept until a line takes them
MARK = b"codeexec-spool "  # begins the line before which a login shell may have printed anything
FOLDER = "/tmp/codeexec-"  # socket paths below it must be short
SOCKET = "s"
LENGTH = struct.Struct(">I")
RELAY_HEADER = struct.Struct(">BII")  # of a frame of the relay: kind, number, length of the payload
RELAY_HELLO, RELAY_RESET = 0, 15  # kinds of such frames


class RelaySpool:
    """One relay, and at most one line."""

    def __init__(
        self, folder: str, listener: socket.socket, relay: bytes, boot: str, launch: str
    ) -> None:
        self.folder = folder
        self.launch = launch  # starts the relay in a job; empty: it is a child of ours
        self.batch_output = bytearray()  # by the batch system, not told yet
        self.has_words = False  # it may say more
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.kept = bytearray()  # what the relay has said and the other end has not acknowledged
        self.acknowledged = 0  # offset of the first byte in `kept`
        self.cursor = 0  # offset of the next byte to send on this line
        self.received = 0  # bytes that have come for the relay
        self.told = 0  # of them, those that were acknowledged
        self.program, self.boot = relay, boot
        self.unwritten = bytearray()  # for the relay's stdin
        self.unfinished = bytearray()  # the beginning of a frame for the relay in a job
        self.unparsed = bytearray()  # of a relay in a job: less than the header of a frame
        self.frame_rest = 0  # bytes of its present frame that have not come
        self.awaits_greeting = False  # its frames are for a session server that is gone
        self.has_begun = False  # it has said something
        self.line: socket.socket | None = None
        self.is_greeted = False
        self.absence = FIRST_ABSENCE
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.is_gone_told = False
        self.absent_since = time.monotonic()
        self.retired: list[subprocess.Popen[bytes]] = []
        self.start_relay()
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, self.accept)

    def start_relay(self) -> None:
        command = [sys.executable, "-IS", "-c", self.boot, str(len(self.program))]
        environ = dict(os.environ)
        if self.launch:
            command_line = " ".join(map(shlex.quote, command))
            command = ["/bin/sh", "-c", self.launch.replace("{command}", command_line)]
            environ["SLURM_UNBUFFEREDIO"] = "1"  # else srun passes on whole lines alone
        self.relay = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if self.launch else None,
            bufsize=0,
            env=environ,
            start_new_session=bool(self.launch),  # a group of its own, which is cancelled whole
        )
        if self.relay.stderr is not None:
            self.has_words = True
            os.set_blocking(self.relay.stderr.fileno(), False)
            self.wait_for(self.relay.stderr.fileno(), selectors.EVENT_READ, self.read_words)
        assert self.relay.stdin is not None
        assert self.relay.stdout is not None
        self.sink, self.source = self.relay.stdin.fileno(), self.relay.stdout.fileno()
        self.has_source = True
        for handle in (self.sink, self.source):
            os.set_blocking(handle, False)
        self.unwritten[:] = self.program

    def retire_relay(self) -> None:
        """Begin anew for another session server."""
        old = self.source
        self.wait_for(self.sink, 0, None)
        self.wait_for(old, selectors.EVENT_READ, self.read_relay)
        self.selector.modify(old, selectors.EVENT_READ, lambda _: self.drop_words(old))
        self.retired.append(self.relay)
        self.kept.clear()
        self.acknowledged = self.cursor = self.received = self.told = 0
        self.start_relay()

    def reset_relay(self) -> None:
        """Let the relay of a job greet another session server, which hears it from there on."""
        self.kept.clear()
        self.unfinished.clear()
        self.acknowledged = self.cursor = self.received = self.told = 0
        self.awaits_greeting = True
        self.unwritten += RELAY_HEADER.pack(RELAY_RESET, 0, 0)

    def after_greeting(self, chunk: bytes) -> bytes:
        """Follow the frames of the relay; the part of this chunk that is to be kept."""
        self.unparsed += chunk
        kept = bytearray()
        while True:
            part = self.unparsed[: self.frame_rest]
            del self.unparsed[: len(part)]
            self.frame_rest -= len(part)
            if not self.awaits_greeting:
                kept += part
            if self.frame_rest or len(self.unparsed) < RELAY_HEADER.size:
                return bytes(kept)
            kind, _, length = RELAY_HEADER.unpack_from(self.unparsed)
            self.awaits_greeting = self.awaits_greeting and kind != RELAY_HELLO
            self.frame_rest = RELAY_HEADER.size + length

    def whole_frames(self, payload: bytes) -> bytes:
        """What the relay may read now: the end of a frame may never come."""
        self.unfinished += payload
        position = 0
        while len(self.unfinished) - position >= RELAY_HEADER.size:
            _, _, length = RELAY_HEADER.unpack_from(self.unfinished, position)
            if len(self.unfinished) - position - RELAY_HEADER.size < length:
                break
            position += RELAY_HEADER.size + length
        whole = bytes(self.unfinished[:position])
        del self.unfinished[:position]
        return whole

    def drop_words(self, source: int) -> None:
        try:
            if os.read(source, CHUNK):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.selector.unregister(source)

    def run(self) -> None:
        """Until the other end says END, or no line has come for `absence` seconds."""
        while True:
            self.watch()
            remaining = None
            if self.line is None:
                remaining = self.absent_since + self.absence - time.monotonic()
                if remaining <= 0:
                    self.end()
                    return
            for key, events in self.selector.select(remaining):
                key.data(events)

    def watch(self) -> None:
        """Tell the selector what each descriptor waits for now."""
        wants_more = self.has_source and len(self.kept) < MOST_KEPT
        self.wait_for(self.source, selectors.EVENT_READ if wants_more else 0, self.read_relay)
        self.wait_for(self.sink, selectors.EVENT_WRITE if self.unwritten else 0, self.write_relay)
        if self.line is not None:
            events = selectors.EVENT_READ
            if self.outgoing or self.fill():
                events |= selectors.EVENT_WRITE
            self.wait_for(self.line.fileno(), events, self.serve)

    def wait_for(self, handle: int, events: int, work: object) -> None:
        registered = self.selector.get_map().get(handle)
        if registered is None:
            if events:
                self.selector.register(handle, events, work)
        elif not events:
            self.selector.unregister(handle)
        elif registered.events != events:
            self.selector.modify(handle, events, work)

    # ---- the relay -----------------------------------------------------------------------------

    def read_relay(self, _events: int) -> None:
        try:
            chunk = os.read(self.source, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self.has_source = bool(chunk)
        self.has_begun = self.has_begun or self.has_source
        self.kept += self.after_greeting(chunk) if self.launch else chunk

    def read_words(self, _events: int) -> None:
        """What the batch system says."""
        assert self.relay.stderr is not None
        handle = self.relay.stderr.fileno()
        try:
            chunk = os.read(handle, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self.batch_output += chunk
        del self.batch_output[:-MOST_SAID]
        if not chunk:
            self.has_words = False
            self.wait_for(handle, 0, None)

    def write_relay(self, _events: int) -> None:
        try:
            del self.unwritten[: os.write(self.sink, self.unwritten[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self.unwritten.clear()  # it has ended; the end of its output says so

    # ---- the line ------------------------------------------------------------------------------

    def accept(self, _events: int) -> None:
        try:
            line, _ = self.listener.accept()
        except OSError:
            return
        self.let_go()  # the one before is dead, which only its own end may know
        line.setblocking(False)
        self.line = line

    def let_go(self) -> None:
        line, self.line = self.line, None
        if line is not None:
            self.wait_for(line.fileno(), 0, None)
            line.close()
        self.is_greeted = self.is_gone_told = False
        self.incoming.clear()
        self.outgoing.clear()
        self.absent_since = time.monotonic()

    def serve(self, events: int) -> None:
        line = self.line
        if line is None:
            return
        try:
            if events & selectors.EVENT_WRITE:
                del self.outgoing[: line.send(self.outgoing[:CHUNK])]
            if events & selectors.EVENT_READ:
                chunk = line.recv(CHUNK)
                if not chunk:
                    self.let_go()
                    return
                self.incoming += chunk
        except BlockingIOError:
            pass
        except OSError:
            self.let_go()
            return
        self.take_frames()

    def take_frames(self) -> None:
        position = 0
        while len(self.incoming) - position >= HEADER.size:
            kind, offset, length = HEADER.unpack_from(self.incoming, position)
            if length > MOST:
                self.let_go()
                return
            if len(self.incoming) - position - HEADER.size < length:
                break
            position += HEADER.size
            payload = bytes(self.incoming[position : position + length])
            position += length
            if not self.take(kind, offset, payload):
                self.let_go()
                return
        del self.incoming[:position]

    def take(self, kind: int, offset: int, payload: bytes) -> bool:
        """False for what makes no sense."""
        if kind == FRESH:
            if self.launch:
                self.reset_relay()
            else:
                self.retire_relay()
            kind, offset = HELLO, 0
        if kind in (HELLO, ACK):
            count = offset - self.acknowledged
            if not 0 <= count <= len(self.kept):
                return False
            del self.kept[:count]
            self.acknowledged = offset
            if kind == HELLO:
                self.absence = ABSENCE
                self.is_greeted, self.cursor = True, offset
                self.outgoing += HEADER.pack(HELLO, self.received, 0)
                self.told = self.received
        elif kind == DATA:
            if offset != self.received:
                return False
            self.received += len(payload)
            self.unwritten += self.whole_frames(payload) if self.launch else payload
        elif kind == END:
            self.end()
        return True

    def fill(self) -> bool:
        """Put the next frame into `outgoing`; false where there is none."""
        if not self.is_greeted:
            return False
        if self.received - self.told >= ACK_EVERY:
            self.outgoing += HEADER.pack(ACK, self.received, 0)
            self.told = self.received
        if self.batch_output:
            self.outgoing += HEADER.pack(SAID, 0, len(self.batch_output)) + self.batch_output
            self.batch_output.clear()
        start = self.cursor - self.acknowledged
        chunk = self.kept[start : start + CHUNK]
        if chunk:
            self.outgoing += HEADER.pack(DATA, self.cursor, len(chunk)) + chunk
            self.cursor += len(chunk)
        elif not self.has_source and not self.has_words and not self.is_gone_told:
            self.outgoing += HEADER.pack(GONE, self.cursor, 0)
            self.is_gone_told = True
        return bool(self.outgoing)

    # ---- the end -------------------------------------------------------------------------------

    def end(self) -> None:
        """End the relay with all that it has started, remove the folder, and exit."""
        relays = [*self.retired, self.relay]
        for relay in relays:
            for pipe in (relay.stdin, relay.stdout):
                if pipe is not None:
                    self.wait_for(pipe.fileno(), 0, None)
                    pipe.close()  # the relay ends all and then itself
        for relay in relays:
            if self.launch:
                self.end_job(relay)
                continue
            try:
                relay.wait(END_WAIT)
            except subprocess.TimeoutExpired:
                relay.kill()
                relay.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.line is not None:
            try:
                self.line.setblocking(True)
                self.line.settimeout(END_WAIT)
                self.line.sendall(bytes(self.outgoing) + HEADER.pack(BYE, 0, 0))
            except OSError:
                pass  # the line is cut: nobody waits for it
        os._exit(0)

    def end_job(self, relay: subprocess.Popen[bytes]) -> None:
        """Wait until the job ends with its relay, and cancel it where that has not begun."""
        for signum in (0 if self.has_begun else signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(relay.pid, signum)
            except OSError:
                pass  # it has ended meanwhile
            try:
                relay.wait(JOB_WAIT)
                return
            except subprocess.TimeoutExpired:
                pass


def make_folder() -> str:
    while True:
        folder = FOLDER + os.urandom(4).hex()
        try:
            os.mkdir(folder, 0o700)
            return folder
        except FileExistsError:
            continue


def start(relay: bytes, boot: str, launch: str) -> str:
    """The folder of a new spool, which listens."""
    folder = make_folder()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(folder, SOCKET))
    listener.listen(4)
    child = os.fork()
    if child:
        listener.close()
        os.waitpid(child, 0)
        return folder
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(os.path.join(folder, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        spool = RelaySpool(folder, listener, relay, boot, launch)
        signal.signal(signal.SIGTERM, lambda *_: spool.end())
        spool.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)
    return folder


def join(folder: str) -> None:
    """Pass bytes both ways between our stdio and the spool."""
    spool = socket.socket(socket.AF_UNIX)
    try:
        spool.connect(os.path.join(folder, SOCKET))
    except OSError as error:
        if isinstance(error, ConnectionRefusedError):
            shutil.rmtree(folder, ignore_errors=True)  # of a spool that was killed
        tell({"problem": "gone", "message": str(error.strerror)})
        return
    facts = {"folder": folder, "home": os.path.expanduser("~"), "python": sys.executable}
    tell({**facts, "version": list(sys.version_info[:3])})
    threading.Thread(target=pass_stdin, args=(spool,), daemon=True).start()
    while True:
        try:
            chunk = spool.recv(CHUNK)
        except OSError:
            return
        if not chunk:
            return
        write(chunk)


def pass_stdin(spool: socket.socket) -> None:
    try:
        while True:
            chunk = os.read(0, CHUNK)
            if not chunk:
                break
            spool.sendall(chunk)
    except OSError:
        pass
    try:
        spool.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended by itself


def tell(facts: dict[str, object]) -> None:
    write(b"\n" + MARK + json.dumps(facts).encode() + b"\n")


def write(content: bytes) -> None:
    unwritten = memoryview(content)
    while unwritten:
        unwritten = unwritten[os.write(1, unwritten) :]


def read_exactly(size: int) -> bytes:
    content = b""
    while len(content) < size:
        chunk = os.read(0, size - len(content))
        if not chunk:
            sys.exit(125)
        content += chunk
    return content


def main() -> None:
    os.umask(0o077)
    order = json.loads(read_exactly(LENGTH.unpack(read_exactly(LENGTH.size))[0]))
    if "folder" in order:
        join(order["folder"])
        return
    relay = read_exactly(order["relay"])
    try:
        folder = start(relay, order["boot"], order.get("launch", ""))
    except OSError as error:
        tell({"problem": "start", "message": f"{error.strerror}: {error.filename}"})
        return
    join(folder)


main()
