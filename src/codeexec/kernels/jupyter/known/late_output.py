"""Keeps the end of code back while its kernel may still send output of it, as deno does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from codeexec.kernels.base import KernelEvent

LOOK = 0.05
"""Seconds without a message after which no output is expected any more."""
LONG_LOOK = 0.5
"""The same once output has come after its end: what sends it may be kept from a processor."""
LONGEST = 5.0
"""Seconds for which an end is kept back at most."""


class LateOutput:
    """The ends that are kept back; `release` is called with them."""

    def __init__(self, release: Callable[[Sequence[KernelEvent]], None]) -> None:
        self._release = release
        self._held: list[KernelEvent] = []
        self.messages = 0
        """How many messages of the kernel's output have come."""

    def note_message(self) -> None:
        """A message of the kernel's output has come."""
        self.messages += 1

    def hold(self, ends: Sequence[KernelEvent]) -> None:
        self._held += ends

    async def wait(self) -> None:
        """Until the kernel is quiet; then release what is held."""
        clock, look = asyncio.get_running_loop().time, LOOK
        last = clock() + LONGEST
        while (begun := clock()) < last:
            count = self.messages
            await asyncio.sleep(look)
            if self.messages > count:
                look = LONG_LOOK
            elif clock() - begun < 2 * look:
                break  # else this machine is so busy that the quiet says nothing
        self.release()

    def release(self) -> None:
        ends, self._held = self._held, []
        self._release(ends)
