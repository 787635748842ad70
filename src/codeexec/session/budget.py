"""Slow work beside the event loop, in threads that end: by a deadline, or when nobody waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from codeexec.domain.errors import UsageError

T = TypeVar("T")

_THREADS = 4
_executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="slow")
"""Apart from asyncio's own: short reads never wait behind searches and long lists."""


class Budget:
    """The time that work in a thread may take; `check` is called by the work, again and again."""

    def __init__(self, seconds: float, what: str) -> None:
        """`what` begins the message when the time is spent, as `The search`."""
        self._seconds = seconds
        self._what = what
        self._deadline = time.monotonic() + seconds
        self._stopped = threading.Event()

    @property
    def left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.0)

    def stop(self) -> None:
        """Let the work end at its next `check`."""
        self._stopped.set()

    def check(self) -> None:
        """UsageError when the time is spent, or nobody waits for the work any more."""
        if self._stopped.is_set():
            raise UsageError(f"{self._what} was stopped.")
        if not self.left:
            raise UsageError(
                f"{self._what} took longer than {self._seconds:g} s.", "Ask for less at once."
            )


async def beside_loop(budget: Budget, work: Callable[[], T]) -> T:
    """The result of `work`, which runs in a thread; a cancelled caller stops it."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_executor, work)
    except asyncio.CancelledError:
        budget.stop()
        raise
