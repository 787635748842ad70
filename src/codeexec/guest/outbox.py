"""Keeps what an ipykernel sends until the session has journaled it, and sends it again on request.

Loaded by launch.py into every kernel that we launch; standard library only, Python 3.8 on. Each
iopub message gets a number, as one more routing frame in front of the signed part: the message
itself stays as it is. A control request acknowledges numbers and asks for those after a given one.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    Frames = tuple[bytes, ...]  # of one message, from the delimiter on

TAG = b"codeexec-outbox="
DELIMITER = b"<IDS|MSG>"
REQUEST, REPLY = "codeexec_outbox_request", "codeexec_outbox_reply"
QUESTION = b'"codeexec-q-'
"""How the ids of the session's own questions begin; see kernels/jupyter/track.py."""

MEMORY = 64 << 20
DISK = 256 << 20
CHUNK = 8 << 20
OVERHEAD = 500
"""Bytes that the objects of one message need beside its content."""

ROOM = 1 << 20
REPLIES = 8
TAKEN = 64
CHECK_WAIT = 2.0


class Chunk:
    """Messages `first` to `last` in a private file without a name: it goes with the process."""

    def __init__(self, folder: str, first: int, messages: list[Frames]) -> None:
        self.first, self.last = first, first + len(messages) - 1
        parts = []
        for frames in messages:
            parts.append(struct.pack("<I", len(frames)))
            for frame in frames:
                parts += (struct.pack("<Q", len(frame)), frame)
        data = b"".join(parts)
        self.size = len(data)
        path = os.path.join(folder, f"outbox-{first}")
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.unlink(path)
            view = memoryview(data)
            while view:
                view = view[os.write(self.fd, view) :]
        except BaseException:
            os.close(self.fd)
            raise

    def read(self) -> list[Frames]:
        """All its messages."""
        data = b""
        while len(data) < self.size:
            piece = os.pread(self.fd, self.size - len(data), len(data))
            if not piece:
                raise OSError("the spool file is cut short")
            data += piece
        messages: list[Frames] = []
        at = 0
        while at < self.size:
            (count,) = struct.unpack_from("<I", data, at)
            at += 4
            frames = []
            for _ in range(count):
                (size,) = struct.unpack_from("<Q", data, at)
                frames.append(data[at + 8 : at + 8 + size])
                at += 8 + size
            messages.append(tuple(frames))
        return messages

    def close(self) -> None:
        os.close(self.fd)


class Outbox:
    """Messages by number, from 1: the newest in memory, older ones in chunks on disk, the oldest
    dropped where both are full. For any thread."""

    def __init__(
        self, folder: str, memory: int = MEMORY, disk: int = DISK, chunk: int = CHUNK
    ) -> None:
        self.token = os.urandom(8).hex()
        self.last = 0
        self.acknowledged = 0
        self.dropped = 0
        """The highest number that was dropped before it was acknowledged; 0: none."""
        self._folder = folder
        self._memory, self._disk, self._chunk = memory, disk, chunk
        self._messages: deque[Frames] = deque()
        self._size = 0
        self._chunks: deque[Chunk] = deque()
        self._on_disk = 0
        self._lock = threading.Lock()
        self._read: tuple[Chunk, list[Frames]] | None = None

    def add(self, frames: Frames) -> int:
        """Keep a message (bytes, from the delimiter on); returns its number."""
        with self._lock:
            self.last += 1
            self._messages.append(frames)
            self._size += OVERHEAD + sum(map(len, frames))
            while self._size > self._memory:
                self._spool()
            return self.last

    def acknowledge(self, number: int) -> None:
        """Everything up to `number` is journaled, and can be forgotten."""
        with self._lock:
            number = min(number, self.last)
            if number <= self.acknowledged:
                return
            self.acknowledged = number
            while self._chunks and self._chunks[0].last <= number:
                self._forget_chunk()
            while self._messages and self.last - len(self._messages) < number:
                self._pop()

    def after(self, number: int, room: int = ROOM) -> tuple[int, list[Frames], int]:
        """The number of the first message kept after `number`; it and those that follow, of
        `room` bytes together or little more; and how many before it were dropped."""
        with self._lock:
            begin = max(number, self.acknowledged)
            first, messages = self._find(begin + 1, room)
            return first, messages, max(min(self.dropped, first - 1) - begin, 0)

    def _find(self, first: int, room: int) -> tuple[int, list[Frames]]:
        while self._chunks and self._chunks[-1].last >= first:
            chunk = next(chunk for chunk in self._chunks if chunk.last >= first)
            try:
                # One is asked for many times in a row, piece by piece.
                if self._read is None or self._read[0] is not chunk:
                    self._read = (chunk, chunk.read())
            except OSError:
                while self.dropped < chunk.last:
                    self.dropped = self._chunks[0].last
                    self._forget_chunk()
                continue
            first = max(first, chunk.first)
            return first, fill(self._read[1], first - chunk.first, room)
        oldest = self.last - len(self._messages) + 1
        first = max(first, oldest)
        return first, fill(self._messages, first - oldest, room)

    def _pop(self) -> Frames:
        frames = self._messages.popleft()
        self._size -= OVERHEAD + sum(map(len, frames))
        return frames

    def _spool(self) -> None:
        """Move the oldest messages from memory to disk."""
        first, size = self.last - len(self._messages) + 1, 0
        moved: list[Frames] = []
        while self._messages and size < self._chunk:
            before = self._size
            moved.append(self._pop())
            size += before - self._size
        try:
            while self._chunks and self._on_disk + size > self._disk:
                self.dropped = self._chunks[0].last
                self._forget_chunk()
            if size > self._disk:
                raise OSError("larger than the spool may be")
            chunk = Chunk(self._folder, first, moved)
        except OSError:  # the disk is full, or the folder gone
            while self._chunks:
                self._forget_chunk()
            self.dropped = first + len(moved) - 1
            return
        self._chunks.append(chunk)
        self._on_disk += chunk.size

    def _forget_chunk(self) -> None:
        chunk = self._chunks.popleft()
        self._on_disk -= chunk.size
        chunk.close()
        self._read = None


