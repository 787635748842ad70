"""Processes and terminals in a container."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from signal import SIGKILL

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import InputWait, ProcessEnd, TerminalSize
from codeexec.environments.relay.frames import FrameSender, Kind
from codeexec.environments.relay.streams import RelayStream

KILL_DEADLINE = 3.0
"""Seconds in which the relay must tell the end of a killed process."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process in the container ended; bytes are of the whole container.

    `code` is negative for a signal; `kills` counts what the out-of-memory killer ended since the
    process before this one. `own_peak` and `own_cpu` (ns) are of the process and the children that
    it waited for.
    """

    code: int
    kills: int
    peak: int
    limit: int
    own_peak: int = 0
    own_cpu: int = 0


class GuestProcess:
    """A process in the container; it is an ExecHandle."""

    def __init__(
        self,
        sender: FrameSender,
        number: int,
        stdin: RelayStream | None,
        out: RelayStream,
        err: RelayStream | None,
    ):
        """`err` is None where stdout and stderr are one terminal."""
        self._sender = sender
        self.number = number
        self._stdin = stdin
        self._out = out
        self._err = err or out
        self._feeding: asyncio.Task[None] | None = None
        self.pid = 0  # in the container
        self.exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        # A failure that no task awaits must not be reported by the loop.
        self.exit.add_done_callback(lambda future: future.cancelled() or future.exception())

    @property
    def stdout(self) -> AsyncIterator[bytes]:
        return aiter(self._out)

    @property
    def stderr(self) -> AsyncIterator[bytes]:
        return aiter(self._err)

    def give_room(self, size: int) -> None:
        """Let it print as many bytes that are not read yet before it waits."""
        self._out.give_room(size)

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

    @property
    def end(self) -> ProcessEnd | None:
        """None while it runs, and where its container has ended."""
        if self.poll() is None:
            return None
        exit = self.exit.result()
        return ProcessEnd(exit.code, exit.own_peak or None, exit.own_cpu / 1e9)

    async def signal(self, number: int) -> None:
        self._sender.send_json(Kind.SIGNAL, self.number, {"signal": number})

    def send_kill(self, pid: int = 0) -> None:
        """End it and all that it has started, wherever that went. With `pid` those of another
        process, which runs there since before the relay."""
        content = {"signal": 9, "to": "family", "pid": pid}
        self._sender.send_json(Kind.SIGNAL, self.number, content)

    async def kill_family(self, pid: int = 0) -> None:
        """The same as `send_kill`, and wait for its own end."""
        self.send_kill(pid)
        await self.kill()

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
        """The connection is lost: how the process ends will never be known."""
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

    def __init__(
        self,
        sender: FrameSender,
        process: GuestProcess,
        stream: RelayStream,
        ask_wait: Callable[[int], Awaitable[InputWait]],
        sweep: Callable[[], Awaitable[None]],
    ) -> None:
        """`ask_wait` asks what a process waits for; `sweep` ends what is left in the container
        where nothing else runs in it."""
        self._ask_wait = ask_wait
        self._sweep = sweep
        self._sender = sender
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
        self._sender.send_json(Kind.RESIZE, self._process.number, content)

    async def signal(self, number: int) -> None:
        to = "session" if number == SIGKILL else "foreground"
        content = {"signal": number, "to": to}
        self._sender.send_json(Kind.SIGNAL, self._process.number, content)

    async def input_wait(self) -> InputWait:
        return await self._ask_wait(self._process.number)

    def poll(self) -> ProcessEnd | None:
        return self._process.end

    async def wait(self) -> ProcessEnd:
        await self._process.wait()
        end = self._process.end
        assert end is not None
        return end

    async def kill(self) -> None:
        await self.signal(SIGKILL)
        await self._process.kill()
        with contextlib.suppress(EnvironmentUnavailable):
            await self._sweep()
