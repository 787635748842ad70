"""Unix sockets on the host for a kernel's five channels, carried as bytes into its container.

Clients connect here as to any local kernel. A connection that comes while no kernel runs is held
and goes on to the next one as soon as that is there, so a restart needs no reconnecting by the
clock. When a kernel ends its connections end too, and clients come again by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from codeexec.environments.relay.connection import RelayConnection
from codeexec.environments.relay.processes import GuestProcess
from codeexec.environments.relay.streams import RelayStream
from codeexec.environments.temporary import LockedFolder, sweep
from codeexec.kernels.jupyter.launch import CHANNELS, LOOPBACK

_CHUNK = 1 << 16
_PREFIX = "codeexec-mux-"


@dataclass(frozen=True, slots=True)
class Target:
    """A kernel process and where it binds: `prefix` + `-1` to `-5`, as ipc connection files say, or
    `ports` of the loopback interface there in that order. `room` is how many bytes of a channel the
    relay reads ahead (0: WINDOW); `on_full` is called when that room is used up."""

    wire: RelayConnection
    process: GuestProcess
    prefix: str
    ports: tuple[int, ...] = ()
    room: int = 0
    on_full: Callable[[], object] = lambda: None

    def open(self, number: int) -> RelayStream:
        """A stream to one of the five sockets."""
        own: tuple[str, int] | str = f"{self.prefix}-{number}"
        address = (LOOPBACK, self.ports[number - 1]) if self.ports else own
        stream = self.wire.open(address, self.process)
        stream.on_full = self.on_full
        if self.room:
            stream.give_room(self.room)
        return stream


class Mux:
    """The host's five sockets of one kernel, through all its restarts and containers."""

    def __init__(self) -> None:
        parent = _short_folder()
        sweep(_PREFIX, parent)
        self._folder = LockedFolder(_PREFIX, parent)
        self._servers: dict[int, asyncio.Server] = {}
        self._target: Target | None = None
        self._changed = asyncio.Event()
        self._links: set[asyncio.Task[None]] = set()

    @property
    def prefix(self) -> str:
        """The `ip` of the connection file: sockets are `prefix-1` to `prefix-5`."""
        return str(self._folder.path / "k")

    async def listen(self) -> None:
        """Bind what is not bound; jupyter_client removes the sockets' files at every restart."""
        for number in CHANNELS.values():
            path = f"{self.prefix}-{number}"
            if number in self._servers and Path(path).is_socket():
                continue
            if number in self._servers:
                self._servers.pop(number).close()
            self._servers[number] = await asyncio.start_unix_server(
                partial(self._accept, number), path
            )
            Path(path).chmod(0o600)

    def carry_to(self, target: Target | None) -> None:
        """From now on connections go to this kernel; None holds new ones."""
        self._target = target
        if target is None:
            self._changed.clear()
        else:
            self._changed.set()

    async def close(self) -> None:
        """End every connection and remove the sockets."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)
        self._folder.remove()

    def _accept(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.create_task(self._link(number, reader, writer))
        self._links.add(task)
        task.add_done_callback(self._links.discard)

    async def _link(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        stream: RelayStream | None = None
        try:
            while (target := self._target) is None or target.process.exit.done():
                self._changed.clear()
                await self._changed.wait()
            stream = target.open(number)
            pumps = {
                asyncio.create_task(_to_guest(reader, stream)),
                asyncio.create_task(_to_client(stream, writer)),
            }
            try:
                # Either direction's end is the end of both: so it is for a ZeroMQ peer.
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            if stream is not None:
                stream.close()
            writer.close()


async def _to_guest(reader: asyncio.StreamReader, stream: RelayStream) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionError):
        while chunk := await reader.read(_CHUNK):
            await stream.write(chunk)


async def _to_client(stream: RelayStream, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        async for chunk in stream:
            writer.write(chunk)
            await writer.drain()


def _short_folder() -> str | None:
    # A socket's path holds 103 bytes on macOS, 107 on Linux, and TMPDIR can be longer than that.
    return "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None


def connection(prefix: str, key: str, ports: Sequence[int] = ()) -> dict[str, str | int]:
    """A connection file's content for sockets `prefix-1` to `prefix-5`, or for these ports of the
    loopback interface."""
    numbers = ports or tuple(CHANNELS.values())
    named = {f"{channel}_port": number for channel, number in zip(CHANNELS, numbers, strict=True)}
    transport, ip = ("tcp", LOOPBACK) if ports else ("ipc", prefix)
    names = {"transport": transport, "ip": ip, "key": key, "signature_scheme": "hmac-sha256"}
    return {**names, **named}


def guest_folder(launch: int) -> str:
    """Where a kernel's connection file and sockets are in the container: new for each launch."""
    return os.path.join("/tmp", f"codeexec-{launch}")  # noqa: PTH118  # a path over there
