"""Keeps what an ipykernel sends until the session has journaled it, and sends it again on request.

Loaded by launch.py into every kernel that we launch; standard library only, Python 3.8 on. Each
iopub message gets a number, as one more routing frame in front of the signed part: the message
itself stays as it is. A control request acknowledges numbers and asks for those after a given one.
"""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import struct
import sys
import tempfile
import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Frames = tuple[bytes, ...]  # of one message, from the delimiter on

TAG = b"codeexec-outbox="
DELIMITER = b"<IDS|MSG>"
REQUEST, REPLY = "codeexec_outbox_request", "codeexec_outbox_reply"
ACKNOWLEDGE = "codeexec_acknowledge"
"""In the metadata of an execute_request, which may acknowledge a number as well."""
QUESTION = b'"codeexec-q-'
"""How the ids of the session's own questions begin; see kernels/jupyter/track.py."""

MEMORY = 64 << 20
DISK = 256 << 20
SEGMENT = 8 << 20
SPOOL = "outbox-"
"""How the names of spool files begin; they are numbered from 1."""

METADATA = b"codeexec_outbox"
"""The key of a message's metadata with its number, where there is no routing frame. In an
execute_reply: the number of the last message that was sent before it."""

RECORD = struct.Struct("<QI")
"""Of a record in the spool: the message's number, 0 for a reply, and how many frames follow."""

COPIED = 16 << 20
"""Bytes of the longest frame up to which zmq copies a message."""

LARGE = 1 << 18
"""Bytes of a message above which it is sent before it is on disk."""

MOST_PARTS = 16
"""One call writes so many; more are joined before."""

RETRY = 1000
"""Messages after which a disk that had no room is tried again."""

OVERHEAD = 500
"""Bytes that the objects of one message need beside its content."""

ROOM = 1 << 20
REPLIES = 8
TAKEN = 64
CHECK_WAIT = 2.0


class Segment:
    """One file of the spool; `last` is the highest number that it is needed for."""

    def __init__(self, path: str, last: int) -> None:
        self.path, self.last, self.size = path, last, 0


class Spool:
    """Every message and reply in files of one folder, written before a flush returns, so that
    they outlive the process. A record: `RECORD`, then the length of each frame, then the frames."""

    def __init__(self, folder: str, limit: int, segment: int) -> None:
        self._folder, self._limit, self._segment = folder, limit, segment
        self.segments: deque[Segment] = deque()
        self._size = self._count = 0
        self._fd = -1
        self._waits_until = 0

    def write(self, number: int, frames: Frames, needed_for: int) -> None:
        """`number` is 0 for a reply. Needed until `needed_for` is acknowledged."""
        lengths = struct.pack(f"<{len(frames)}Q", *map(len, frames))
        parts = (RECORD.pack(number, len(frames)), lengths, *frames)
        size = sum(map(len, parts))
        if self._fd < 0 and not self._begin(needed_for, size):
            return
        segment = self.segments[-1]
        try:
            if len(parts) > MOST_PARTS:
                parts = (b"".join(parts),)
            if os.writev(self._fd, parts) < size:
                raise OSError("the disk is full")
        except OSError:  # what was cut short is passed over by readers
            self._end()
            self._waits_until = needed_for + RETRY
            return
        segment.size += size
        segment.last = max(segment.last, needed_for)
        self._size += size
        if segment.size >= self._segment:
            self._end()

    def forget(self, number: int) -> None:
        """Messages up to `number` are not needed any more."""
        while self.segments and self.segments[0].last <= number:
            self._drop()

    def read(self, segment: Segment) -> list[tuple[int, Frames]]:
        """What is in it, up to where it cannot be read."""
        try:
            with open(segment.path, "rb") as file:
                return parse(file.read())
        except OSError:
            return []

    def _begin(self, number: int, size: int) -> bool:
        if number < self._waits_until or size > self._limit:
            return False
        while self.segments and self._size + max(size, self._segment) > self._limit:
            self._drop()
        self._count += 1
        path = os.path.join(self._folder, f"{SPOOL}{self._count:08d}")
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError:
            self._waits_until = number + RETRY
            return False
        self.segments.append(Segment(path, number))
        return True

    def _end(self) -> None:
        os.close(self._fd)
        self._fd = -1

    def _drop(self) -> None:
        if len(self.segments) == 1 and self._fd >= 0:
            self._end()
        segment = self.segments.popleft()
        self._size -= segment.size
        try:
            os.unlink(segment.path)
        except OSError:
            pass  # the folder is gone


