"""Connection to one relay: starts processes, opens streams, takes frames."""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from codeexec.domain.errors import EnvironmentUnavailable, ProtocolError
from codeexec.environments.base import InputWait, TerminalSize
from codeexec.environments.relay.frames import (
    HEADER,
    MOST,
    Kind,
    decode,
    encode,
    optional_number,
    whole_number,
)
from codeexec.environments.relay.processes import Exit, GuestProcess, GuestTerminal
from codeexec.environments.relay.streams import RelayStream

MOST_NUMBERS = 1 << 31
"""Of streams, processes and requests of one relay."""
ANSWER_DEADLINE = 30.0
"""Seconds in which the relay must answer a request; it needs some milliseconds."""


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """What the container uses now: bytes of memory (and how many it may), number of processes;
    seconds of cpu time since its start, 0 where that is not told."""

    used: int
    limit: int
    pids: int
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Site:
    """Words of messages: where the relay is, and what a user can do about failures there."""

    subject: str = "The container"
    inside: str = "in the container"
    ended_step: str = "Restart the kernel."
    missing_step: str = "Use an image that has it, or make the folder."
    silent_step: str = "Restart the kernel; look at the load of the machine when it happens again."


CONTAINER = Site()


class Writer(Protocol):
    """The part of asyncio.StreamWriter that a connection uses."""

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...


