"""uvicorn's HTTP/1.1 protocol by h11, where httptools is not to be had, with deadlines."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from codeexec.server.http.request_timer import Phase, RequestTimer
from codeexec.server.limits import Connections


class TimedProtocol(H11Protocol):
    """See `RequestTimer`."""

    def __init__(self, config: Config, state: ServerState, connections: Connections) -> None:
        super().__init__(config, state, {}, asyncio.get_running_loop())
        self._connections = connections
        self._timer = RequestTimer(connections.limits, self._cut_off)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.enter("")
        self._connections.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._timer.enter(self._find_phase())

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._timer.enter(self._find_phase())

    def _unsupported_upgrade_warning(self) -> None:
        """The door takes WebSockets; one on a connection that was used before is answered as any
        other request, and is no fault of the server's installation."""

    def _find_phase(self) -> Phase:
        if self.transport.is_closing():
            return ""
        if self.conn.their_state is h11.SEND_BODY:
            return "body"
        is_between = self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE
        return "head" if is_between and self.conn.trailing_data[0] else ""

    def _cut_off(self) -> None:
        self.transport.abort()
