"""uvicorn's HTTP/1.1 protocol with deadlines: heads and bodies that never end are cut off."""

from __future__ import annotations

import asyncio
import logging

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from codeexec.server.limits import Connections

log = logging.getLogger(__name__)


class TimedProtocol(H11Protocol):
    """uvicorn closes a connection that is idle between two requests, but waits for ever for the
    rest of a head or body. Here each has a time in all: a byte now and then does not extend it."""

    def __init__(self, config: Config, state: ServerState, connections: Connections) -> None:
        super().__init__(config, state, {}, asyncio.get_running_loop())
        self._connections = connections
        self._phase = ""
        self._timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._enter("")
        self._connections.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._enter(self._find_phase())

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._enter(self._find_phase())

    def _unsupported_upgrade_warning(self) -> None:
        """The door takes WebSockets; one on a connection that was used before is answered as any
        other request, and is no fault of the server's installation."""

    def _find_phase(self) -> str:
        if self.transport.is_closing():
            return ""
        if self.conn.their_state is h11.SEND_BODY:
            return "body"
        is_between = self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE
        return "head" if is_between and self.conn.trailing_data[0] else ""

    def _enter(self, phase: str) -> None:
        if phase == self._phase:
            return
        self._phase = phase
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if phase:
            limits = self._connections.limits
            seconds = limits.head_seconds if phase == "head" else limits.body_seconds
            self._timer = self.loop.call_later(seconds, self._cut_off)

    def _cut_off(self) -> None:
        log.info("a client did not send the rest of its request's %s", self._phase)
        self.transport.abort()
