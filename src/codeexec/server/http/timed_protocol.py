"""uvicorn's HTTP/1.1 protocol by httptools, a parser in C, with deadlines."""

from __future__ import annotations

import asyncio

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from codeexec.server.http.head import MAX_HEAD
from codeexec.server.http.joined_writes import JoinedWrites
from codeexec.server.http.request_timer import Phase, RequestTimer
from codeexec.server.limits import Connections


class TimedProtocol(HttpToolsProtocol):
    """See `RequestTimer`. httptools sets no limit to the length of a head: here it is `MAX_HEAD`,
    beyond what has come in one piece."""

    def __init__(self, config: Config, state: ServerState, connections: Connections) -> None:
        super().__init__(config, state, {}, asyncio.get_running_loop())
        self._connections = connections
        self._timer = RequestTimer(connections.limits, self._cut_off)
        self._reading: Phase = ""
        self._head_size = 0
        self._before: RequestResponseCycle | None = None
        """Of the request before the one that was read last."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(JoinedWrites(transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.enter("")
        self._connections.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_head = self._reading == "head"
        super().data_received(data)
        self._head_size = self._head_size + len(data) if is_head and self._reading == "head" else 0
        if self._head_size > MAX_HEAD:
            self.send_400_response("The head of this request is too long.")
        self._timer.enter(self._find_phase())

    def on_message_begin(self) -> None:
        self._reading = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._reading = "body"
        self._before = self.cycle
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._reading = ""
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._timer.enter(self._find_phase())

    def send_400_response(self, msg: str) -> None:
        """After the answers to the requests that came before what cannot be read."""
        last: RequestResponseCycle | None = self.cycle
        if self._reading == "body":  # its own, and it is not answered where others come first
            last = self._before
            if self.pipeline:
                self.pipeline.popleft()
        if last is not None and not last.response_complete:
            last.keep_alive = False
            self.flow.pause_reading()
        else:
            super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        """The door takes WebSockets; one on a connection that was used before is answered as any
        other request. The parser reads nothing after it."""
        self.cycle.keep_alive = False

    def _find_phase(self) -> Phase:
        if self.transport.is_closing():
            return ""
        # The head of a request that came while another one is answered has its time after that.
        is_answering = self.cycle is not None and not self.cycle.response_complete
        return "" if self._reading == "head" and is_answering else self._reading

    def _cut_off(self) -> None:
        self.transport.abort()
