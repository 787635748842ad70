"""One stream of a session's events for any number of browsers.

The journal is read and each line is encoded once, however many watch. Lines are gathered over a
time that grows with the number of watchers, and watchers are woken a few at a time, so that the
clients that work in the session do not wait for those that look on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence

import msgspec

from codeexec.domain import requests as q
from codeexec.domain.events import (
    DisplayUpdated,
    ExecutionConfirmed,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    InputCounted,
    OutputChanged,
    Recorded,
    StdinAnswered,
    StdinRequested,
)
from codeexec.domain.snapshot import ExecutionView
from codeexec.server.browser.widgets import WidgetChange, all_widgets, widget_changes
from codeexec.session.session import Session

log = logging.getLogger(__name__)

CLIENT = q.ClientInfo("browser page", watch_only=True)

FIRST_EXECUTIONS = 50
"""Executions that a page begins with; older ones are asked for."""

KEEP_ALIVE = 15.0
"""Seconds after which a quiet stream is sent an empty line."""

HELD_BYTES = 4 * 2**20
"""Of lines that are held for watchers that are behind, and for those that connect again. Whoever is
further behind is sent the state anew."""

_PAUSE = 0.05
_PAUSE_PER_WATCHER = 0.0025
_AT_ONCE = 5

_SHOWN = (
    ExecutionQueued
    | ExecutionConfirmed
    | ExecutionStarted
    | InputCounted
    | OutputChanged
    | DisplayUpdated
    | StdinRequested
    | StdinAnswered
    | ExecutionFinished
)
"""Events that change what the page shows of executions."""


class KernelHead(msgspec.Struct, frozen=True):
    """The process of a kernel, whose widgets alone can be operated, and its state."""

    generation: int
    state: str


class PageHead(msgspec.Struct, frozen=True):
    """What the head of the page shows. `kernel` is its name to show, `death` why it ended.
    `kernels` are all of the session, by name."""

    name: str
    closed: bool
    state: str
    kernel: str = ""
    language: str = ""
    death: str = ""
    kernels: dict[str, KernelHead] = {}


class PageState(msgspec.Struct, frozen=True):
    """The whole of what a page begins with, after event `seq`. `more`: there are older
    executions."""

    seq: int
    head: PageHead
    executions: tuple[ExecutionView, ...]
    more: bool
    widgets: tuple[WidgetChange, ...] = ()


class _Line(msgspec.Struct, frozen=True):
    seq: int
    content: bytes


class PageWatcher:
    """The place of one browser in the stream. `close` ends it."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True
        self.changed.set()


class PageFeed:
    """Of one session. It follows the session while there are watchers."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._watchers: dict[PageWatcher, None] = {}
        self._lines: deque[_Line] = deque()
        self._held = 0
        self._before = session.snapshot.seq
        """Number of the last event that the lines at hand do not have."""
        self._head = head_of(session)
        self._state: _Line | None = None
        self._following: asyncio.Task[None] | None = None
        self._is_over = False

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    async def lines(self, watcher: PageWatcher, after: int = 0) -> AsyncIterator[bytes]:
        """Lines of JSON: events after number `after`, and all that come, until the session ends or
        the watcher is closed. The first one is a `PageState` where the events are not at hand. An
        empty line keeps a quiet connection open."""
        self._watchers[watcher] = None
        if self._following is None:
            self._begin()
        try:
            cursor = after
            while not watcher.is_closed:
                watcher.changed.clear()
                if not self._before <= cursor <= self._last:
                    state = await self._current_state()
                    yield state.content
                    cursor = state.seq
                elif pending := [line for line in self._lines if line.seq > cursor]:
                    cursor = pending[-1].seq
                    yield b"".join(line.content for line in pending)
                elif self._is_over:
                    return
                elif not await _is_set(watcher.changed, KEEP_ALIVE):
                    yield b"\n"
        finally:
            self._watchers.pop(watcher, None)
            if not self._watchers and self._following is not None:
                self._following.cancel()
                self._following = None

    @property
    def _last(self) -> int:
        """Number of the last event that was taken."""
        return max(self._session.snapshot.seq, self._before)

    def _begin(self) -> None:
        self._lines.clear()
        self._held = 0
        self._state = None
        self._is_over = False
        self._before = self._session.snapshot.seq
        self._head = head_of(self._session)
        self._following = asyncio.create_task(self._follow(self._before), name="page-feed")

    async def _follow(self, after: int) -> None:
        try:
            with self._session.join(CLIENT):
                async for records in self._session.events(after, "tail"):
                    await self._publish(records)
                    await asyncio.sleep(_PAUSE + _PAUSE_PER_WATCHER * len(self._watchers))
        except Exception:
            log.exception("the stream of a page failed")
        self._is_over = True
        for watcher in tuple(self._watchers):
            watcher.changed.set()

    async def _publish(self, records: Sequence[Recorded]) -> None:
        shown = [record for record in records if _is_shown(record)]
        head = head_of(self._session)
        line: dict[str, object] = {"seq": records[-1].seq}
        if shown:
            line["events"] = shown
        if widgets := widget_changes(records, self._session.snapshot.comms):
            line["widgets"] = widgets
        if head != self._head:
            self._head = line["head"] = head
        if len(line) == 1:
            return
        self._add(_Line(records[-1].seq, msgspec.json.encode(line) + b"\n"))
        for number, watcher in enumerate(tuple(self._watchers), 1):
            watcher.changed.set()
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _add(self, line: _Line) -> None:
        self._lines.append(line)
        self._held += len(line.content)
        while self._held > HELD_BYTES and len(self._lines) > 1:
            oldest = self._lines.popleft()
            self._held -= len(oldest.content)
            self._before = oldest.seq

    async def _current_state(self) -> _Line:
        """Encoded once for all that ask after the same event."""
        if self._state is None or self._state.seq != self._session.snapshot.seq:
            seq = self._session.snapshot.seq
            page = await self._session.call(q.ListExecutions(limit=FIRST_EXECUTIONS), CLIENT)
            snapshot = self._session.snapshot
            widgets = all_widgets(snapshot.comms)
            head = head_of(self._session)
            state = PageState(seq, head, page.executions, page.more, widgets)
            self._state = _Line(seq, msgspec.json.encode({"state": state}) + b"\n")
        return self._state


def head_of(session: Session) -> PageHead:
    """The head of the page as it is now."""
    snapshot = session.snapshot
    kernel = snapshot.kernel
    shown = kernel.kernel
    return PageHead(
        snapshot.name,
        snapshot.closed,
        "paused" if kernel.paused else "busy" if snapshot.is_running else kernel.state,
        (shown.display_name or shown.name) if shown is not None else "",
        kernel.language,
        kernel.death.message if kernel.death is not None else "",
        {name: KernelHead(view.generation, view.state) for name, view in snapshot.kernels.items()},
    )


def _is_shown(record: Recorded) -> bool:
    event = record.event
    if isinstance(event, ExecutionQueued):
        return not event.options.silent
    return isinstance(event, _SHOWN)


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
