"""Sees to it that an interrupt reaches a kernel that was idle, or awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol

from codeexec.kernels.jupyter.transport import Channel

REPEAT_PAUSES = (0.05, 0.5, 2.0)
"""Seconds before each look whether the code goes on, which the interrupt then did not reach."""
WAKE_PAUSES = (0.0, 0.05, 0.2, 0.5)  # s between an interrupt and the requests that wake the kernel


class Interruptible(Protocol):
    """What this needs of a connection."""

    @property
    def is_busy(self) -> bool: ...

    def is_open(self, execution: str) -> bool: ...

    def send(self, channel: Channel, kind: str, content: dict[str, object]) -> None: ...

    def do_later(self, work: Coroutine[object, object, None]) -> None: ...


class Interruption:
    """Of one kernel process. `signal` interrupts it by a signal; it returns False where a message
    must do."""

    def __init__(self, connection: Interruptible) -> None:
        self._connection = connection
        self.signal: Callable[[], Awaitable[bool]] | None = None

    def follow(self, *, by_message: bool) -> None:
        """Ask for an interrupt `by_message`, or see to one that was signalled. A kernel that
        awaits takes notice of it when its event loop is woken, which any request does."""
        if by_message:
            self._connection.send("control", "interrupt_request", {})
        self._connection.do_later(self._wake())

    async def _wake(self) -> None:
        for pause in WAKE_PAUSES:  # the signal may be on its way, through an engine or the kernel
            await asyncio.sleep(pause)
            if not self._connection.is_busy:
                return
            self._connection.send("shell", "kernel_info_request", {})

    async def repeat(self, execution: str) -> None:
        """Repeat an interrupt that came before the code began: the kernel may have been idle
        still, and an idle kernel ignores it. Beside other work a kernel may need seconds."""
        for pause in REPEAT_PAUSES:
            await asyncio.sleep(pause)
            if not self._connection.is_open(execution) or self.signal is None:
                return
            self.follow(by_message=not await self.signal())