def parse(data: bytes) -> list[tuple[int, Frames]]:
    """Numbers and messages of a spool file; a record that was cut short ends it."""
    records: list[tuple[int, Frames]] = []
    at = 0
    while at + RECORD.size <= len(data):
        number, count = RECORD.unpack_from(data, at)
        begin = at + RECORD.size + 8 * count
        if begin > len(data):
            break
        frames = []
        for size in struct.unpack_from(f"<{count}Q", data, at + RECORD.size):
            frames.append(data[begin : begin + size])
            begin += size
        if begin > len(data):
            break
        records.append((number, tuple(frames)))
        at = begin
    return records


class Outbox:
    """Messages by number, from 1: all of them on disk, the newest in memory too. Where the disk
    has no room, the oldest are dropped. For any thread."""

    def __init__(
        self, folder: str, memory: int = MEMORY, disk: int = DISK, segment: int = SEGMENT
    ) -> None:
        self.token = os.urandom(8).hex()
        self.last = 0
        self.acknowledged = 0
        self._memory = memory
        self._messages: deque[Frames] = deque()
        self._size = 0
        self._spool = Spool(folder, disk, segment)
        self._lock = threading.Lock()
        self._read: tuple[tuple[str, int], list[tuple[int, Frames]]] | None = None

    def send(self, frames: Frames, send: Callable[[int], Any]) -> Any:
        """Keep a message (bytes, from the delimiter on), and send it with its number."""
        with self._lock:
            self.last += 1
            size = sum(map(len, frames))
            if size <= LARGE:
                self._keep(frames, size)
                return send(self.last)
            try:  # it is on its way while the disk takes it, which is milliseconds
                return send(self.last)
            finally:
                self._keep(frames, size)

    def _keep(self, frames: Frames, size: int) -> None:
        self._spool.write(self.last, frames, self.last)
        self._messages.append(frames)
        self._size += OVERHEAD + size
        while self._size > self._memory:
            self._pop()

    def add_reply(self, frames: Frames) -> None:
        """Keep a reply for readers of a dead kernel's spool, until the message after it,
        which is idle, is acknowledged."""
        with self._lock:
            self._spool.write(0, frames, self.last + 1)

    def acknowledge(self, number: int) -> None:
        """Everything up to `number` is journaled, and can be forgotten."""
        with self._lock:
            number = min(number, self.last)
            if number <= self.acknowledged:
                return
            self.acknowledged = number
            self._spool.forget(number)
            while self._messages and self.last - len(self._messages) < number:
                self._pop()

    def after(self, number: int, room: int = ROOM) -> tuple[int, list[Frames], int]:
        """The number of the first message kept after `number`; it and those that follow, of
        `room` bytes together or little more; and how many before it were dropped."""
        with self._lock:
            begin = max(number, self.acknowledged)
            first, messages = self._find(begin + 1, room)
            return first, messages, first - 1 - begin

    def _find(self, first: int, room: int) -> tuple[int, list[Frames]]:
        oldest = self.last - len(self._messages) + 1
        for segment in self._spool.segments if first < oldest else ():
            if segment.last < first:
                continue
            # One is asked for many times in a row, piece by piece.
            key = (segment.path, segment.size)
            if self._read is None or self._read[0] != key:
                self._read = (key, self._spool.read(segment))
            records = [record for record in self._read[1] if record[0] >= first]
            if records and records[0][0] < oldest:
                return records[0][0], fill([frames for _, frames in records], 0, room)
        self._read = None
        first = max(first, oldest)
        return first, fill(self._messages, first - oldest, room)

    def _pop(self) -> None:
        frames = self._messages.popleft()
        self._size -= OVERHEAD + sum(map(len, frames))


def fill(messages: Iterable[Frames], start: int, room: int) -> list[Frames]:
    """Messages from `start` on, until `room` bytes are reached."""
    batch: list[Frames] = []
    for frames in islice(messages, start, None):
        batch.append(frames)
        room -= sum(map(len, frames))
        if room <= 0:
            break
    return batch


