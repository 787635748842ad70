"""Talks to a holder process: starts processes there, reads what they write, learns how they end.

`guest/holder.py` is the other end and describes the protocol.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.plain_files import read_plain
from codeexec.domain.text.parsing import load_json
from codeexec.environments.base import ProcessEnd, TerminalSize
from codeexec.environments.holder.begin import begin_holder
from codeexec.environments.marks import MARK, end_marked

CHUNK = 1 << 16
MOST_DESCRIPTORS = 8
ACK = struct.Struct(">Q")
STAY = "stay"
TERMINAL = "terminal"
MOST_LEFT = 8 << 20

_LOST = "The process that holds this machine's terminals and programs has ended"
_NEXT = "What it held has ended with it: start it again."


@dataclass(frozen=True, slots=True)
class Chunk:
    """Output of a held process; `offset` counts the bytes since its start. `is_repeated`: the
    program wrote it before we followed it, and waits for no reply to it."""

    offset: int
    data: bytes
    is_repeated: bool = False


class ChannelReader:
    """One reading of a channel. What is not acknowledged is kept for the next reader; beyond a
    limit the process has to wait for that."""

    def __init__(self, client: HolderClient, number: int, channel: str, after: int) -> None:
        self._client = client
        self._request: dict[str, object] = {
            "do": "read", "job": number, "channel": channel, "after": after
        }  # fmt: skip
        self._writer: asyncio.StreamWriter | None = None

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        reader, writer, offset = await self._client.dial(self._request)
        self._writer = writer
        try:
            while data := await reader.read(CHUNK):
                yield Chunk(offset, data)
                offset += len(data)
        except ConnectionError:
            return  # the holder has ended; `wait` says so
        finally:
            self._writer = None
            writer.close()

    def acknowledge(self, offset: int) -> None:
        """The holder need not keep what is before `offset`."""
        if self._writer is not None:
            self._writer.write(ACK.pack(offset))


class HeldProcess:
    """A process whose parent is the holder; it ends with this client unless `keep` is called."""

    def __init__(self, client: HolderClient, number: int, pid: int, folder: str) -> None:
        self._client = client
        self.number = number
        self.pid = pid
        self.folder = folder
        self.survives = False
        """It goes on when the holder is killed."""
        self.input: int | None = None
        """The descriptor of its terminal, or of its stdin."""
        self.ended: asyncio.Future[ProcessEnd] = client.loop.create_future()
        # Whoever waits hears of a failure; one that nobody waits for is no error of the loop.
        self.ended.add_done_callback(lambda future: future.cancelled() or future.exception())

    def poll(self) -> ProcessEnd | None:
        if self.ended.done() and self.ended.exception() is None:
            return self.ended.result()
        return None

    async def wait(self) -> ProcessEnd:
        """EnvironmentUnavailable when the holder has ended before."""
        return await asyncio.shield(self.ended)

    def keep(self) -> None:
        """Let it go on when this client is gone, for the next one to adopt."""
        (Path(self.folder) / STAY).touch(0o600)

    async def read(self, channel: str = TERMINAL, after: int = 0) -> AsyncIterator[Chunk]:
        """What it writes, from offset `after` on, or from the oldest byte that is kept. A chunk is
        acknowledged when the next one is asked for: until then the holder keeps it."""
        reader = ChannelReader(self._client, self.number, channel, after)
        async for chunk in reader:
            yield chunk
            reader.acknowledge(chunk.offset + len(chunk.data))

    def reader(self, channel: str = TERMINAL, after: int = 0) -> ChannelReader:
        """The same, acknowledged by the caller."""
        return ChannelReader(self._client, self.number, channel, after)

    async def signal(self, number: int, *, to: str = "group") -> None:
        """`to` is `group`, or `foreground`: of its terminal."""
        await self._client.ask({"do": "signal", "job": self.number, "number": number, "to": to})

    async def close_input(self) -> None:
        if self.input is not None:
            os.close(self.input)
            self.input = None
            await self._client.ask({"do": "close-input", "job": self.number})

    async def end(self) -> None:
        """Kill it with all that it has started; return when it has ended."""
        try:
            await self._client.ask({"do": "end", "job": self.number})
            await self.wait()
        except EnvironmentUnavailable:
            # It has ended with its holder; what it had started may have not.
            await asyncio.to_thread(end_marked, MARK, self.folder)

    async def forget(self) -> None:
        """The holder need not know of it any more; what it wrote and was not read is dropped."""
        self.let_go()
        self._client.forget(self.number)
        try:
            await self._client.ask({"do": "forget", "job": self.number})
        except EnvironmentUnavailable:
            pass  # there is no holder any more

    def let_go(self) -> None:
        """Close our descriptor."""
        if self.input is not None:
            os.close(self.input)
            self.input = None


class RefusedByHolder(EnvironmentUnavailable):
    """The holder has no such process any more, or no such channel of it."""

    code = EnvironmentUnavailable.code


class HolderClient:
    """One connection to a holder, on the loop in which it was made."""

    def __init__(self, link: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        self._link = link
        self._path = link.getpeername()
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Mapping[str, object]]] = {}
        self._processes: dict[int, HeldProcess] = {}
        self._received = b""
        self._descriptors: deque[int] = deque()
        self._waiting: deque[bytes] = deque()
        self._inputs: dict[int, list[int]] = {}
        self._is_closed = False
        link.setblocking(False)
        self.loop.add_reader(link, self._receive)

    @classmethod
    async def begin(cls, record: Path | None = None) -> HolderClient:
        """See `begin_holder`. EnvironmentUnavailable when it cannot be started."""
        try:
            return cls(await asyncio.to_thread(begin_holder, str(record or "")))
        except OSError as error:
            raise EnvironmentUnavailable(
                f"The process that holds terminals cannot be started: {error.strerror or error}.",
                "Check that /tmp or TMPDIR is writable and has space.",
            ) from error

    @property
    def is_closed(self) -> bool:
        """It was closed, or the holder has ended."""
        return self._is_closed

    async def start(
        self,
        command: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        folder: str,
        terminal: TerminalSize | None = None,
    ) -> HeldProcess:
        """Start a command on a terminal, or with pipes (channels `stdout` and `stderr`). `env` is
        all of its environment, and gets the mark `folder`: a private one, for what outlives us.
        OSError with the file name when it cannot be started."""
        request: dict[str, object] = {
            "do": "start",
            "argv": list(command),
            "cwd": cwd,
            "env": {**env, MARK: folder},
            "folder": folder,
        }
        if terminal is None:
            request["pipes"] = True
        else:
            request[TERMINAL] = [terminal.rows, terminal.columns]
        return self._process(_started(await self.ask(request)))

    async def start_logged(self, request: dict[str, object]) -> HeldProcess:
        """Start what `logged_request` describes. OSError with the file name when it cannot be."""
        return self._process(_started(await self.ask(request)))

    async def adopt(self) -> list[HeldProcess]:
        """All that are held, which belong to this client then: they end with it unless kept."""
        answer = await self.ask({"do": "list"})
        jobs = answer.get("jobs")
        held = []
        for number in [job["job"] for job in jobs] if isinstance(jobs, list) else []:
            process = self._processes.get(number)
            if process is None:
                try:
                    process = self._process(await self.ask({"do": "adopt", "job": number}))
                except RefusedByHolder:
                    # It was another client's, which has just gone, and it has ended.
                    continue
            held.append(process)
        return held

    def forget(self, number: int) -> None:
        self._processes.pop(number, None)

    async def ask(self, content: dict[str, object]) -> Mapping[str, object]:
        """RefusedByHolder; EnvironmentUnavailable when the holder is gone."""
        if self._is_closed:
            raise EnvironmentUnavailable(f"{_LOST}.", _NEXT)
        number = next(self._numbers)
        waiting = self._answers[number] = self.loop.create_future()
        self._waiting.append(json.dumps({"id": number, **content}).encode() + b"\n")
        self._flush()
        try:
            answer: Mapping[str, object] = await waiting
        finally:
            self._answers.pop(number, None)
        if "failed" in answer:
            raise RefusedByHolder(f"The holder refuses: {answer['failed']}.")
        return answer

    async def dial(
        self, request: dict[str, object]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int]:
        """A connection that carries a channel, and the offset of its first byte."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._path, limit=2 * CHUNK)
            writer.write(json.dumps({"id": 0, **request}).encode() + b"\n")
            answer = load_json(await reader.readline())
        except (OSError, ValueError) as error:
            raise EnvironmentUnavailable(f"{_LOST}.", _NEXT) from error
        start = answer.get("start") if isinstance(answer, dict) else None
        if not isinstance(start, int):
            writer.close()
            raise EnvironmentUnavailable("The output of this process is not kept.", _NEXT)
        return reader, writer, start

    def close(self) -> None:
        """Let go: what was not kept ends, the rest is there for the next client."""
        reason = "The connection to the process that holds terminals was closed"
        self._lose(reason, is_holder_gone=False)

    # ---- frames --------------------------------------------------------------------------------

    def _flush(self) -> None:
        while self._waiting:
            data = self._waiting[0]
            try:
                sent = self._link.send(data)
            except BlockingIOError:
                self.loop.add_writer(self._link, self._flush)
                return
            except OSError:
                self._lose(_LOST)
                return
            if sent == len(data):
                self._waiting.popleft()
            else:
                self._waiting[0] = data[sent:]
        self.loop.remove_writer(self._link)

    def _receive(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._link, CHUNK, MOST_DESCRIPTORS, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            )
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        for handle in descriptors:
            os.set_inheritable(handle, False)
        self._descriptors += descriptors
        if not data:
            self._lose(_LOST)
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._take(load_json(line))

    def _take(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        count = message.get("descriptors", 0)
        handles = [self._descriptors.popleft() for _ in range(count)]
        number = message.get("id")
        if number is None:
            process = self._processes.get(message.get("job", 0))
            if process is not None:
                self._record_end(process, message.get("ended"))
            return
        waiting = self._answers.get(number)
        if waiting is None or waiting.done():
            self._drop_unwanted(message, handles)
            return
        if "job" in message:
            self._inputs[message["job"]] = handles
        waiting.set_result(message)

    def _drop_unwanted(self, message: Mapping[str, object], handles: Sequence[int]) -> None:
        """The caller was cancelled: end the process, since no one holds it."""
        for handle in handles:
            os.close(handle)
        if "job" in message:
            for step in ("end", "forget"):
                content = {"id": 0, "do": step, "job": message["job"]}
                self._waiting.append(json.dumps(content).encode() + b"\n")
            self._flush()

    def _process(self, answer: Mapping[str, object]) -> HeldProcess:
        number, pid = answer.get("job"), answer.get("pid")
        assert isinstance(number, int)
        assert isinstance(pid, int)
        if (existing := self._processes.get(number)) is not None:
            for handle in self._inputs.pop(number, []):
                os.close(handle)  # two have adopted it at the same time
            return existing
        process = HeldProcess(self, number, pid, str(answer.get("folder")))
        process.survives = bool(answer.get("survives"))
        process.input = next(iter(self._inputs.pop(number, [])), None)
        self._processes[number] = process
        self._record_end(process, answer.get("ended"))
        return process

    @staticmethod
    def _record_end(process: HeldProcess, ended: object) -> None:
        if not process.ended.done() and (end := read_end(ended)) is not None:
            process.ended.set_result(end)

    def _lose(self, reason: str, *, is_holder_gone: bool = True) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self.loop.remove_reader(self._link)
        self.loop.remove_writer(self._link)
        self._link.close()
        while self._descriptors:
            os.close(self._descriptors.popleft())
        error = EnvironmentUnavailable(f"{reason}.", _NEXT)
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(error)
        for process in self._processes.values():
            if not process.ended.done():
                process.ended.set_exception(error)
        if is_holder_gone:
            for process in self._processes.values():
                if not process.survives:
                    self.loop.run_in_executor(None, end_marked, MARK, process.folder)
        self._processes.clear()


def _started(answer: Mapping[str, object]) -> Mapping[str, object]:
    """The answer, where the process was started; else its OSError."""
    if "errno" in answer:
        number = answer["errno"]
        code = number if isinstance(number, int) else 0
        raise OSError(code, os.strerror(code), str(answer.get("file")))
    return answer


def read_end(ended: object) -> ProcessEnd | None:
    """The end of a process, as the holder tells it."""
    if not isinstance(ended, dict):
        return None
    code, peak, cpu = (ended.get(name) for name in ("code", "peak", "cpu"))
    if not isinstance(code, int):
        return None
    return ProcessEnd(
        code,
        peak if isinstance(peak, int) else None,
        cpu if isinstance(cpu, float) else None,
    )


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What the holder wrote down of a process that ended while no server was connected."""

    end: ProcessEnd
    output: Chunk
    """The last bytes of its terminal, or of its stdout."""
    ended_at: float = 0.0
    """In seconds since 1970, about."""


def read_left_behind(folder: Path, channel: str = TERMINAL) -> LeftBehind | None:
    """None where nothing was written down: it runs, or its exit status is unknown."""
    content = _read_exit(folder)
    try:
        data = read_plain(folder / f"output-{channel}", MOST_LEFT, follow_links=False)
    except OSError:
        return None
    if (end := read_end(content.get("ended"))) is None:
        return None
    channels = content.get("channels")
    bounds = channels.get(channel) if isinstance(channels, dict) else None
    start = bounds[0] if isinstance(bounds, list) and bounds else 0
    output = Chunk(start if isinstance(start, int) else 0, data)
    return LeftBehind(end, output, (folder / "exit").stat().st_mtime)


def read_left_end(folder: Path) -> ProcessEnd | None:
    """How a process ended while no server was connected; None where that is not known."""
    return read_end(_read_exit(folder).get("ended"))


def _read_exit(folder: Path) -> Mapping[str, object]:
    try:
        content = load_json(read_plain(folder / "exit", MOST_LEFT, follow_links=False))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
