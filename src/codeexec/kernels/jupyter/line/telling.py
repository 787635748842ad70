"""Tells the user that the line to a kernel is cut, once that lasts, and that it is back."""

from __future__ import annotations

import asyncio

from codeexec.domain.events.lines import LineCut
from codeexec.kernels.base import LineChanged, Notice, Sink

TELL_AFTER = 2.0
"""Seconds without a line after which the user is told."""


class CutTelling:
    """Of one kernel, whose `place` is how the user names the machine of it."""

    def __init__(self, sink: Sink, place: str) -> None:
        self._sink, self._place = sink, place
        self._cut: LineCut | None = None
        self._told: LineCut | None = None
        """What the user was told last; None: no line is cut for them."""
        self._timer: asyncio.TimerHandle | None = None
        self._next_step = ""

    def cut(self, cut: LineCut, next_step: str = "", *, at_once: bool = False) -> None:
        """The line is cut, or one more attempt to open it has failed."""
        self._cut, self._next_step = cut, next_step
        if self._told is not None or at_once:
            self._tell()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_AFTER, self._tell)

    def back(self) -> None:
        self.close()
        self._cut = None
        if self._told is not None:
            self._told = None
            back = Notice("info", "The line to the kernel is back", self._place)
            self._sink([LineChanged(None), back])

    def close(self) -> None:
        """Tell nothing of a cut that has not lasted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self) -> None:
        self.close()
        cut, told = self._cut, self._told
        if cut is None or cut == told:
            return
        self._told = cut
        self._sink([LineChanged(cut)])
        if told is None or told.reason != cut.reason:
            title = "The line to the kernel is cut, and is tried again"
            self._sink([Notice("warning", title, cut.reason, self._next_step)])
