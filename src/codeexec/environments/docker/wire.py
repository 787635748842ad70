"""The host's end of the pipe into a container: processes and byte streams over numbered frames.

The guest's end is `guest/relay.py`. What comes from there is hostile until checked: the code that
we run has the guest's own user id. So payloads are bounded, streams may not exceed what was
granted, and a frame that makes no sense ends the wire with a ProtocolError (and the container).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import struct
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, cast

from codeexec.domain.errors import EnvironmentUnavailable, ProtocolError
from codeexec.environments.base import ProcessEnd, TerminalSize

PROTOCOL = 1
HEADER = struct.Struct(">BII")
MOST = 1 << 18
WINDOW = 1 << 19
SHARE = WINDOW // 4
"""Bytes that are granted again at once: a grant for each small message would double the frames."""
CHUNK = 1 << 16
ANSWER_DEADLINE = 30.0
"""Seconds in which the relay must answer a request; it needs some milliseconds."""


LARGEST = (1 << 63) - 1
"""Of the numbers that a relay tells: more bytes than any machine has."""
KILL_DEADLINE = 3.0
"""Seconds in which the relay must tell the end of a killed process."""


class Kind(IntEnum):
    HELLO = 0
    SPAWN = 1
    OPEN = 2
    DATA = 3
    EOF = 4
    GRANT = 5
    CLOSE = 6
    SIGNAL = 7
    EXIT = 8
    FAILED = 9
    ASK = 10
    ANSWER = 11
    SWEEP = 12
    RESIZE = 13


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process in the container ended; bytes are of the whole container.

    `code` is negative for a signal; `kills` counts what the out-of-memory killer ended since the
    process before this one.
    """

    code: int
    kills: int
    peak: int
    limit: int


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """What the container uses now: bytes of memory (and how many it may), number of processes;
    seconds of cpu time since its start, 0 where that is not told."""

    used: int
    limit: int
    pids: int
    cpu: float = 0.0


class Writer(Protocol):
    """What the wire needs of an asyncio.StreamWriter."""

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...


class RelayStream:
    """Bytes to and from one socket or pipe in the container."""

    def __init__(self, wire: RelayConnection, number: int) -> None:
        self._wire = wire
        self.number = number
        self._received: deque[bytes] = deque()
        self._unread = 0
        self._owed = 0  # read, and not granted again yet
        self._credit = WINDOW
        self._ended = False
        self._refused = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def read(self) -> bytes:
        """The next bytes; b"" when there are no more."""
        while not self._received:
            if self._ended:
                return b""
            self._news.clear()
            await self._news.wait()
        chunk = self._received.popleft()
        self._unread -= len(chunk)
        self._owed += len(chunk)
        if self._owed >= SHARE:
            self._wire.send(Kind.GRANT, self.number, struct.pack(">I", self._owed))
            self._owed = 0
        return chunk

    async def write(self, data: bytes) -> None:
        """Send; waits while the container does not take more. BrokenPipeError when it is shut."""
        view = memoryview(data)
        while view:
            while self._credit <= 0 and not self._refused:
                self._room.clear()
                await self._room.wait()
            if self._refused:
                raise BrokenPipeError("the other end is shut")
            part = view[: min(CHUNK, self._credit)]
            self._credit -= len(part)
            self._wire.send(Kind.DATA, self.number, bytes(part))
            await self._wire.drain()
            view = view[len(part) :]

    def end(self) -> None:
        """Say that no more bytes follow."""
        self._wire.send(Kind.EOF, self.number)

    def close(self) -> None:
        """Let go of both directions; what is under way is dropped."""
        self._wire.forget(self.number)
        self._wire.send(Kind.CLOSE, self.number)
        self.shut()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.read():
            yield chunk

    # What the wire tells a stream.

    def took(self, payload: bytes) -> None:
        self._unread += len(payload)
        if self._unread + self._owed > WINDOW or self._ended:
            raise ProtocolError("The container sent more than it was granted.")
        self._received.append(payload)
        self._news.set()

    def granted(self, count: int) -> None:
        self._credit += count
        if self._credit > WINDOW:
            raise ProtocolError("The container granted what was never sent.")
        self._room.set()

    def ended(self) -> None:
        self._ended = True
        self._news.set()

    def shut(self) -> None:
        self._refused = True
        self._room.set()
        self.ended()


