"""Facts into frames: one reader folds what comes and says at a bounded pace what is new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from codeexec.domain.clock import Clock, SystemClock
from codeexec.domain.events import (
    DisplayUpdated,
    ExecutionQueued,
    ExecutionStarted,
    InputCounted,
    NoticeGiven,
    OutputChanged,
    Recorded,
    StdinAnswered,
    StdinRequested,
)
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot

INTERVAL = 1 / 60
"""Seconds between frames while facts keep coming. Of a flood the session itself sends at most
30 updates a second; this bounds what many executions say together."""

BURST = 8
"""Frames after quiet that come at once: a short run is queued, started, counted, printed and
over within them."""

FLOOD = 400
"""Rows within a frame that nobody can have read before the next one."""

FLOOD_INTERVAL = 0.1
"""Seconds between frames of a flood: more of them take time from the kernel, and show no more."""

SETTLE = 0.02
"""Seconds that a run which has only begun waits for what it does: a short one is painted once."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is, and what is new of it since the frame before.

    `changed` holds the ids of executions that are not as they were; `rewritten` for some of
    them the first row that has been written again since, so that pages of rows from there on
    are out of date.
    """

    snapshot: Snapshot
    before: Snapshot
    changed: frozenset[str] = frozenset()
    rewritten: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[NoticeGiven, ...] = ()
    answers: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """By execution: prompts of input() and what was answered, since the frame before; of a
    password three dots."""

    @property
    def kernel_changed(self) -> bool:
        return self.snapshot.kernel is not self.before.kernel

    @property
    def variables_changed(self) -> bool:
        return self.snapshot.variables is not self.before.variables

    @property
    def artifacts_changed(self) -> bool:
        return self.snapshot.artifacts is not self.before.artifacts


@runtime_checkable
class FrameTaker(Protocol):
    """A screen over the workbench that follows what is."""

    def show_frame(self, frame: Frame) -> None: ...


class Folder:
    """Facts in, and a frame out whenever one is asked for. Pure of time."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._shown = self.snapshot = snapshot or Snapshot()
        self._changed: set[str] = set()
        self._rewritten: dict[str, int] = {}
        self._notices: list[NoticeGiven] = []
        self._asked: dict[str, tuple[str, bool]] = {}
        self._answers: dict[str, tuple[tuple[str, str], ...]] = {}
        self.only_begins = True
        """All that is new is that runs begin, which is news only when nothing follows soon."""
        self.new_rows = 0
        """Rows that were printed since the frame before."""
        self.only_prints = True
        """Nothing else than output is new."""

    @property
    def has_news(self) -> bool:
        return self.snapshot is not self._shown

    def take(self, records: Iterable[Recorded]) -> None:
        records = [record for record in records if record.seq > self.snapshot.seq]
        before = self.snapshot
        totals = {key: view.total for key, view in before.executions.items() if view.is_open}
        self.snapshot = apply(before, records)
        for record in records:
            if not isinstance(record.event, ExecutionQueued | ExecutionStarted | InputCounted):
                self.only_begins = False
            if not isinstance(record.event, OutputChanged):
                self.only_prints = False
            match record.event:
                case OutputChanged(execution_id=key, start=start, total=total):
                    self._changed.add(key)
                    self.new_rows += total - totals.get(key, 0)
                    if start < totals.get(key, 0):
                        self._rewritten[key] = min(start, self._rewritten.get(key, start))
                    totals[key] = total
                case DisplayUpdated():
                    now = self.snapshot.executions
                    self._changed.update(
                        key for key, view in before.executions.items() if now[key] is not view
                    )
                case NoticeGiven() as notice:
                    self._notices.append(notice)
                case StdinRequested(request_id=key, prompt=prompt, password=password):
                    self._changed.add(record.event.execution_id)
                    words = prompt.strip() or ("password" if password else "input")
                    self._asked[key] = (words, password)
                case StdinAnswered(request_id=key, execution_id=execution_id, answer=answer):
                    self._changed.add(execution_id)
                    words, password = self._asked.pop(key, ("", False))
                    said = (words, "•••" if password else answer)
                    self._answers[execution_id] = (*self._answers.get(execution_id, ()), said)
                case event:
                    if key := getattr(event, "execution_id", ""):
                        self._changed.add(key)

    def frame(self) -> Frame:
        made = Frame(
            self.snapshot,
            self._shown,
            frozenset(self._changed),
            self._rewritten,
            tuple(self._notices),
            self._answers,
        )
        self._shown = self.snapshot
        self._changed, self._rewritten, self._notices, self._answers = set(), {}, [], {}
        self.only_begins = self.only_prints = True
        self.new_rows = 0
        return made


async def frames(
    batches: AsyncIterator[Sequence[Recorded]],
    interval: float = INTERVAL,
    clock: Clock | None = None,
) -> AsyncIterator[Frame]:
    """Frames for as long as there are facts; whatever the pace of those, the newest state."""
    allowance, since = float(BURST), 0.0
    clock = clock or SystemClock()
    folder = Folder()
    news = asyncio.Event()
    ended = False

    async def read() -> None:
        nonlocal ended
        try:
            async for batch in batches:
                folder.take(batch)
                news.set()
        finally:
            ended = True
            news.set()

    reader = asyncio.create_task(read(), name="feed")
    try:
        while True:
            if not ended:
                await news.wait()
                news.clear()
            if folder.has_news:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SETTLE):
                        while folder.only_begins and not ended:
                            await news.wait()
                            news.clear()
                now = clock.monotonic()
                allowance = min(allowance + (now - since) / interval, BURST) - 1
                since = now
                floods = folder.new_rows > FLOOD
                yield folder.frame()
                if allowance < 1:
                    # What the face did with the frame counts as part of the pause.
                    due = now + (1 - allowance) * interval
                    await asyncio.sleep(max(due - clock.monotonic(), 0.0))
                if floods:
                    # What ends it, or asks, does not wait for the next frame of it.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(now + FLOOD_INTERVAL - clock.monotonic()):
                            while folder.only_prints and not ended:
                                await news.wait()
                                news.clear()
                    news.set()
            if ended and not folder.has_news:
                await reader  # its error, where it ended with one
                return
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(reader, return_exceptions=True)
