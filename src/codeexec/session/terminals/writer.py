"""What is typed into a terminal, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from codeexec.domain.errors import Busy

MOST_WAITING = 4 << 20
"""Bytes that may wait for the program to read."""
PATIENCE = 0.5
"""Seconds for which an input waits until it was written: a program that does not read holds up
nobody for longer."""


@dataclass(eq=False)
class _QueuedWrite:
    data: bytes
    before: Callable[[], None] = lambda: None
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Typist:
    """Writes replies of the emulator and what people type."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._write = write
        self._entries: deque[_QueuedWrite] = deque()
        self._waiting = 0
        self._arrived = asyncio.Event()

    def reply(self, data: bytes) -> None:
        """Dropped where the program has not read for too long."""
        if self._waiting < MOST_WAITING:
            self._add(_QueuedWrite(data))

    def type(self, data: bytes, before: Callable[[], None]) -> Awaitable[None]:
        """Queue it; what is returned waits until it was written. `before` is called right before
        the first byte is. Busy when the program has not read for too long."""
        if self._waiting + len(data) > MOST_WAITING:
            raise Busy(
                "The program in this terminal does not read what is typed.",
                "Wait for it, or end it.",
            )
        entry = _QueuedWrite(data, before)
        self._add(entry)
        return self._wait_for(entry)

    @staticmethod
    async def _wait_for(entry: _QueuedWrite) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await entry.written.wait()
        except TimeoutError:
            return  # it is typed when the program reads

    def _add(self, entry: _QueuedWrite) -> None:
        self._entries.append(entry)
        self._waiting += len(entry.data)
        self._arrived.set()

    async def run(self) -> None:
        """Until the terminal is closed."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._entries:
                entry = self._entries.popleft()
                entry.before()
                try:
                    if entry.data:
                        await self._write(entry.data)
                except (BrokenPipeError, ConnectionError):
                    return
                finally:
                    self._waiting -= len(entry.data)
                    entry.written.set()
