"""Steps of a kernel's start, told at a pace that a journal bears."""

from __future__ import annotations

import asyncio
import time

from codeexec.kernels.base import Sink, StartAdvanced

PACE = 0.5
"""Seconds between two steps that are told; of those that come faster the last one is."""


class StartSteps:
    """Of one start, which begins now."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._since = sink, time.time()
        self._told: StartAdvanced | None = None
        self._next: StartAdvanced | None = None
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, step: str, percent: int | None = None) -> None:
        """`step` is printable, of one line."""
        self._next = StartAdvanced(step, self._since, percent)
        if self._timer is None:
            self._release()

    def close(self) -> None:
        """Tell the last step at once, and nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._release()
        if self._timer is not None:
            self._timer.cancel()

    def _release(self) -> None:
        self._timer = None
        if self._next is None or self._next == self._told:
            return
        self._told = self._next
        self._sink([self._told])
        self._timer = asyncio.get_running_loop().call_later(PACE, self._release)