def fill(messages: Iterable[Frames], start: int, room: int) -> list[Frames]:
    """Messages from `start` on, until `room` bytes are reached."""
    found: list[Frames] = []
    for frames in islice(messages, start, None):
        found.append(frames)
        room -= sum(map(len, frames))
        if room <= 0:
            break
    return found


class Hooks:
    """What ties an outbox to ipykernel: its one way out for iopub, its session, its requests."""

    def __init__(self, outbox: Outbox, kernel: Any, io_thread: Any) -> None:
        self.outbox = outbox
        self._kernel = kernel
        self._session = kernel.session
        self._pid = os.getpid()
        self._send = io_thread._really_send
        self._send_reply = kernel.session.send
        self._input = kernel._input_request
        self._execute = kernel.shell_handlers["execute_request"]
        self._replies: deque[Any] = deque(maxlen=REPLIES)
        self._taken: deque[str] = deque(maxlen=TAKEN)
        self._question: Any = None
        self._checked = threading.Event()

    def install(self, io_thread: Any) -> bool:
        """False, and nothing is changed, where messages do not come this way."""
        io_thread._really_send = self.send
        io_thread.send_multipart([TAG])
        if not self._checked.wait(CHECK_WAIT):
            del io_thread._really_send
            return False
        self._session.send = self.send_reply
        self._kernel._input_request = self.input_request
        self._kernel.shell_handlers["execute_request"] = self.execute_request
        self._kernel.control_handlers[REQUEST] = self.answer
        return True

    def send(self, frames: list[bytes], *args: Any, **kwargs: Any) -> Any:
        """In the place of the I/O thread's `_really_send`: number the message and keep it."""
        if os.getpid() != self._pid:  # a forked child: its parent sends it, and numbers it then
            return self._send(frames, *args, **kwargs)
        topic = frames[0]
        if topic == TAG:
            self._checked.set()
            return None
        try:
            at = 0 if topic == DELIMITER else frames.index(DELIMITER)
        except ValueError:  # somebody sends what is no message
            return self._send(frames, *args, **kwargs)
        # What the session's own questions cause is asked for again by nobody.
        is_aside = topic[-7:] == b".status" or topic[:5] == b"comm-"
        if is_aside and QUESTION in frames[at + 3]:
            return self._send(frames, *args, **kwargs)
        kept = tuple(frames[at:])
        if len(kept) > 6:  # buffers may be memory that the user's code writes to later
            kept = tuple(map(bytes, kept))
        number = self.outbox.add(kept)
        return self._send([*frames[:at], TAG + b"%d" % number, *kept], *args, **kwargs)

    def send_reply(
        self, stream: Any, kind: Any, content: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """In the place of the session's `send`: remember replies that a session waits for."""
        if kind == "kernel_info_reply":
            content = dict(content or {}, codeexec_outbox=self.state())
        message = self._send_reply(stream, kind, content, *args, **kwargs)
        if message is None:  # a forked child does not answer
            return None
        if kind == "execute_reply":
            self._replies.append(message)
        elif kind == "input_request":
            self._question = message
        return message

    def input_request(self, *args: Any, **kwargs: Any) -> Any:
        """A question is open until its answer has come, or an interrupt."""
        try:
            return self._input(*args, **kwargs)
        finally:
            self._question = None

    def execute_request(self, stream: Any, ident: Any, parent: Any) -> Any:
        self._taken.append(parent["header"]["msg_id"])
        return self._execute(stream, ident, parent)

    def state(self) -> dict[str, Any]:
        return {"token": self.outbox.token, "last": self.outbox.last}

    def answer(self, stream: Any, ident: Any, parent: Any) -> None:
        """Handle a control request {acknowledge, after?, room?}.

        The reply says what there is, and where it was asked for `after`: the messages as buffers,
        `frames` of each in turn, of iopub first (numbered from `first` on), then `replies`
        execute_replies, then the open question for input, if `question`.
        """
        outbox, asked = self.outbox, parent["content"]
        outbox.acknowledge(int(asked.get("acknowledge", 0)))
        # Before the messages: what is sent meanwhile is asked for again.
        content = dict(self.state())
        buffers: list[bytes] = []
        if "after" in asked:
            replies, question = list(self._replies), self._question
            first, messages, dropped = outbox.after(
                int(asked["after"]), int(asked.get("room", ROOM))
            )
            others = [self._pack(each) for each in (*replies, question) if each is not None]
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
        self._send_reply(stream, REPLY, content, parent, ident, buffers=buffers)

    def _pack(self, message: Any) -> Frames:
        return tuple(self._session.serialize(message))


def install(app: Any) -> bool:
    """Give an initialized IPKernelApp an outbox. Where ipykernel is not as we know it there is
    none, and the session says so when it matters."""
    try:
        folder = os.path.dirname(os.path.abspath(app.abs_connection_file))
        return Hooks(Outbox(folder), app.kernel, app.iopub_thread).install(app.iopub_thread)
    except (AttributeError, KeyError, TypeError) as error:
        print("no outbox:", type(error).__name__, error, file=sys.__stderr__)
        return False
