"""Panes of one workbench, built from the registry: at the start, or after the first frame."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar, cast

from textual.screen import Screen
from textual.widget import Widget

from codeexec.domain.snapshot import Snapshot
from codeexec.tui.pane_registry import PaneEntry, panes
from codeexec.tui.panes.pane import (
    BuildContext,
    BuildPane,
    FollowsDocument,
    KeepsState,
    Pane,
    ShowsStoredOutputs,
)
from codeexec.tui.session.feed import Frame, FrameListener
from codeexec.tui.turns import short_turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from codeexec.domain.snapshot import ExecutionView
    from codeexec.tui.panes.artifacts.pane import ArtifactPane
    from codeexec.tui.panes.console.pane import ConsolePane
    from codeexec.tui.panes.documents.pane import DocumentsPane
    from codeexec.tui.panes.pane import PaneState
    from codeexec.tui.panes.terminal.pane import TerminalPane

R = TypeVar("R")


def load(entry: PaneEntry) -> BuildPane:
    """The function that builds a pane; imports the pane."""
    build: BuildPane = import_module(f"{entry.package}.pane").build
    return build


def load_late() -> None:
    """Import the panes that are built after the first frame; in a thread, the keyboard is free."""
    for entry in panes():
        if entry.late:
            load(entry)


class PaneSet:
    """Panes by name. Editor and console are built at once; `mount_late` builds the others."""

    def __init__(self) -> None:
        self._panes: dict[str, Widget] = {}
        self._states: Mapping[str, Mapping[str, object]] = {}
        self._complete = asyncio.Event()

    @property
    def are_complete(self) -> bool:
        """Whether the late panes are mounted, too."""
        return self._complete.is_set()

    async def wait_until_complete(self) -> None:
        """Wait until the late panes are mounted, too."""
        await self._complete.wait()

    def build(self, entry: PaneEntry, context: BuildContext) -> Widget:
        """Build one pane, with the state that was stored for it."""
        pane = load(entry)(context)
        self._panes[entry.name] = pane
        if isinstance(pane, KeepsState) and (state := self._states.get(entry.name)):
            pane.restore_pane_state(state)
        return pane

    async def mount_late(
        self, screen: Screen[R], context: BuildContext, pause: Callable[[], Awaitable[object]]
    ) -> bool:
        """Put the late panes into their boxes; False if the screen has been left. `pause` is waited
        for before each of them: it returns once no key is being handled."""
        entries = [entry for entry in panes() if entry.late]
        with short_turns():
            await asyncio.to_thread(load_late)
        mounted = []
        for entry in entries:
            await pause()
            found = screen.query(f"#{entry.name}-box")
            if not found or not found.first().is_attached:
                return False
            # Unseen, it needs no layout and no paint: a key is handled after each of them.
            pane = self.build(entry, context)
            pane.display = False
            await found.first().mount(pane)
            mounted.append(pane)
        for pane in mounted:
            await pause()
            if not pane.is_mounted:
                return False  # it was left meanwhile
            pane.styles.display = None
        self._complete.set()
        return True

    def find(self, name: str) -> Widget | None:
        """A pane by name; None while it has not been built."""
        return self._panes.get(name)

    @property
    def documents(self) -> DocumentsPane:
        """The editor pane, which is there from the start."""
        return cast("DocumentsPane", self._panes["editor"])

    @property
    def console(self) -> ConsolePane:
        """The console, which is there from the start."""
        return cast("ConsolePane", self._panes["console"])

    @property
    def artifacts(self) -> ArtifactPane | None:
        """The pane that displays lead to."""
        return cast("ArtifactPane | None", self.find("artifacts")) if self.are_complete else None

    @property
    def terminal(self) -> TerminalPane | None:
        """The pane of the terminals."""
        return cast("TerminalPane | None", self.find("terminal"))

    @property
    def has_artifacts(self) -> bool:
        """Whether there is anything to be seen among the artifacts."""
        return self.artifacts is not None and not self.artifacts.is_empty

    def focus(self, name: str) -> None:
        """Give a pane the keys."""
        pane = self.find(name)
        if isinstance(pane, Pane) and self.is_mounted(name):
            pane.take_focus()

    def is_mounted(self, name: str) -> bool:
        """Whether a pane has its widgets: one that was just built has none yet."""
        pane = self.find(name)
        return pane is not None and pane.is_mounted

    # -- what panes are told ----------------------------------------------------------------------

    def _late(self) -> list[Widget]:
        late = [entry.name for entry in panes() if entry.late]
        return [self._panes[name] for name in late if name in self._panes]

    def show_frame(self, frame: Frame) -> None:
        """A frame for the panes beside the centre."""
        for pane in self._late():
            if isinstance(pane, FrameListener):
                pane.show_frame(frame)

    def show_everything(self, snapshot: Snapshot) -> None:
        """A first frame for panes that were built when there had been frames before."""
        self.show_frame(Frame(snapshot, Snapshot(), frozenset(snapshot.executions)))

    def follow_document(self) -> None:
        """The document in front, its cursor or its marks may have changed."""
        for pane in self._late():
            if isinstance(pane, FollowsDocument):
                pane.follow_document()

    def show_stored(self, views: Sequence[ExecutionView]) -> None:
        """Outputs that notebooks' files hold."""
        for pane in self._late():
            if isinstance(pane, ShowsStoredOutputs):
                pane.show_stored(views)

    # -- state -------------------------------------------------------------------------------------

    def restore(self, states: Mapping[str, Mapping[str, object]]) -> None:
        """States as they were stored; panes that are built later get theirs then."""
        self._states = states
        for name, pane in self._panes.items():
            if isinstance(pane, KeepsState) and (state := states.get(name)):
                pane.restore_pane_state(state)

    def states(self) -> dict[str, PaneState]:
        """States to store; of panes that have not been built, what was stored before."""
        stored = {name: dict(state) for name, state in self._states.items()}
        for name, pane in self._panes.items():
            if isinstance(pane, KeepsState):
                stored[name] = pane.pane_state()
        return stored