class GuestProcess:
    """A process in the container; it is an ExecHandle."""

    def __init__(
        self,
        wire: RelayConnection,
        number: int,
        stdin: RelayStream | None,
        out: RelayStream,
        err: RelayStream | None,
    ):
        """`err` is None where stdout and stderr are one terminal."""
        self._wire = wire
        self.number = number
        self._stdin = stdin
        self._out = out
        self._err = err or out
        self._feeding: asyncio.Task[None] | None = None
        self.pid = 0  # in the container
        self.exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        # Whoever waits hears of a failure; one that nobody waits for is no error of the loop.
        self.exit.add_done_callback(lambda future: future.cancelled() or future.exception())

    @property
    def stdout(self) -> AsyncIterator[bytes]:
        return aiter(self._out)

    @property
    def stderr(self) -> AsyncIterator[bytes]:
        return aiter(self._err)

    def feed(self, data: bytes) -> None:
        """Write `data` and close stdin, beside whatever else is done with the process."""
        self._feeding = asyncio.get_running_loop().create_task(self._feed(data))

    async def write(self, data: bytes) -> None:
        if self._stdin is None:
            raise BrokenPipeError("it has no stdin")
        await self._stdin.write(data)

    async def close_stdin(self) -> None:
        if self._stdin is not None:
            self._stdin.end()

    def poll(self) -> int | None:
        if self.exit.done() and self.exit.exception() is None:
            return self.exit.result().code
        return None

    async def wait(self) -> int:
        return (await asyncio.shield(self.exit)).code

    async def signal(self, number: int) -> None:
        self._wire.send_json(Kind.SIGNAL, self.number, {"signal": number})

    async def kill(self) -> None:
        await self.signal(9)
        try:
            async with asyncio.timeout(KILL_DEADLINE):
                await self.wait()
        except (EnvironmentUnavailable, TimeoutError):
            pass  # the container is gone, and the process with it; or its relay does not answer
        if self._feeding is not None:
            self._feeding.cancel()
        for stream in {self._out, self._err}:
            stream.close()

    def fail(self, reason: Exception) -> None:
        """The wire says: its end will never be known."""
        if not self.exit.done():
            self.exit.set_exception(reason)
        for stream in (self._out, self._err):
            stream.shut()

    async def _feed(self, data: bytes) -> None:
        try:
            await self.write(data)
        except BrokenPipeError:
            return  # a command that does not want its input is no error
        await self.close_stdin()


class GuestTerminal:
    """A process in the container on a pseudo-terminal; it is a TerminalHandle."""

    def __init__(self, wire: RelayConnection, process: GuestProcess, stream: RelayStream) -> None:
        self._wire = wire
        self._process = process
        self._stream = stream

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    async def resize(self, size: TerminalSize) -> None:
        content = [size.rows, size.columns]
        self._wire.send_json(Kind.RESIZE, self._process.number, content)

    async def signal(self, number: int) -> None:
        content = {"signal": number, "to": "foreground"}
        self._wire.send_json(Kind.SIGNAL, self._process.number, content)

    @property
    def is_echoing(self) -> bool:
        return True

    def poll(self) -> ProcessEnd | None:
        code = self._process.poll()
        return None if code is None else ProcessEnd(code)

    async def wait(self) -> ProcessEnd:
        return ProcessEnd(await self._process.wait())

    async def kill(self) -> None:
        self._wire.send_json(Kind.SIGNAL, self._process.number, {"signal": 9, "to": "session"})
        await self._process.kill()


