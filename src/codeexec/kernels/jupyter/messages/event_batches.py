"""Hands the events of a kernel to its sink in batches of bounded size."""

from __future__ import annotations

import asyncio
from collections import deque

from codeexec.kernels.base import KernelEvent, Reached, Sink, StreamWritten
from codeexec.kernels.jupyter.messages.slices import is_end_near, is_within_line

BATCH = 1 << 17  # characters that are handed on in one turn of the loop
LINE = 1 << 23  # the same where no line ends: a row is written whole each time that it has grown

END_WAIT = 0.005
"""Seconds that the start of an execution, and its value, wait for its end: what comes together is
journaled together, which halves the work for short code."""
MOST_HELD = 8  # events that wait so


class EventBatches:
    """`events` are those that wait, in order; callers append to it."""

    def __init__(self, sink: Sink) -> None:
        self.events: deque[KernelEvent] = deque()
        self._sink = sink
        self._timer: asyncio.TimerHandle | None = None
        self._is_draining = False

    def close(self) -> None:
        """Drop what waits."""
        if self._timer is not None:
            self._timer.cancel()
        self.events.clear()

    async def drain(self) -> None:
        """Hand on everything; other work has its turn between two batches."""
        self._is_draining = True
        try:
            is_more = self._hand_batch()
            while is_more:
                await asyncio.sleep(0)
                is_more = self._hand_batch()
        finally:
            self._is_draining = False

    def turn(self) -> bool:
        """Hand on a batch, or hold a few events until the end of their execution comes. Returns
        whether more waits."""
        if self._is_draining:
            return False  # one batch in a turn is enough
        if len(self.events) > MOST_HELD or not all(map(is_end_near, self.events)):
            return self._hand_batch()
        if self.events and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(END_WAIT, self._hand_held)
        return False

    def hand_on(self) -> None:
        """Hand on everything at once."""
        while self._hand_batch():
            pass

    def _hand_held(self) -> None:
        self._timer = None
        self.hand_on()

    def _hand_batch(self) -> bool:
        if not self.events:
            return False
        batch: list[KernelEvent] = []
        size, room = 0, BATCH
        place: Reached | None = None
        # An event and the place after it are journaled together.
        while self.events and (size < room or isinstance(self.events[0], Reached)):
            event = self.events.popleft()
            if isinstance(event, Reached):
                place = event
                continue
            size += len(event.text) if isinstance(event, StreamWritten) else 1
            batch.append(event)
            room = LINE if is_within_line(event) else BATCH
        self._sink(batch if place is None else [*batch, place])
        return bool(self.events)
