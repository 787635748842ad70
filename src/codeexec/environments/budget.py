"""Slow work beside the event loop, in threads that end by a deadline or when it is cancelled."""

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
_SLICE = 0.0005
_PAUSE = 0.0001
"""Seconds. The pause must be a real one: a thread that sleeps for 0 takes the lock back at once."""

_STEPS_PER_LOOK = 8
"""Looking at the clock for each step would be the larger part of the work."""

_executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="slow")
"""Apart from asyncio's own: short reads never wait behind searches and long lists."""


class Pace:
    """Lets the event loop have the interpreter's lock between small slices of work in a thread.

    A thread that computes gives the lock up only every 5 ms, and the loop needs it several times in
    each of its turns (after each read, write and commit).
    """

    def __init__(self) -> None:
        self._count = 0
        self._slice_end = time.perf_counter() + _SLICE

    def step(self) -> None:
        """Called by the work for each small piece; pauses when a slice has been worked."""
        self._count += 1
        if self._count % _STEPS_PER_LOOK == 0 and time.perf_counter() > self._slice_end:
            time.sleep(_PAUSE)
            self._slice_end = time.perf_counter() + _SLICE


class Budget:
    """The time that work in a thread may take; `check` is called by the work, again and again."""

    def __init__(self, seconds: float, what: str) -> None:
        """`what` begins the message when the time is spent, as `The search`."""
        self._seconds = seconds
        self._what = what
        self._deadline = time.monotonic() + seconds
        self._stopped = threading.Event()
        self._pace = Pace()

    @property
    def left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.0)

    def stop(self) -> None:
        """Let the work end at its next `check`."""
        self._stopped.set()

    def late(self) -> UsageError:
        """The error for work that has taken too long."""
        return UsageError(
            f"{self._what} took longer than {self._seconds:g} s.", "Ask for less at once."
        )

    def check(self) -> None:
        """UsageError when the time is spent or the work was cancelled. Pauses now
        and then, so that the loop goes on."""
        self._pace.step()
        if self._stopped.is_set():
            raise UsageError(f"{self._what} was stopped.")
        if not self.left:
            raise self.late()


async def beside_loop(budget: Budget, work: Callable[[], T]) -> T:
    """The result of `work`, which runs in a thread; a cancelled caller stops it."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_executor, work)
    except asyncio.CancelledError:
        budget.stop()
        raise
