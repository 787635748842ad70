"""Lifecycle of a kernel that another program started: followed by its heartbeat, never ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import zmq
import zmq.asyncio

from codeexec.domain.events import Death
from codeexec.kernels.base import Handle, KernelUsage
from codeexec.kernels.jupyter.process import read_connection_file
from codeexec.kernels.jupyter.zmq_transport import address

BEAT = 1.0
MISSED = 5
"""Beats without an echo after which the kernel is gone; the echo does not wait for user code."""


class AttachedLife:
    """A Life known by its connection file alone."""

    def __init__(self, connection_file: Path) -> None:
        self._file = connection_file
        self._gone = asyncio.Event()
        self._gone.set()
        self._beating: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return None

    @property
    def is_alive(self) -> bool:
        return not self._gone.is_set()

    @property
    def can_end(self) -> bool:
        return False

    @property
    def can_outlive(self) -> bool:
        return True

    @property
    def is_on_host(self) -> bool:
        return True

    async def launch(self) -> Mapping[str, object]:
        connection = read_connection_file(self._file)
        self._gone.clear()
        await self.release()
        self._beating = asyncio.create_task(self._beat(connection), name="heartbeat")
        return connection

    async def wait(self) -> None:
        await self._gone.wait()

    async def explain(self) -> Death:
        return Death("The kernel that we were attached to does not answer any more.")

    def last_words(self) -> str:
        return ""

    async def interrupt(self) -> bool:
        return False

    async def signal(self, signum: int) -> bool:
        return False

    async def kill(self, *, restart: bool = False) -> None:
        self._gone.set()
        await self.release()

    def usage(self) -> KernelUsage:
        return KernelUsage(None, None)

    def handle(self) -> Handle:
        return {"life": "attached", "connection_file": str(self._file)}

    def let_outlive(self) -> None:
        """It never ends with us."""

    async def release(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
            self._beating = None

    async def _beat(self, connection: Mapping[str, object]) -> None:
        context = zmq.asyncio.Context.shadow(zmq.Context.instance())
        # A DEALER may send again without an answer, which a REQ may not.
        with context.socket(zmq.DEALER) as socket:
            socket.linger = 0
            socket.connect(address(connection, "hb"))
            missed = 0
            while missed < MISSED:
                await socket.send_multipart([b"", b"beat"])
                if await socket.poll(int(BEAT * 1000)):
                    await socket.recv_multipart()
                    missed = 0
                    await asyncio.sleep(BEAT)
                else:
                    missed += 1
        self._gone.set()
