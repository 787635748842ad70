"""The time that the rest of a request's head or body may take."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from codeexec.server.limits import ConnectionLimits

log = logging.getLogger(__name__)

Phase = Literal["", "head", "body"]
"""The part of a request that has begun to come; empty: none, or all of it has come."""


class RequestTimer:
    """uvicorn closes a connection that is idle between two requests, but waits for ever for the
    rest of a head or body. Here each has a time in all: a byte now and then does not extend it."""

    def __init__(self, limits: ConnectionLimits, cut_off: Callable[[], None]) -> None:
        self._limits = limits
        self._cut_off = cut_off
        self._phase: Phase = ""
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, phase: Phase) -> None:
        """This is the phase from now on; its time begins where it is another one than before."""
        if phase == self._phase:
            return
        self._phase = phase
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if phase:
            seconds = self._limits.head_seconds if phase == "head" else self._limits.body_seconds
            self._timer = asyncio.get_running_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        log.info("a client did not send the rest of its request's %s", self._phase)
        self._cut_off()
