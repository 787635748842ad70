"""The way out: frames as lines of JSON, written by one thread in the order in which they were sent.

User code never writes itself, so an interrupt cannot cut a frame in two, and neighbouring text is
one frame. `SimpleQueue` is safe against interrupts in the middle of a call.
"""

from __future__ import annotations

import codecs
import json
import os
import select
import threading
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from time import sleep
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.guest.runner.interrupts import Interrupts

LONGEST_FRAME = 64 << 20
"""Bytes of one frame; the reader refuses longer ones."""
LONGEST_TEXT = 1 << 16
"""Characters of output in one frame."""
MOST_UNWRITTEN = 8 << 20
"""Characters of output that wait for a slow reader; then the code that prints waits."""
FLUSH_SECONDS = 1.0
PIPE_BYTES = 1 << 16
"""A pipe holds at most so many, so one read takes all that is in it."""

EXECUTION: ContextVar[str] = ContextVar("codeexec_execution", default="")
"""The id of the execution whose code runs in this context; threads have none of their own."""


def encode(frame: dict[str, Any]) -> bytes:
    """A frame as a line. TypeError and ValueError as `json.dumps`."""
    text = json.dumps(frame, ensure_ascii=False, default=repr)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # lone surrogates
        return json.dumps(frame, default=repr).encode() + b"\n"


class FrameWriter:
    """`execution` is the id of the last execution that has begun, which owns all other output."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._added = self._removed = 0
        self.execution = ""
        self.is_forked = False
        """This process is a fork of the runner: nobody writes frames here."""
        self.pass_on_children: Callable[[], None] = lambda: None
        """Called before each thing that is sent: what child processes have written stands before
        it."""
        threading.Thread(target=self._write_frames, name="codeexec-output", daemon=True).start()

    def send(self, kind: str, execution: str, **fields: Any) -> None:
        if self.is_forked:
            return
        self.pass_on_children()
        line = encode({"type": kind, "id": execution, **fields})
        if len(line) > LONGEST_FRAME:
            notice = f"[A message of {len(line):,} bytes was left out: "
            notice += f"{LONGEST_FRAME:,} are the most.]\n"
            line = encode({"type": "stderr", "id": execution, "data": notice})
        self._queue.put(line)

    def send_text(self, stream: str, execution: str, text: str) -> None:
        self.pass_on_children()
        self.put_text(stream, execution, text)

    def put_text(self, stream: str, execution: str, text: str) -> None:
        """The same for text of child processes."""
        self._added += len(text)
        self._queue.put((stream, execution, text))
        if self._added - self._removed > MOST_UNWRITTEN:
            self._wait_for_reader()

    def owner(self) -> str:
        """The execution that output of the calling code belongs to."""
        owner = EXECUTION.get()
        if not owner:
            owner = getattr(threading.current_thread(), "_codeexec_execution", "")
        return owner or self.execution

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until all that was sent is written, or so long."""
        if self.is_forked:
            return
        written = threading.Lock()
        written.acquire()
        self._queue.put(written)
        written.acquire(timeout=seconds)

    def _wait_for_reader(self) -> None:
        if threading.current_thread().name == "codeexec-output":
            return
        while self._added - self._removed > MOST_UNWRITTEN // 2:
            sleep(0.002)

    def _write_frames(self) -> None:
        while True:
            lines: list[bytes] = []
            written: list[Any] = []
            self._gather(lines, written)
            try:
                self._write(b"".join(lines))
            except OSError:
                return  # nobody reads any more; the end of the requests ends the process
            for lock in written:
                lock.release()

    def _gather(self, lines: list[bytes], written: list[Any]) -> None:
        """What is there, at least one entry: neighbouring text of one stream as one frame."""
        texts: list[str] = []
        key = ("", "")
        size = 0
        entry = self._queue.get()
        while True:
            if type(entry) is tuple:
                stream, execution, text = entry
                if (stream, execution) != key or size > LONGEST_TEXT:
                    self._add_text(lines, key, texts)
                    texts, key, size = [], (stream, execution), 0
                texts.append(text)
                size += len(text)
            else:
                self._add_text(lines, key, texts)
                texts, key = [], ("", "")
                (lines if type(entry) is bytes else written).append(entry)
            if len(lines) > 8 or written:
                break
            try:
                entry = self._queue.get_nowait()
            except Empty:
                break
        self._add_text(lines, key, texts)

    def _add_text(self, lines: list[bytes], key: tuple[str, str], texts: list[str]) -> None:
        text = "".join(texts)
        self._removed += len(text)
        for at in range(0, len(text), LONGEST_TEXT):
            part = text[at : at + LONGEST_TEXT]
            lines.append(encode({"type": key[0], "id": key[1], "data": part}))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]


class ChildOutput:
    """What processes write to the descriptors 1 and 2 is output of the execution that runs.

    A thread passes it on as it comes. Before the code itself sends something, what is in the pipes
    is passed on: the output of a process that has ended stands before what is printed after it.
    """

    def __init__(self, channel: FrameWriter, interrupts: Interrupts) -> None:
        self._channel = channel
        self._interrupts = interrupts
        self._lock = threading.RLock()  # a signal handler of the user's may print within `take`
        self._is_taking = False
        self._readers: dict[int, tuple[str, Any]] = {}
        for fd, stream in ((1, "stdout"), (2, "stderr")):
            reader, writer = os.pipe()
            os.dup2(writer, fd)
            os.close(writer)
            os.set_blocking(reader, False)
            self._readers[reader] = (stream, codecs.getincrementaldecoder("utf-8")("replace"))
        self._pipes = list(self._readers)
        channel.pass_on_children = self._pass_on
        threading.Thread(target=self._follow, name="codeexec-children", daemon=True).start()

    def take(self) -> None:
        """Pass on what is in the pipes now."""
        if self._channel.is_forked:
            return  # it is read by the runner
        with self._lock:
            was_taking, self._is_taking = self._is_taking, True
            for fd, (stream, decoder) in self._readers.items():
                try:
                    data = os.read(fd, PIPE_BYTES)
                except BlockingIOError:
                    continue
                text = decoder.decode(data)
                if text:
                    self._channel.put_text(stream, self._channel.execution, text)
            self._is_taking = was_taking

    def _pass_on(self) -> None:
        """Before something is sent: pass on what processes have written until now.

        The pipes are looked at each time, which takes a microsecond: a process may have written and
        ended since the look of another thread, or since that for the print before.
        """
        if self._channel.is_forked:
            return
        is_waiting = select.select(self._pipes, [], [], 0)[0]
        if is_waiting or self._is_taking:  # in this order: what is being taken has left the pipe
            self._interrupts.shield(self.take)

    def _follow(self) -> None:
        while True:
            select.select(self._pipes, [], [])
            self.take()
