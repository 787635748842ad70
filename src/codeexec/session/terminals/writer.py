"""What is typed into a terminal, in order, without anyone waiting for the program to read it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from codeexec.domain.errors import Busy

MOST_WAITING = 4 << 20
"""Bytes that may wait for the program to read."""


class Typist:
    """Writes replies of the emulator and what people type."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._write = write
        self._waiting = bytearray()
        self._arrived = asyncio.Event()

    def type(self, data: bytes) -> None:
        """Busy when the program has not read for too long."""
        if len(self._waiting) + len(data) > MOST_WAITING:
            raise Busy(
                "The program in this terminal does not read what is typed.",
                "Wait for it, or end it.",
            )
        self._waiting += data
        self._arrived.set()

    async def run(self) -> None:
        """Until the terminal is closed."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                data = bytes(self._waiting[:4096])
                del self._waiting[:4096]
                try:
                    await self._write(data)
                except (BrokenPipeError, ConnectionError):
                    return
