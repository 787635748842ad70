"""A spawned program as events: its streams, its displays, how it ended.

The consumer pulls batches. A batch that holds a display is acknowledged when the consumer asks for
the next one, so the program goes on only after its display was shown, and a consumer that is slow
slows the program, as a terminal does.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.programs import shell_status
from codeexec.kernels.base import (
    Displayed,
    DisplayRefreshed,
    Finished,
    KernelEvent,
    OutputCleared,
    StreamWritten,
)
from codeexec.kernels.process.spawn import SpawnedProgram

if TYPE_CHECKING:
    from codeexec.kernels.process.crashes.report import CrashReport

CHUNK = 1 << 18
"""Bytes of a stream that one batch holds at most."""

GATHER = 0.004
"""Seconds in which small writes are gathered: each batch costs a repaint."""

LINGER = 2.0
"""Seconds that a stream is read on after the program's end where a child still holds it."""

MOST_MESSAGE = 256 * 2**20
"""Bytes of a message at most; a larger one is refused with a notice in its place."""

MOST_ERRORS = 1 << 18
"""Characters of a program's stderr, the last ones, in which diagnostics are looked for."""

StreamName = Literal["stdout", "stderr"]


class _Source:
    """A descriptor that is read when it is ready. `unread` is what was read from it already."""

    def __init__(self, fd: int, changed: asyncio.Event, unread: bytes = b"") -> None:
        self.fd = fd
        self.is_ready = False
        self._unread = unread
        if unread:
            changed.set()
        self.is_open = True
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._on_ready)

    def _on_ready(self) -> None:
        self._loop.remove_reader(self.fd)
        self.is_ready = True
        self._changed.set()

    def read(self, limit: int = CHUNK) -> bytes:
        """All that is there, up to `limit` bytes."""
        pieces = [self._unread]
        size = len(self._unread)
        self._unread = b""
        while self.is_open and size < limit:
            try:
                piece = os.read(self.fd, limit - size)
            except BlockingIOError:
                break
            except OSError:
                piece = b""  # Linux: no process holds the pseudo-terminal any more
            if not piece:
                self.close()
                break
            pieces.append(piece)
            size += len(piece)
        if self.is_ready and self.is_open:
            self.is_ready = False
            self._loop.add_reader(self.fd, self._on_ready)
        return b"".join(pieces)

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._loop.remove_reader(self.fd)