class RelayConnection:
    """Frames over the pipe of one container, on the loop that runs `run`."""

    def __init__(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._streams: dict[int, RelayStream] = {}
        self._processes: dict[int, GuestProcess] = {}
        self._answers: dict[int, asyncio.Future[Mapping[str, object]]] = {}
        self.hello: asyncio.Future[Mapping[str, object]] = (
            asyncio.get_running_loop().create_future()
        )
        self._gone: Exception | None = None

    async def run(self) -> None:
        """Read frames until the pipe ends; ProtocolError when one makes no sense.

        On return every stream has ended and every process that was waited for is known as lost.
        """
        try:
            while True:
                kind, number, length = HEADER.unpack(await self._reader.readexactly(HEADER.size))
                if length > MOST:
                    raise ProtocolError(f"The container sent a frame of {length} bytes.")
                self._take(kind, number, await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the container has ended; who owns it knows why
        finally:
            self._lose(EnvironmentUnavailable("The container has ended.", "Restart the kernel."))

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        stdin: bool = True,
        folders: Iterable[str] = (),
        files: Iterable[tuple[str, str]] = (),
    ) -> GuestProcess:
        """Start a process. `folders` are made and `files` written (0600) before it.

        EnvironmentUnavailable when it cannot be started.
        """
        self._check()
        number = next(self._numbers)
        feed = self._stream() if stdin else None
        out, err = self._stream(), self._stream()
        wanted: dict[str, object] = {
            "argv": list(argv),
            "cwd": cwd,
            "env": dict(env),
            "folders": list(folders),
            "files": list(files),
            "stdout": out.number,
            "stderr": err.number,
        }
        if feed is not None:
            wanted["stdin"] = feed.number
        return await self._start(wanted, GuestProcess(self, number, feed, out, err))

    async def open_terminal(
        self,
        argv: Sequence[str],
        *,
        size: TerminalSize,
        cwd: str,
        env: Mapping[str, str],
        folders: Iterable[str] = (),
    ) -> GuestTerminal:
        """Start a process on a pseudo-terminal; see `spawn`."""
        self._check()
        stream = self._stream()
        wanted: dict[str, object] = {
            "argv": list(argv),
            "cwd": cwd,
            "env": dict(env),
            "folders": list(folders),
            "terminal": stream.number,
            "size": [size.rows, size.columns],
        }
        process = GuestProcess(self, next(self._numbers), None, stream, None)
        return GuestTerminal(self, await self._start(wanted, process), stream)

    async def _start(self, wanted: dict[str, object], process: GuestProcess) -> GuestProcess:
        number = process.number
        self._processes[number] = process
        try:
            answer = await self._ask(Kind.SPAWN, wanted, number)
            process.pid = _whole(answer, "pid")
        except asyncio.CancelledError:
            self.send_json(Kind.SIGNAL, number, {"signal": 9})
            raise
        except BaseException:
            self._processes.pop(number, None)
            raise
        return process

    def open(self, address: str | tuple[str, int], process: GuestProcess) -> RelayStream:
        """Connect to a unix or TCP socket in the container, as soon as it is bound.

        The stream ends without a byte when `process` ends before that.
        """
        self._check()
        stream = self._stream()
        content = {"address": address, "process": process.number}
        self.send_json(Kind.OPEN, stream.number, content)
        return stream

    async def sweep(self, keep: Iterable[GuestProcess] = ()) -> None:
        """Kill every process of the container but the groups of `keep`."""
        await self._ask(Kind.SWEEP, [process.number for process in keep])

    async def usage(self) -> ContainerUsage:
        answer = await self._ask(Kind.ASK, {})
        used, limit, pids = (_whole(answer, name) for name in ("used", "limit", "pids"))
        return ContainerUsage(used, limit, pids, _whole(answer, "cpu") / 1e9)

    async def unnamed(self, folder: str) -> tuple[int, int]:
        """Bytes of open files without a name on the file system of `folder`, and the number of
        processes that do not show their files."""
        answer = await self._ask(Kind.ASK, {"unnamed": folder})
        return _whole(answer, "size"), _whole(answer, "closed")

    @property
    def running(self) -> list[GuestProcess]:
        return list(self._processes.values())

    # ---- frames --------------------------------------------------------------------------------

    def send(self, kind: Kind, number: int, payload: bytes = b"") -> None:
        if self._gone is None:
            self._writer.write(HEADER.pack(kind, number, len(payload)) + payload)

    def send_json(self, kind: Kind, number: int, content: object) -> None:
        payload = _encode(content)
        if len(payload) > MOST:
            raise EnvironmentUnavailable(
                f"A command of {len(payload)} bytes is too long for the container.",
                "Write the long part to a file, or feed it to stdin.",
            )
        self.send(kind, number, payload)

    async def drain(self) -> None:
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise BrokenPipeError("the container is gone") from error

    def forget(self, number: int) -> None:
        self._streams.pop(number, None)

    def _take(self, kind: int, number: int, payload: bytes) -> None:
        stream = self._streams.get(number)
        match kind:
            case Kind.DATA:
                if stream is not None:
                    stream.took(payload)
            case Kind.EOF | Kind.CLOSE:
                if stream is not None:
                    self.forget(number)
                    stream.shut()
            case Kind.GRANT:
                if len(payload) != 4:
                    raise ProtocolError("The container sent a grant of the wrong length.")
                if stream is not None:
                    stream.granted(struct.unpack(">I", payload)[0])
            case Kind.EXIT:
                self._exited(number, _decode(payload))
            case Kind.FAILED:
                self._failed(number, _decode(payload))
            case Kind.ANSWER:
                # Decoded first: who waits must be found when it makes no sense.
                content = _decode(payload)
                waiting = self._answers.pop(number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(content)
            case Kind.HELLO:
                if not self.hello.done():
                    self.hello.set_result(_decode(payload))
            case _:
                raise ProtocolError(f"The container sent a frame of the unknown kind {kind}.")

    def _exited(self, number: int, content: Mapping[str, object]) -> None:
        process = self._processes.pop(number, None)
        if process is not None and not process.exit.done():
            names = ("code", "kills", "peak", "limit")
            process.exit.set_result(Exit(*(_whole(content, name) for name in names)))

    def _failed(self, number: int, content: Mapping[str, object]) -> None:
        waiting = self._answers.pop(number, None)
        if waiting is None or waiting.done():
            return  # nobody asked, or gave up waiting
        message = str(content.get("message"))[:300]
        steps = {
            "ENOENT": "Use an image that has it, or make the folder.",
            "EAGAIN": "The limit of processes is reached: restart the kernel, or raise it.",
            "EACCES": "Give the owner of the workspace the right to it.",
        }
        error = EnvironmentUnavailable(
            f"The command cannot be started in the container: {message}.",
            steps.get(str(content.get("errno")), ""),
        )
        waiting.set_exception(error)
        process = self._processes.pop(number, None)
        if process is not None:
            process.fail(error)

    async def _ask(
        self, kind: Kind, content: object, number: int | None = None
    ) -> Mapping[str, object]:
        self._check()
        number = next(self._numbers) if number is None else number
        waiting: asyncio.Future[Mapping[str, object]] = asyncio.get_running_loop().create_future()
        self._answers[number] = waiting
        self.send_json(kind, number, content)
        try:
            async with asyncio.timeout(ANSWER_DEADLINE):
                return await waiting
        except TimeoutError:
            raise EnvironmentUnavailable(
                f"The container did not answer for {ANSWER_DEADLINE:g} s.",
                "Restart the kernel; look at the load of the machine when it happens again.",
            ) from None
        finally:
            self._answers.pop(number, None)

    def _stream(self) -> RelayStream:
        stream = RelayStream(self, next(self._numbers))
        self._streams[stream.number] = stream
        return stream

    def _check(self) -> None:
        if self._gone is not None:
            raise self._gone

    def _lose(self, reason: Exception) -> None:
        self._gone = reason
        for stream in list(self._streams.values()):
            stream.shut()
        self._streams.clear()
        futures = [self.hello, *self._answers.values()]
        for waiting in futures:
            if not waiting.done():
                waiting.set_exception(reason)
                waiting.exception()  # nobody may be waiting any more
        for process in self._processes.values():
            process.fail(reason)
        self._processes.clear()


def _encode(content: object) -> bytes:
    return json.dumps(content).encode()


def _decode(payload: bytes) -> Mapping[str, object]:
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The container sent a frame that is not JSON.") from error
    if not isinstance(content, dict):
        raise ProtocolError("The container sent a frame that is not an object.")
    return cast("Mapping[str, object]", content)


def _whole(content: Mapping[str, object], name: str) -> int:
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST:
        raise ProtocolError(f"The container sent a frame without a number {name!r}.")
    return value