class RelayConnection:
    """Frames over the pipe of one relay, on the loop that runs `run`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: Writer, site: Site = CONTAINER
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._site = site
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
                    raise ProtocolError(f"The relay sent a frame of {length} bytes.")
                self._take(kind, number, await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the container has ended; who owns it knows why
        finally:
            ended = f"{self._site.subject} has ended."
            self._lose(EnvironmentUnavailable(ended, self._site.ended_step))

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        stdin: bool = True,
        folders: Iterable[str] = (),
        files: Iterable[tuple[str, str]] = (),
        temporary: Iterable[str] = (),
    ) -> GuestProcess:
        """Start a process. `folders` are made and `files` written (0600) before it; the files
        `temporary` are removed when it has ended, or the relay ends.

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
            "temporary": list(temporary),
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
        started = await self._start(wanted, process)
        return GuestTerminal(self, started, stream, self.input_wait, self.sweep_unused)

    async def _start(self, wanted: dict[str, object], process: GuestProcess) -> GuestProcess:
        number = process.number
        self._processes[number] = process
        try:
            answer = await self._ask(Kind.SPAWN, wanted, number)
            process.pid = whole_number(answer, "pid")
        except asyncio.CancelledError:
            self.send_json(Kind.SIGNAL, number, {"signal": 9})
            raise
        except BaseException:
            # It may be started all the same, when a line that is cut is there again.
            self.send_json(Kind.SIGNAL, number, {"signal": 9})
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

    async def sweep_unused(self) -> None:
        """Kill every process of the container, where none that we started runs any more."""
        if not self._processes:
            await self.sweep()

    async def input_wait(self, number: int) -> InputWait:
        """What a process on a terminal and its session wait for."""
        answer = await self._ask(Kind.ASK, {"waits": number})
        kind = answer.get("kind")
        is_echoing = answer.get("echo") is not False
        if kind not in ("reads", "polls"):
            return InputWait("works", "", is_echoing)
        return InputWait(kind, str(answer.get("token"))[:64], is_echoing)

    async def usage(self) -> ContainerUsage:
        answer = await self._ask(Kind.ASK, {})
        used, limit, pids = (whole_number(answer, name) for name in ("used", "limit", "pids"))
        return ContainerUsage(used, limit, pids, whole_number(answer, "cpu") / 1e9)

    async def use_of(self, pid: int) -> tuple[int, float]:
        """Bytes of memory and seconds of cpu of a process and all that it has started; 0 where
        the system does not say so."""
        answer = await self._ask(Kind.ASK, {"use": pid})
        return optional_number(answer, "used"), optional_number(answer, "cpu") / 1e9

    async def identify(self, folders: list[str]) -> dict[str, object]:
        """Device and inode of each folder, as a list; None for what is not there."""
        return dict(await self._ask(Kind.ASK, {"identify": folders}))

    async def unnamed(self, folder: str) -> tuple[int, int]:
        """Bytes of open files without a name on the file system of `folder`, and the number of
        processes that do not show their files."""
        answer = await self._ask(Kind.ASK, {"unnamed": folder})
        return whole_number(answer, "size"), whole_number(answer, "closed")

    def process_of(self, pid: int) -> GuestProcess | None:
        """The process there with this number; None where the relay has none, or none any more."""
        matching = (process for process in self._processes.values() if process.pid == pid)
        return next(matching, None)

    @property
    def running(self) -> list[GuestProcess]:
        return list(self._processes.values())

    # ---- frames --------------------------------------------------------------------------------

    def send(self, kind: Kind, number: int, payload: bytes = b"") -> None:
        if self._gone is None:
            self._writer.write(HEADER.pack(kind, number, len(payload)) + payload)

    def send_json(self, kind: Kind, number: int, content: object) -> None:
        payload = encode(content)
        if len(payload) > MOST:
            raise EnvironmentUnavailable(
                f"A command of {len(payload)} bytes is too long.",
                "Write the long part to a file, or feed it to stdin.",
            )
        self.send(kind, number, payload)

    async def drain(self) -> None:
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise BrokenPipeError("the relay is gone") from error

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
                    raise ProtocolError("The relay sent a grant of the wrong length.")
                if stream is not None:
                    stream.granted(struct.unpack(">I", payload)[0])
            case Kind.FULL:
                if stream is not None:
                    stream.on_full()
            case Kind.EXIT:
                self._exited(number, decode(payload))
            case Kind.FAILED:
                self._failed(number, decode(payload))
            case Kind.ANSWER:
                # Decoded first: who waits must be found when it makes no sense.
                content = decode(payload)
                waiting = self._answers.pop(number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(content)
            case Kind.HELLO:
                if not self.hello.done():
                    content = decode(payload)
                    self._take_up(content)
                    self.hello.set_result(content)
            case _:
                raise ProtocolError(f"The relay sent a frame of the unknown kind {kind}.")

    def _take_up(self, hello: Mapping[str, object]) -> None:
        """Know the processes that another session server has started by this relay."""
        highest = optional_number(hello, "highest")
        running = hello.get("processes", [])
        if not 0 <= highest < MOST_NUMBERS or not isinstance(running, list):
            raise ProtocolError("The relay greets with numbers that make no sense.")
        self._numbers = itertools.count(highest + 1)
        for entry in running:
            streams = entry.get("streams") if isinstance(entry, dict) else None
            if not isinstance(streams, dict):
                raise ProtocolError("The relay greets with processes that make no sense.")
            stdin, out, err = (
                self._stream_again(streams, name) for name in ("stdin", "stdout", "stderr")
            )
            number = whole_number(entry, "number")
            process = self._processes[number] = GuestProcess(self, number, stdin, out, err)
            process.pid = whole_number(entry, "pid")

    def _stream_again(self, streams: Mapping[str, object], name: str) -> RelayStream:
        """A pipe of such a process, which has ended where it is not named."""
        stream = RelayStream(self, optional_number(streams, name))
        if stream.number:
            self._streams[stream.number] = stream
        else:
            stream.shut()
        return stream

    def _exited(self, number: int, content: Mapping[str, object]) -> None:
        process = self._processes.pop(number, None)
        if process is not None and not process.exit.done():
            names = ("code", "kills", "peak", "limit")
            own = (optional_number(content, name) for name in ("own_peak", "own_cpu"))
            process.exit.set_result(Exit(*(whole_number(content, name) for name in names), *own))

    def _failed(self, number: int, content: Mapping[str, object]) -> None:
        waiting = self._answers.pop(number, None)
        if waiting is None or waiting.done():
            return  # nobody asked, or gave up waiting
        message = str(content.get("message"))[:300]
        steps = {
            "ENOENT": self._site.missing_step,
            "EAGAIN": "The limit of processes is reached: restart the kernel, or raise it.",
            "EACCES": "Give the owner of the workspace the right to it.",
        }
        error = EnvironmentUnavailable(
            f"The command cannot be started {self._site.inside}: {message}.",
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
                f"{self._site.subject} did not answer for {ANSWER_DEADLINE:g} s.",
                self._site.silent_step,
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