class ProgramRun:
    """Follows one program from its start to its end: `async for batch in run.events()`."""

    def __init__(self, spawned: SpawnedProgram, execution: str) -> None:
        self.spawned = spawned
        self.crash: CrashReport | None = None
        """The backtrace of a crash, once the program has ended."""
        self.ended = 0.0
        """The monotonic time of its end."""
        self.variables = ""
        """JSON of `guest/prelude.py`, once the program has ended and where it was asked for."""
        self._execution = execution
        self._error: ErrorInfo | None = None
        self._changed = asyncio.Event()
        self._exit = asyncio.Event()
        self._channel = _Source(spawned.channel, self._changed)
        self._partial = b""
        self._streams: dict[StreamName, _Source] = {}
        self._decoders: dict[StreamName, codecs.IncrementalDecoder] = {}
        self._follow("stdout", spawned.stdout, spawned.unread)
        self._follow("stderr", spawned.stderr)
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=self._wait, args=(loop,), name=f"wait-{spawned.pid}", daemon=True
        ).start()

    def _follow(self, name: StreamName, fd: int | None, unread: bytes = b"") -> None:
        if fd is not None:
            self._streams[name] = _Source(fd, self._changed, unread)
            self._decoders[name] = codecs.getincrementaldecoder("utf-8")("replace")

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self.spawned.process.wait()
        with contextlib.suppress(RuntimeError):  # the loop has ended before the program
            loop.call_soon_threadsafe(self._on_exit)

    def _on_exit(self) -> None:
        self.ended = time.monotonic()
        self._exit.set()
        self._changed.set()

    @property
    def has_ended(self) -> bool:
        return self._exit.is_set()

    @property
    def status(self) -> int:
        """The exit status as a shell has it."""
        return shell_status(self.spawned.process.returncode)

    async def events(self) -> AsyncIterator[list[KernelEvent]]:
        """Batches in order; the last one ends with `Finished`."""
        try:
            while not self.has_ended:
                await self._changed.wait()
                self._changed.clear()
                if self._channel.is_ready or not self._streams:
                    events, acks = self._take_all()
                else:
                    await asyncio.sleep(GATHER)
                    events, acks = self._take_streams(), 0
                if events:
                    yield events
                self._acknowledge(acks)
            async for events in self._rest():
                yield events
        finally:
            self.close()

    async def _rest(self) -> AsyncIterator[list[KernelEvent]]:
        """What is still in the pipes after the program's end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while True:
                    self._changed.clear()
                    events, acks = self._take_all()
                    if events:
                        yield events
                        self._acknowledge(acks)
                        continue
                    if not any(source.is_open for source in self._streams.values()):
                        break
                    await self._changed.wait()
        events = self._take_streams(final=True)
        if (read_crash := self.spawned.read_crash) is not None:
            path, code = self.spawned.spool.path, self.spawned.process.returncode
            self.crash = await asyncio.to_thread(read_crash, path, code)
        if self.crash is not None:
            events.append(StreamWritten(self._execution, "stderr", self.crash.folded))
        yield [
            *events,
            Finished(self._execution, "error" if self.status else "ok", self._failure()),
        ]

    def _failure(self) -> ErrorInfo | None:
        code = self.spawned.process.returncode
        return self._error if code > 0 and self._error is not None else exit_error(code)

    # -- streams -------------------------------------------------------------------------

    def _take_streams(self, *, final: bool = False) -> list[KernelEvent]:
        events: list[KernelEvent] = []
        for name, source in self._streams.items():
            data = source.read()
            text = self._decoders[name].decode(data, final=final)
            if text:
                events.append(StreamWritten(self._execution, name, text))
        return events

    # -- displays ------------------------------------------------------------------------

    def _take_all(self) -> tuple[list[KernelEvent], int]:
        """The streams, and then the messages whose program waits; how many these are."""
        lines = (self._partial + self._channel.read()).split(b"\n")
        self._partial = lines.pop()
        # The program flushed its streams before it sent the message.
        events = self._take_streams()
        for line in lines:
            message = self._read_message(line.decode("ascii", "replace"))
            if message is not None:
                events += self._translate(message)
        return events, len(lines)

    def _read_message(self, name: str) -> Mapping[str, object] | None:
        """The content of a spool file, which is removed. None for an unknown message."""
        if not name.replace("-", "").isdigit():
            return None
        path = self.spawned.spool.path / name
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(fd, "rb") as file:
                data = file.read(MOST_MESSAGE)
            path.unlink()
            message = json.loads(data)
        except (OSError, ValueError, RecursionError):
            return None
        return message if isinstance(message, dict) else None

    def _translate(self, message: Mapping[str, object]) -> list[KernelEvent]:
        data, metadata = message.get("data"), message.get("metadata")
        values = {str(key): value for key, value in data.items()} if isinstance(data, dict) else {}
        events = metadata if isinstance(metadata, dict) else {}
        display_id = message.get("display_id")
        name = display_id if isinstance(display_id, str) else None
        match message.get("kind"):
            case "display" if values:
                return [Displayed(self._execution, values, events, "display", name)]
            case "update" if values and name:
                return [DisplayRefreshed(name, values, events)]
            case "clear":
                return [OutputCleared(self._execution, bool(message.get("wait")))]
            case "error":
                self._error = ErrorInfo(str(message.get("name")), str(message.get("value")))
            case "variables":
                self.variables = str(message.get("text") or "")
        return []

    def _acknowledge(self, count: int) -> None:
        if count:
            with contextlib.suppress(OSError):  # the program has ended meanwhile
                os.write(self.spawned.ack, b"." * count)

    # -- signals -------------------------------------------------------------------------

    def interrupt(self) -> None:
        """SIGINT: to its whole group where it leads one, as a terminal sends it."""
        if self.spawned.keys is None:
            self._signal(signal.SIGINT)
        else:
            self._signal_group(signal.SIGINT)

    def pause(self) -> None:
        """Stop the group of a program that leads one. SIGSTOP, as its terminal's SIGTSTP is thrown
        away: no process of its session has a parent outside that could continue it."""
        self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal_group(signal.SIGCONT)

    def _signal_group(self, number: int) -> None:
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.spawned.pid, number)

    def terminate(self, number: int = signal.SIGTERM) -> None:
        """A signal to the program and all its descendants."""
        import psutil

        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.spawned.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.send_signal(number)
        self._signal(number)

    async def end(self, seconds: float) -> None:
        """SIGTERM to the program and its descendants, and SIGKILL after `seconds`."""
        for number, wait in ((signal.SIGTERM, seconds), (signal.SIGKILL, seconds)):
            if self.has_ended:
                return
            self.terminate(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._exit.wait()

    def _signal(self, number: int) -> None:
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                self.spawned.process.send_signal(number)

    def close(self) -> None:
        for source in (self._channel, *self._streams.values()):
            source.close()
        self.spawned.close()


def joined_errors(errors: str, events: Sequence[KernelEvent]) -> str:
    """The last characters of stderr after these events."""
    for event in events:
        if isinstance(event, StreamWritten) and event.stream == "stderr":
            errors = (errors + event.text)[-MOST_ERRORS:]
    return errors


def exit_error(code: int) -> ErrorInfo | None:
    """The error of an execution whose program ended with `code`, negative for a signal; None for
    0."""
    if code < 0:
        return ErrorInfo("Signal", signal_name(-code))
    return ErrorInfo("SystemExit", str(code)) if code else None


def signal_name(number: int) -> str:
    """Such as SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
