"""An app around one pane that follows frames, on a real session or on snapshots made by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar, cast

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import requests as q
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.feed import Frame, frames
from codeexec.tui.theme.theme import built_in_folder, find_theme, to_textual

DEADLINE = 90.0

M = TypeVar("M", bound=Message)


class Follower(Protocol):
    """What takes frames."""

    def show_frame(self, frame: Frame) -> None: ...


class PaneApp(App[None]):
    """One pane, in a theme of ours; keeps every message that reaches the app."""

    CSS = "Screen { background: $surface; }"

    def __init__(
        self, pane: Widget, session: SessionClient | None = None, theme: str = "harbour"
    ) -> None:
        super().__init__()
        self.pane = pane
        self.session = session
        self.heard: list[Message] = []
        self.snapshot = Snapshot()
        self._theme_key = theme

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.register_theme(to_textual(find_theme(self._theme_key, [built_in_folder()])))
        self.theme = self._theme_key
        if self.session is not None:
            self.run_worker(self._follow(self.session), group="feed")

    async def _follow(self, session: SessionClient) -> None:
        async for frame in frames(session.events()):
            self.take(frame)

    def take(self, frame: Frame) -> None:
        self.snapshot = frame.snapshot
        for each in (self.pane, *self.screen_stack):
            if hasattr(each, "show_frame"):
                cast(Follower, each).show_frame(frame)

    def show(self, snapshot: Snapshot) -> None:
        """A frame made by hand."""
        self.take(Frame(snapshot, self.snapshot, frozenset(snapshot.executions)))

    async def _on_message(self, message: Message) -> None:
        if type(message).__module__.startswith("codeexec."):
            self.heard.append(message)
        await super()._on_message(message)

    def heard_of(self, kind: type[M]) -> list[M]:
        return [message for message in self.heard if isinstance(message, kind)]


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Let the app go on until that is so."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not holds():
                await pilot.pause(0.02)
    except TimeoutError:
        raise AssertionError("it never came to that") from None


async def look_at_disk(pane: DocumentsPane) -> None:
    """Look at the files now; beside a look that has begun before, a second look does nothing."""
    while pane.watcher._is_looking:
        await asyncio.to_thread(time.sleep, 0.005)
    await pane.watcher.look()


@asynccontextmanager
async def session_in(folder: Path) -> AsyncIterator[SessionClient]:
    """A session on a real kernel in a folder that exists."""
    async with EmbeddedHost(folder / "state") as host:
        work = folder / "work"
        work.mkdir(exist_ok=True)
        summary = await host.call(q.OpenSession(cwd=str(work)))
        yield host.session(summary.session_id)


async def run(session: SessionClient, code: str) -> Snapshot:
    """Run code to its end; what is then."""
    accepted = await session.call(q.Execute(code))
    snapshot = Snapshot()
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events():
            snapshot = apply(snapshot, batch)
            view = snapshot.executions.get(accepted.execution_id)
            if view is not None and not view.is_open:
                break
    return snapshot
