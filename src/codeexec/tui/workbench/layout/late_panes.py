"""The panes beside the centre: mounted after the first frame, and brought up to date after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from textual.screen import Screen
from textual.worker import Worker

from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.session.feed import Frame
from codeexec.tui.textual_ext import gc as garbage
from codeexec.tui.textual_ext.timers import call_after
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.surface import WorkbenchState

R = TypeVar("R")

_MOUNT_AFTER = 0.2
"""Seconds that are left to the first key, the first run, and the kernel's own start."""

_KEYS_PAUSE = 0.15
"""Seconds without a key before each of the panes is mounted, and before all are shown."""

_LATEST_MOUNT = 2.0
"""Seconds after which they are mounted while keys come all the same."""

_FRAMES_AFTER = 0.04
"""Seconds by which artifacts and variables are updated after the console, which is drawn first."""


class LatePanes:
    """`context` is what the panes are built with; `on_mounted` is called before they are shown
    anything."""

    def __init__(
        self,
        screen: Screen[R],
        state: WorkbenchState,
        panes: PaneSet,
        layout: LayoutController,
        context: Callable[[], BuildContext],
        on_mounted: Callable[[], object],
    ) -> None:
        self._screen = screen
        self._state = state
        self._panes = panes
        self._layout = layout
        self._context = context
        self._on_mounted = on_mounted
        self._frames: list[Frame] = []
        self._latest = 0.0
        """Time by the monotonic clock until which keys are waited for."""

    def begin(self) -> None:
        """Editor and console are on screen: mount the others soon."""
        self._latest = time.monotonic() + _LATEST_MOUNT
        call_after(self._screen, _MOUNT_AFTER, self._begin_mount)

    def _begin_mount(self) -> None:
        _: Worker[None] = self._screen.run_worker(self._mount, group="furnish", exclusive=True)

    async def _wait_for_pause(self) -> None:
        """Wait until no key has come for a moment, but not beyond the latest time."""
        while True:
            now = time.monotonic()
            wait = self._state.app_context.key_at + _KEYS_PAUSE - now
            if wait <= 0 or now >= self._latest:
                return
            await asyncio.sleep(wait)

    async def _mount(self) -> None:
        await self._wait_for_pause()
        if await self._panes.mount_late(self._screen, self._context(), self._wait_for_pause):
            self._on_mounted()
            if self._state.last is not None:
                self._panes.show_everything(self._state.snapshot)
                self._panes.show_stored(self._panes.documents.stored.views)
            if self._screen.query("#left-divider"):  # else it is being left
                self._layout.lay_out()
        garbage.keep()

    def show_frame(self, frame: Frame) -> None:
        """Bring the panes up to date soon; before they are there they need no frames: they are
        shown all of it when they come."""
        if not self._panes.are_complete:
            return
        self._frames.append(frame)
        if len(self._frames) == 1:
            call_after(self._screen, _FRAMES_AFTER, self._show_frames)

    def _show_frames(self) -> None:
        frames, self._frames = self._frames, []
        if not self._screen.display:
            return  # it is being left
        panes, had_artifacts = self._panes, self._panes.has_artifacts
        with self._screen.app.batch_update():
            for frame in frames:
                panes.show_frame(frame)
            panes.follow_document()
            if self._layout.is_presenting and panes.has_artifacts != had_artifacts:
                self._layout.lay_out()
