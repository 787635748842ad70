"""The front door: one listening socket, where faces' WebSockets and HTTP part ways.

A face's connection never touches the HTTP stack: its first line says what it is, and the
WebSocket goes straight to `websockets` (47 ms to import; uvicorn 142, FastAPI 430 more). HTTP
is handed to uvicorn's protocol, imported at the first such request.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from http import HTTPStatus

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.protocol import Event
from websockets.server import ServerProtocol

from codeexec.domain.errors import Denied
from codeexec.domain.frames import MAX_REQUEST, SOCKET_PATH
from codeexec.server.gate import Gate, is_ours

log = logging.getLogger(__name__)

_MAX_LINE = 16384
_LINE_SECONDS = 20.0
_SOCKET_LINES = tuple(f"GET {SOCKET_PATH}{end}".encode() for end in (" ", "?"))

HttpFactory = Callable[[], Awaitable[asyncio.Protocol]]


class FaceConnection(Connection):
    """A WebSocket at our end, from its handshake on. `serve` is run when it is open.

    No pings on the private socket: the system says when the other end dies, and one that is
    merely stopped may go on later.
    """

    def __init__(
        self, gate: Gate, serve: Callable[[FaceConnection], None], *, is_local: bool
    ) -> None:
        super().__init__(
            ServerProtocol(max_size=MAX_REQUEST),
            ping_interval=None if is_local else 20,
            ping_timeout=None if is_local else 60,
            close_timeout=2,
        )
        self.protocol: ServerProtocol
        self._gate = gate
        self._serve = serve

    def process_event(self, event: Event) -> None:
        if isinstance(event, Request):
            self._shake_hands(event)
        else:
            super().process_event(event)

    def _shake_hands(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        try:
            self._gate.check(lambda name: request.headers.get(name), query)
            response = self.protocol.accept(request)
        except Denied as error:
            response = self.protocol.reject(HTTPStatus.UNAUTHORIZED, f"{error}\n")
            response.headers["X-Problem"] = error.message
        self.protocol.send_response(response)
        self.send_data()
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS and path == SOCKET_PATH:
            self.start_keepalive()
            self._serve(self)


class FaceChannel:
    """Text over a `FaceConnection`, as `Peer` wants it."""

    def __init__(self, connection: FaceConnection) -> None:
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            async for message in self._connection:
                # A binary message is read as text: it is decoded as JSON in any case.
                yield message if isinstance(message, str) else message.decode("utf-8", "replace")
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from error

    async def send(self, text: bytes) -> None:
        try:
            await self._connection.send(text, text=True)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from error


class FrontDoor(asyncio.Protocol):
    """Reads the first line of a connection and hands it on, with all that came."""

    def __init__(
        self,
        make_face: Callable[[], FaceConnection],
        make_http: HttpFactory,
        start: Callable[[Coroutine[object, object, None]], None],
    ) -> None:
        self._make_face = make_face
        self._make_http = make_http
        self._start = start
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connection = transport.get_extra_info("socket")
        if connection.family == socket.AF_UNIX and not is_ours(connection):
            log.warning("refused a connection of another user")
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_LINE_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._head += data
        if b"\n" not in self._head:
            if len(self._head) > _MAX_LINE:
                self._transport.abort()
            return
        self._stop_timer()
        if self._head.startswith(_SOCKET_LINES):
            self._hand_on(self._make_face())
        else:
            # The first one imports the HTTP stack, beside the loop.
            self._transport.pause_reading()
            self._start(self._hand_to_http())

    async def _hand_to_http(self) -> None:
        protocol = await self._make_http()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._hand_on(protocol)

    def _hand_on(self, protocol: asyncio.Protocol) -> None:
        assert self._transport is not None
        head, self._head = self._head, b""
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(head)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
