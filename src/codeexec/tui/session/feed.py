"""Fold session events into frames for the panes, with a bounded frame rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from codeexec.domain.clock import Clock, SystemClock
from codeexec.domain.content.comms import VIEW
from codeexec.domain.events import (
    DisplayUpdated,
    ExecutionQueued,
    ExecutionStarted,
    FilesChanged,
    InputCounted,
    NextInputOffered,
    NoticeGiven,
    OutputChanged,
    Recorded,
    SnapshotTaken,
)
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.session.kernel_focus import KernelFocus

INTERVAL = 1 / 60
"""Seconds between frames while events arrive. The session sends at most 30 updates a second of a
flood; this bounds the total of many executions."""

BURST = 8
"""Frames after quiet that come at once: a short run is queued, started, counted, printed and
over within them."""

FLOOD = 400
"""Rows that one frame may skip, because they would scroll past before they can be read."""

FLOOD_INTERVAL = 0.1
"""Seconds between frames of a flood: more of them take time from the kernel, and show no more."""

SETTLE = 0.02
"""Seconds that a run which has only begun waits for what it does: a short one is painted once."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The current snapshot, and what has changed since the previous frame.

    `changed` holds the ids of executions that are not as they were; `rewritten` for some of
    them the first row that has been written again since, so that pages of rows from there on
    are out of date.
    """

    snapshot: Snapshot
    before: Snapshot
    changed: frozenset[str] = frozenset()
    rewritten: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[NoticeGiven, ...] = ()
    left: Mapping[str, ExecutionView] = field(default_factory=dict)
    """Changed executions that the snapshot no longer holds, as they were when it let them go."""
    updated: frozenset[str] = frozenset()
    """Ids of displays that have been updated, in executions of the snapshot and in others."""
    offers: tuple[NextInputOffered, ...] = ()
    files: tuple[FilesChanged, ...] = ()

    def view(self, execution_id: str) -> ExecutionView | None:
        """An execution that has changed; None where only the session knows it."""
        view = self.snapshot.executions.get(execution_id)
        return view if view is not None else self.left.get(execution_id)

    @property
    def kernel_changed(self) -> bool:
        return self.snapshot.kernel is not self.before.kernel

    @property
    def kernels_changed(self) -> bool:
        """Whether any kernel of the session has changed."""
        return self.snapshot.kernels is not self.before.kernels

    @property
    def variables_changed(self) -> bool:
        return self.snapshot.kernel.variables is not self.before.kernel.variables

    @property
    def artifacts_changed(self) -> bool:
        return self.snapshot.artifacts is not self.before.artifacts


@runtime_checkable
class FrameListener(Protocol):
    """A screen above the workbench that receives each frame."""

    def show_frame(self, frame: Frame) -> None: ...


def has_widget(view: ExecutionView) -> bool:
    """Whether an execution displays a widget."""
    return any(display.part(VIEW) is not None for display in view.displays)


class FrameBuilder:
    """Builder of frames: takes events, and returns a frame on request. Independent of time."""

    def __init__(self, snapshot: Snapshot | None = None, focus: KernelFocus | None = None) -> None:
        self._shown = self.snapshot = self._seen = snapshot or Snapshot()
        self._focus = focus or KernelFocus()
        self._focus_seen = (self._focus.name, self._focus.cell_language)
        self._changed: set[str] = set()
        self._rewritten: dict[str, int] = {}
        self._notices: list[NoticeGiven] = []
        self._offers: list[NextInputOffered] = []
        self._files: list[FilesChanged] = []
        self._left: dict[str, ExecutionView] = {}
        self._updated: set[str] = set()
        self.only_begins = True
        """All that is new is that runs begin, which is news only when nothing follows soon."""
        self.new_rows = 0
        """Rows that were printed since the frame before."""
        self.only_prints = True
        """Nothing else than output is new."""

    @property
    def has_news(self) -> bool:
        seen = (self._focus.name, self._focus.cell_language)
        return self.snapshot is not self._seen or seen != self._focus_seen

    def take(self, records: Iterable[Recorded]) -> None:
        """Fold events. An execution leaves the snapshot only as another one is queued: until
        then its last state is seen."""
        part: list[Recorded] = []
        for record in records:
            if record.seq <= self.snapshot.seq:
                continue
            if part and isinstance(record.event, ExecutionQueued | SnapshotTaken):
                self._take(part)
                part = []
            part.append(record)
        if part:
            self._take(part)

    def _take(self, records: Sequence[Recorded]) -> None:
        previous = self.snapshot
        totals = {key: view.total for key, view in previous.executions.items() if view.is_open}
        self.snapshot = apply(previous, records)
        now = self.snapshot.executions
        if isinstance(records[0].event, ExecutionQueued | SnapshotTaken):
            self._left |= {k: v for k, v in previous.executions.items() if k not in now}
        for record in records:
            if not isinstance(record.event, ExecutionQueued | ExecutionStarted | InputCounted):
                self.only_begins = False
            if not isinstance(record.event, OutputChanged | FilesChanged):
                self.only_prints = False
            match record.event:
                case OutputChanged(execution_id=key, start=start, total=total):
                    self._changed.add(key)
                    self.new_rows += total - totals.get(key, 0)
                    if start < totals.get(key, 0):
                        self._rewritten[key] = min(start, self._rewritten.get(key, start))
                    totals[key] = total
                case DisplayUpdated(display_id=display_id):
                    self._updated.add(display_id)
                    self._changed.update(
                        key for key, view in previous.executions.items() if now.get(key) is not view
                    )
                case SnapshotTaken():
                    self._skip(previous)
                case NoticeGiven() as notice:
                    self._notices.append(notice)
                case NextInputOffered() as offer:
                    self._offers.append(offer)
                case FilesChanged() as files:
                    self._files.append(files)
                case event:
                    if key := getattr(event, "execution_id", ""):
                        self._changed.add(key)

    def _skip(self, previous: Snapshot) -> None:
        """A snapshot has come in place of events."""
        self._files = [FilesChanged(others=True, is_watched=self.snapshot.files_watched)]
        now = self.snapshot
        for key, view in now.executions.items():
            if view != previous.executions.get(key):
                self._changed.add(key)
                self._rewritten[key] = 0
        for key, view in previous.executions.items():
            if view.is_open and key not in now.executions:
                self._changed.add(key)  # it is over, and only the session knows how
                self._left.pop(key, None)
        already_given = set(previous.notices)
        self._notices += [notice for notice in now.notices if notice not in already_given]

    def frame(self) -> Frame:
        now = self._focus.focused(self.snapshot)
        before = self._shown
        if now.comms is not before.comms or (now.comms and now.kernels is not before.kernels):
            self._changed.update(key for key, view in now.executions.items() if has_widget(view))
        made = Frame(
            now,
            self._shown,
            frozenset(self._changed),
            self._rewritten,
            tuple(self._notices),
            {key: view for key, view in self._left.items() if key in self._changed},
            frozenset(self._updated),
            tuple(self._offers),
            tuple(self._files),
        )
        self._shown, self._seen = now, self.snapshot
        self._focus_seen = (self._focus.name, self._focus.cell_language)
        self._changed, self._rewritten, self._notices = set(), {}, []
        self._left, self._updated, self._offers, self._files = {}, set(), [], []
        self.only_begins = self.only_prints = True
        self.new_rows = 0
        return made


async def frames(
    batches: AsyncIterator[Sequence[Recorded]],
    interval: float = INTERVAL,
    clock: Clock | None = None,
    focus: KernelFocus | None = None,
) -> AsyncIterator[Frame]:
    """Frames for as long as there are events; whatever the pace of those, the newest state. Their
    default kernel is the one in `focus`, and a change of that is a frame as well."""
    allowance, since = float(BURST), 0.0
    clock = clock or SystemClock()
    focus = focus or KernelFocus()
    folder = FrameBuilder(focus=focus)
    news = asyncio.Event()
    focus.on_change = news.set
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
                    # What the client did with the frame counts as part of the pause.
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
