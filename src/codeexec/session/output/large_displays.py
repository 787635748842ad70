"""Keeps large displays of a kernel off the event loop, and the order of its events as it was."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from msgspec.structs import replace

from codeexec.kernels.base import Died, Displayed, DisplayRefreshed, KernelEvent, StreamWritten
from codeexec.session.files.artifacts import BlobStore, is_large

log = logging.getLogger(__name__)

MOST_WAITING = 256 * 2**20
"""Characters of events that may wait behind a display; with more, the loop waits for it."""

_threads = ThreadPoolExecutor(2, "large-display")


class LargeDisplays:
    """Queue in front of `take`, which gets the batches of one kernel in their order. A batch
    without large displays is handed on at once. The content of large ones is stored by a thread,
    and later batches of that kernel wait for it."""

    def __init__(self, blobs: BlobStore, take: Callable[[Sequence[KernelEvent]], None]) -> None:
        self._blobs = blobs
        self._take = take
        self._batches: deque[Sequence[KernelEvent]] = deque()
        self._weight = 0
        """Characters of the batches behind the first one."""
        self._storing: Future[Sequence[KernelEvent]] | None = None
        """The work for the first batch."""

    def put(self, kernel_events: Sequence[KernelEvent]) -> None:
        """Hand on these events, after those that wait."""
        if not self._batches and not any(map(_is_large, kernel_events)):
            self._take(kernel_events)
            return
        if self._batches:
            self._weight += sum(map(_weight, kernel_events))
        self._batches.append(kernel_events)
        if self._weight > MOST_WAITING or any(isinstance(e, Died) for e in kernel_events):
            self.settle()
        elif len(self._batches) == 1:
            self._begin()

    def settle(self) -> None:
        """Hand on all that waits, now; the caller waits for it."""
        while self._batches:
            self._hand_first()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        storing = _threads.submit(self._stored, self._batches[0])
        self._storing = storing
        storing.add_done_callback(lambda done: loop.call_soon_threadsafe(self._go_on, done))

    def _go_on(self, done: Future[Sequence[KernelEvent]] | None) -> None:
        """Hand on the first batch, and look at the next one in a turn of its own."""
        if done is not self._storing or not self._batches:
            return  # `settle` was faster
        self._hand_first()
        if not self._batches:
            return
        if any(map(_is_large, self._batches[0])):
            self._begin()
        else:
            asyncio.get_running_loop().call_soon(self._go_on, None)

    def _hand_first(self) -> None:
        storing, self._storing = self._storing, None
        kernel_events = self._batches[0]
        if storing is not None:
            kernel_events = storing.result()
        self._batches.popleft()
        self._weight -= sum(map(_weight, self._batches[0])) if self._batches else self._weight
        self._take(kernel_events)

    def _stored(self, kernel_events: Sequence[KernelEvent]) -> Sequence[KernelEvent]:
        """The events, with parts in place of the values of large displays. For a thread."""
        return [self._with_parts(event) for event in kernel_events]

    def _with_parts(self, event: KernelEvent) -> KernelEvent:
        if not isinstance(event, Displayed | DisplayRefreshed) or not is_large(event.data):
            return event
        try:
            parts = self._blobs.make_parts(event.data)
        except Exception as error:
            # The batch must not be lost with it.
            log.error("a large display could not be stored", exc_info=error)
            return event
        return replace(event, data={part.mime: part for part in parts})


def _is_large(event: KernelEvent) -> bool:
    return isinstance(event, Displayed | DisplayRefreshed) and is_large(event.data)


def _weight(event: KernelEvent) -> int:
    """About the characters of an event."""
    if isinstance(event, StreamWritten):
        return len(event.text)
    if isinstance(event, Displayed | DisplayRefreshed):
        return sum(len(value) for value in event.data.values() if isinstance(value, str | list))
    return 1