class Hooks:
    """What ties an outbox to ipykernel: its one way out for iopub, its session, its requests."""

    def __init__(self, outbox: Outbox, kernel: Any, io_thread: Any, owner: str = "") -> None:
        """`owner` is the session that it is for where a server stands between, which lets no
        routing frames through: then numbers are in the metadata."""
        self.outbox = outbox
        self._owner = owner
        self._kernel = kernel
        self._session = kernel.session
        self._pid = os.getpid()
        self._send = io_thread._really_send
        self._schedule = io_thread.schedule
        self._events = io_thread._events  # who queues a message wakes the thread too
        self._queue: deque[Any] = deque()
        self._accepted = 0
        self._accepting = threading.Lock()
        self._send_later = io_thread.send_multipart
        self._io_thread = io_thread.thread
        self._send_reply = kernel.session.send
        self._input = kernel._input_request
        self._execute = kernel.shell_handlers["execute_request"]
        self._replies: deque[Any] = deque(maxlen=REPLIES)
        self._taken: deque[str] = deque(maxlen=TAKEN)
        self._question: Any = None
        self._asking = threading.Lock()
        self._checked = threading.Event()

    def install(self, io_thread: Any) -> bool:
        """False, and nothing is changed, where messages do not come this way."""
        io_thread._really_send = self.send
        io_thread.send_multipart([TAG])
        if not self._checked.wait(CHECK_WAIT):
            del io_thread._really_send
            return False
        io_thread.send_multipart = self.send_multipart
        io_thread.schedule = self.schedule
        self._session.send = self.send_reply
        self._kernel._input_request = self.input_request
        self._kernel.shell_handlers["execute_request"] = self.execute_request
        self._kernel.control_handlers[REQUEST] = self.answer
        # ipykernel pauses before a reply, so that clients get the output first: numbers do that.
        self._kernel._execute_sleep = 0.0
        return True

    def send_multipart(self, frames: list[bytes], *args: Any, **kwargs: Any) -> None:
        """In the place of the I/O thread's: what that thread sends itself, the text of a flush,
        goes out at once when nothing is queued before it, and is on disk when `flush` returns."""
        if os.getpid() != self._pid:
            self._send_later(frames, *args, **kwargs)
            return
        at = self._delimiter(frames)
        is_io_thread = threading.get_ident() == self._io_thread.ident
        # What is accepted is sent in this order, so this counts up to the number that it will have.
        with self._accepting:
            self._accepted += at >= 0
            is_at_once = is_io_thread and not self._queue
            if not is_at_once:
                self._queue.append((at, frames, args, kwargs))
        if is_at_once:
            self._send_accepted(at, frames, *args, **kwargs)
        else:
            self._schedule(self._send_queued)

    def _send_queued(self) -> None:
        at, frames, args, kwargs = self._queue.popleft()
        self._send_accepted(at, frames, *args, **kwargs)

    def schedule(self, event: Any) -> None:
        """In the place of the I/O thread's: `flush` waits for an event; it goes behind the text
        of the flush where that had to be queued."""
        if getattr(event, "__func__", None) is threading.Event.set:
            self._schedule(lambda: self._events.append(event) if self._queue else event())
        else:
            self._schedule(event)

    def send(self, frames: list[bytes], *args: Any, **kwargs: Any) -> Any:
        """In the place of the I/O thread's `_really_send`, which is called for what was scheduled
        before this class was installed, and in a forked child, whose parent numbers it."""
        if os.getpid() != self._pid:
            return self._send(frames, *args, **kwargs)
        if frames[0] == TAG:
            self._checked.set()
            return None
        with self._accepting:
            at = self._delimiter(frames)
            self._accepted += at >= 0
        return self._send_accepted(at, frames, *args, **kwargs)

    @staticmethod
    def _delimiter(frames: list[bytes]) -> int:
        """The place of the delimiter in a message that gets a number; -1: it gets none."""
        topic = frames[0]
        try:
            at = 0 if topic == DELIMITER else frames.index(DELIMITER)
        except ValueError:  # somebody sends what is no message
            return -1
        # What the session's own questions cause is asked for again by nobody.
        is_aside = topic[-7:] == b".status" or topic[:5] == b"comm-"
        return -1 if is_aside and QUESTION in frames[at + 3] else at

    def _send_accepted(self, at: int, frames: list[bytes], *args: Any, **kwargs: Any) -> Any:
        """Number the message, keep it and send it; only on the I/O thread. `at` is the place of
        its delimiter."""
        if at < 0:
            return self._send(frames, *args, **kwargs)
        message = tuple(frames[at:])
        if len(message) > 6:  # buffers may be memory that the user's code writes to later
            message = tuple(map(bytes, message))
        # zmq starts a thread for the first message that it does not copy, which takes 12 ms.
        kwargs["copy"] = max(map(len, frames)) <= COPIED

        def send_numbered(number: int) -> Any:
            if self._owner:
                numbered = self._numbered(message, number)
            else:
                numbered = [TAG + b"%d" % number, *message]
            return self._send([*frames[:at], *numbered], *args, **kwargs)

        return self.outbox.send(message, send_numbered)

    def _numbered(self, message: Frames, number: int) -> list[bytes]:
        """The message with its number in the metadata, signed again."""
        delimiter, _, header, parent, metadata, *rest = message
        comma = b"" if metadata[1:2] == b"}" else b","
        metadata = b'{"%s":%d%s' % (METADATA, number, comma) + metadata[1:]
        parts = [header, parent, metadata, *rest]
        return [delimiter, self._session.sign(parts[:4]), *parts]

    def send_reply(
        self, stream: Any, kind: Any, content: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """In the place of the session's `send`: remember replies that a session waits for."""
        if kind == "kernel_info_reply":
            content = dict(content or {}, codeexec_outbox=self.state())
        if kind == "input_request":
            # A client that has the question may ask `answer` for it at once, in another thread.
            with self._asking:
                self._question = message = self._send_reply(stream, kind, content, *args, **kwargs)
            return message
        if kind == "execute_reply" and "metadata" in kwargs:
            # Its output is flushed by now: who has everything up to this number has all of it.
            last = {METADATA.decode(): self._accepted}
            kwargs["metadata"] = {**(kwargs["metadata"] or {}), **last}
        message = self._send_reply(stream, kind, content, *args, **kwargs)
        if message is None:  # a forked child does not answer
            return None
        if kind == "execute_reply":
            self._replies.append(message)
            self._schedule(lambda: self.outbox.add_reply(self._pack(message)))
        return message

    def input_request(self, *args: Any, **kwargs: Any) -> Any:
        """A question is open until its answer has come, or an interrupt."""
        try:
            return self._input(*args, **kwargs)
        finally:
            self._question = None

    def execute_request(self, stream: Any, ident: Any, parent: Any) -> Any:
        self._taken.append(parent["header"]["msg_id"])
        number = (parent.get("metadata") or {}).get(ACKNOWLEDGE)
        if isinstance(number, int):
            self.outbox.acknowledge(number)
        return self._execute(stream, ident, parent)

    def state(self) -> dict[str, Any]:
        return {"token": self.outbox.token, "last": self.outbox.last, "owner": self._owner}

    def answer(self, stream: Any, ident: Any, parent: Any) -> None:
        """Handle a control request {acknowledge, after?, room?, inline?}.

        The reply says what there is, and where it was asked for `after`: the messages as buffers,
        `frames` of each in turn, of iopub first (numbered from `first` on), then `replies`
        execute_replies, then the open question for input, if `question`.
        """
        outbox, request = self.outbox, parent["content"]
        outbox.acknowledge(int(request.get("acknowledge", 0)))
        # Before the messages: what is sent meanwhile is asked for again.
        content = dict(self.state())
        buffers: list[bytes] = []
        if "after" in request:
            with self._asking:
                replies, question = list(self._replies), self._question
            first, messages, dropped = outbox.after(
                int(request["after"]), int(request.get("room", ROOM))
            )
            others = [
                self._pack(message) for message in (*replies, question) if message is not None
            ]
            content.update(
                first=first,
                dropped=dropped,
                messages=len(messages),
                replies=len(replies),
                question=question is not None,
                taken=list(self._taken),
                frames=[len(frames) for frames in (*messages, *others)],
            )
            buffers = [frame for frames in (*messages, *others) for frame in frames]
        if request.get("inline") and buffers:
            content["kept"] = [base64.b64encode(frame).decode() for frame in buffers]
            buffers = []
        self._send_reply(stream, REPLY, content, parent, ident, buffers=buffers)

    def _pack(self, message: Any) -> Frames:
        return tuple(self._session.serialize(message))


def install(app: Any) -> bool:
    """Give an initialized IPKernelApp an outbox. Where ipykernel is not as we know it there is
    none, and the session says so when it matters."""
    try:
        folder = os.environ.pop("CODEEXEC_SPOOL", "") or os.path.dirname(
            os.path.abspath(app.abs_connection_file)
        )
        return Hooks(Outbox(folder), app.kernel, app.iopub_thread).install(app.iopub_thread)
    except (AttributeError, KeyError, TypeError) as error:
        print("no outbox:", type(error).__name__, error, file=sys.__stderr__)
        return False


FOLDER = "codeexec-outbox-"
"""How the names of folders for kernels that a server launched begin; the process id follows."""


def install_here(owner: str) -> bool:
    """Give the kernel that runs this an outbox for the session `owner`, unless another session
    has one. Its files are in a folder of its own, removed at the end of the process."""
    from ipykernel.kernelapp import IPKernelApp

    try:
        app = IPKernelApp.instance()
        if REQUEST in app.kernel.control_handlers:
            return False
        remove_left()
        folder = tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Hooks(Outbox(folder), app.kernel, app.iopub_thread, owner).install(app.iopub_thread)
    except (AttributeError, KeyError, TypeError, OSError):
        return False


def remove_left() -> None:
    """Remove the folders of kernels that were killed."""
    base = tempfile.gettempdir()
    for name in os.listdir(base):
        pid = name[len(FOLDER) :].split("-")[0]
        if not name.startswith(FOLDER) or not pid.isdigit():
            continue
        path = os.path.join(base, name)
        try:
            if os.lstat(path).st_uid == os.getuid():
                os.kill(int(pid), 0)
        except ProcessLookupError:
            shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass  # it is there, or another user's
