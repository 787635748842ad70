"""Short blocking calls that come one after the other share one job of a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

Result = TypeVar("Result")

GATHER = 0.1
"""Seconds between two jobs. A call after quiet begins at once."""

_Outcome = tuple[Any, BaseException | None]


class GatheredCalls:
    """Of one event loop. To hand a call over to a thread costs the loop more than many calls take:
    under load those that come within `GATHER` are handed over together."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._began = -GATHER

    async def run(self, call: Callable[[], Result]) -> Result:
        """Its result, or what it raises."""
        future: asyncio.Future[Result] = self._loop.create_future()
        self._waiting.append((call, future))
        if self._timer is None:
            pause = self._began + GATHER - self._loop.time()
            self._timer = self._loop.call_later(max(pause, 0.0), self._begin)
        return await future

    def _begin(self) -> None:
        self._timer, self._began = None, self._loop.time()
        batch, self._waiting = self._waiting, []
        job = self._loop.run_in_executor(None, _call_all, [call for call, _ in batch])
        job.add_done_callback(lambda job: _settle(job, [future for _, future in batch]))


_gathered: WeakKeyDictionary[asyncio.AbstractEventLoop, GatheredCalls] = WeakKeyDictionary()


async def call_gathered(call: Callable[[], Result]) -> Result:
    """Call it in a thread, at once or a moment later with others."""
    loop = asyncio.get_running_loop()
    if loop not in _gathered:
        _gathered[loop] = GatheredCalls(loop)
    return await _gathered[loop].run(call)


def _call_all(calls: list[Callable[[], Any]]) -> list[_Outcome]:
    outcomes: list[_Outcome] = []
    for call in calls:
        try:
            outcomes.append((call(), None))
        except BaseException as error:
            outcomes.append((None, error))
    return outcomes


def _settle(job: asyncio.Future[list[_Outcome]], futures: list[asyncio.Future[Any]]) -> None:
    if job.cancelled():
        for future in futures:
            future.cancel()
        return
    for future, (result, error) in zip(futures, job.result(), strict=True):
        if future.done():
            continue  # nobody waits any more
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
