"""Looks at processes once a second, at all of them in one job of a thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from codeexec.environments.usage.process_table import ProcessTable, read_table

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two rounds of looks."""

MANY = 8
"""So many looks in a round share one table of all processes, which costs more than a few looks."""
TABLE_AGE = 0.9
"""Seconds that a table may be old: the watch of limits reads one as often as there are rounds."""

Look = Callable[[ProcessTable | None], None]
"""Blocks for less than a millisecond; called in a thread, with a table where there is one."""


class ProcessSampler:
    """Of one event loop. A timer and a job of a thread for each of a hundred kernels would take a
    third of a core, most of it for the jobs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._looks: set[Look] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_looking = False

    def add(self, look: Look) -> None:
        """Call it in each round from now on."""
        self._looks.add(look)
        self._plan()

    def remove(self, look: Look) -> None:
        """A round that is under way may still call it."""
        self._looks.discard(look)
        if not self._looks and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self) -> None:
        if self._looks and self._timer is None and not self._is_looking:
            self._timer = self._loop.call_later(PAUSE, self._begin)

    def _begin(self) -> None:
        self._timer, self._is_looking = None, True
        job = self._loop.run_in_executor(None, _look_at_all, tuple(self._looks))
        job.add_done_callback(self._end)

    def _end(self, _: asyncio.Future[None]) -> None:
        self._is_looking = False
        self._plan()


_samplers: WeakKeyDictionary[asyncio.AbstractEventLoop, ProcessSampler] = WeakKeyDictionary()


def get_sampler() -> ProcessSampler:
    """That of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _samplers:
        _samplers[loop] = ProcessSampler(loop)
    return _samplers[loop]


def _look_at_all(looks: Iterable[Look]) -> None:
    looks = tuple(looks)
    table = read_table(TABLE_AGE) if len(looks) >= MANY else None
    for look in looks:
        try:
            look(table)
        except Exception:
            log.exception("a process could not be looked at")
