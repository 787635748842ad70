"""The time that a run may take: it can be held while its kernel is paused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class RunTimer:
    """One run at a time; `on_over` is called with the id of the one whose time is over."""

    def __init__(self, on_over: Callable[[str], None]) -> None:
        self._on_over = on_over
        self._handle: asyncio.TimerHandle | None = None
        self._execution_id = ""
        self._left: float | None = None

    def start(self, execution_id: str, seconds: float) -> None:
        """Give the run so many seconds from now on."""
        self._execution_id = execution_id
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(seconds, self._on_over, execution_id)

    def stop(self) -> None:
        """The run is over."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def hold(self) -> None:
        """Let the time stand still until `release`."""
        if self._handle is not None:
            self._left = self._handle.when() - asyncio.get_running_loop().time()
            self.stop()

    def release(self, running: str | None) -> None:
        """Go on, where the run is still the one that is `running`."""
        seconds, self._left = self._left, None
        if seconds is not None and running == self._execution_id:
            self.start(running, seconds)
