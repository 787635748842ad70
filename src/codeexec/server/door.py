"""The front door: one listening socket, where clients' WebSockets and HTTP part ways.

The door reads the head of the first request of a connection, within a deadline and a limit, and
asks the gate before anything else looks at it. Then it hands the connection on, with all that
came: a WebSocket goes straight to `websockets` (47 ms to import; uvicorn 142, FastAPI 430 more),
HTTP to uvicorn's protocol, imported at the first such request.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from http import HTTPStatus

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import Event
from websockets.server import ServerProtocol

from codeexec.domain.errors import CodeexecError, Denied, ProtocolError, Unavailable
from codeexec.domain.wire.frames import MAX_REQUEST, SOCKET_PATH
from codeexec.server import refusal
from codeexec.server.access.identity import NOBODY, Identity
from codeexec.server.access.token_watch import wait_for_denial
from codeexec.server.access.verifier import KeysNeeded
from codeexec.server.browser.addresses import split_path
from codeexec.server.gate import Authenticator, asks_for_docs, is_ours
from codeexec.server.http import head as heads
from codeexec.server.limits import Connections
from codeexec.server.terminals.paths import is_socket_path

log = logging.getLogger(__name__)

_MOST_DISCARDED = 2**20
"""Bytes of a refused request that are read and thrown away, so that the answer arrives."""

HttpFactory = Callable[[], Awaitable[asyncio.Protocol]]


class ClientWebSocket(Connection):
    """A WebSocket at our end, from its handshake on. `serve` is called with it and its path when it
    is open.

    No pings on the private socket: the system says when the other end dies, and one that is
    merely stopped may go on later.
    """

    def __init__(
        self,
        gate: Authenticator,
        serve: Callable[[ClientWebSocket, str], None],
        on_lost: Callable[[], None],
        *,
        is_local: bool,
    ) -> None:
        super().__init__(
            ServerProtocol(max_size=MAX_REQUEST),
            ping_interval=None if is_local else 20,
            ping_timeout=None if is_local else 60,
            close_timeout=2,
        )
        self.protocol: ServerProtocol
        self.is_local = is_local
        self._gate = gate
        self._serve = serve
        self._on_lost = on_lost
        self._credentials: tuple[Callable[[str], str | None], str] = (lambda name: None, "")
        self.identity = NOBODY

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()
        super().connection_lost(exc)

    def process_event(self, event: Event) -> None:
        if isinstance(event, Request):
            self._shake_hands(event)
        else:
            super().process_event(event)

    def _shake_hands(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        values = request.headers.get_all
        self._credentials = (lambda name: heads.only(values(name), name), query)
        try:
            self.identity = self._gate.check(*self._credentials, is_websocket=True)
            if is_socket_path(path):
                response = self.protocol.accept(request)
            else:
                response = self._not_found(path)
        except Denied as error:
            response = self.protocol.reject(HTTPStatus.UNAUTHORIZED, f"{error}\n")
            response.headers["X-Problem"] = error.message.encode("ascii", "replace").decode()
        self.protocol.send_response(response)
        self.send_data()
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self.start_keepalive()
            self._serve(self, path)
        else:
            self.transport.close()  # after what was just written

    async def admit(self) -> Identity:
        """Check the token again. Denied when it is good no longer."""
        return await self._gate.admit(*self._credentials, is_websocket=True)

    async def end_with_token(self) -> None:
        """Close the connection when its token has expired, was revoked, or its key was removed.
        Returns when it does; never for a client without such a token."""
        error = await wait_for_denial(self.identity, self.admit)
        await self.close(CloseCode.POLICY_VIOLATION, error.message)

    def _not_found(self, path: str) -> Response:
        words = f"There is no WebSocket at {path[:200]!a}."
        response = self.protocol.reject(HTTPStatus.NOT_FOUND, f"{words}\n")
        response.headers["X-Problem"] = words
        return response


class ClientChannel:
    """Text over a `ClientWebSocket`, as `ClientConnection` wants it."""

    def __init__(self, connection: ClientWebSocket) -> None:
        self._connection = connection
        self._sending = asyncio.Lock()

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            async for message in self._connection:
                # A binary message is read as text: it is decoded as JSON in any case.
                yield message if isinstance(message, str) else message.decode("utf-8", "replace")
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from error

    async def send(self, text: bytes) -> None:
        try:
            # One at a time: of many answers to a client that does not read, one is buffered.
            async with self._sending:
                await self._connection.send(text, text=True)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from error

    async def send_bytes(self, data: bytes) -> None:
        try:
            async with self._sending:
                await self._connection.send(data)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from error


class ProtocolSwitch(asyncio.Protocol):
    """Reads the head of a connection's first request, and hands the connection on or refuses it.

    What comes after a refusal is thrown away for a moment: a connection that is closed with
    unread bytes is reset, and the client would not see the answer.
    """

    def __init__(
        self,
        gate: Authenticator,
        connections: Connections,
        make_connection: Callable[[], ClientWebSocket],
        make_http: HttpFactory,
        start: Callable[[Coroutine[object, object, None]], None],
    ) -> None:
        self._gate = gate
        self._connections = connections
        self._make_connection = make_connection
        self._make_http = make_http
        self._start = start
        self._data = bytearray()
        self._discarded: int | None = None
        self._is_docs = False
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
        peer = transport.get_extra_info("peername")
        self._connections.add(transport, str(peer[0]) if isinstance(peer, tuple) else "")
        self._abort_after(self._connections.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._transport is not None:
            self._connections.remove(self._transport)

    def eof_received(self) -> bool:
        return False

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._discarded is not None:
            self._discarded += len(data)
            if self._discarded > _MOST_DISCARDED:
                self._transport.abort()
            return
        searched = max(len(self._data) - 3, 0)
        self._data += data
        if not heads.is_whole(bytes(self._data[searched : heads.MAX_HEAD])):
            if len(self._data) >= heads.MAX_HEAD:
                error = ProtocolError("The head of this request is too long.", "Send less.")
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, error)
            return
        try:
            head = heads.parse(bytes(self._data))
            is_websocket = (head.header("upgrade") or "").lower() == "websocket"
            self._is_docs = asks_for_docs(head.method, head.path)
            self._gate.check(
                head.header,
                head.query,
                is_websocket=is_websocket,
                is_docs=self._is_docs,
                page="" if _is_websocket(head) else split_path(head.path)[0],
            )
        except KeysNeeded:
            self._transport.pause_reading()
            self._start(self._admit_with_new_keys(head, is_websocket=is_websocket))
        except Denied as denied:
            self._refuse(HTTPStatus.UNAUTHORIZED, denied)
        except ProtocolError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, error)
        else:
            self._admit(is_socket=_is_websocket(head))

    async def _admit_with_new_keys(self, head: heads.Head, *, is_websocket: bool) -> None:
        assert self._transport is not None
        try:
            await self._gate.admit(
                head.header, head.query, is_websocket=is_websocket, is_docs=self._is_docs
            )
        except Denied as denied:
            error: Denied | None = denied
        else:
            error = None
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        if error is not None:
            self._refuse(HTTPStatus.UNAUTHORIZED, error)
        else:
            self._admit(is_socket=_is_websocket(head))

    def _admit(self, *, is_socket: bool) -> None:
        assert self._transport is not None
        if not self._connections.admit(self._transport):
            full = Unavailable("Too many connections are open here.", "Close some of them.")
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, full)
            return
        self._stop_timer()
        if is_socket:
            self._hand_on(self._make_connection())
        else:
            # The first one imports the HTTP stack, beside the loop.
            self._transport.pause_reading()
            self._start(self._hand_to_http())

    async def _hand_to_http(self) -> None:
        assert self._transport is not None
        try:
            protocol = await self._make_http()
        except BaseException:
            self._connections.leave()
            self._transport.abort()
            raise
        if self._transport.is_closing():
            self._connections.leave()
            return
        self._transport.resume_reading()
        self._hand_on(protocol)

    def _hand_on(self, protocol: asyncio.Protocol) -> None:
        assert self._transport is not None
        data = bytes(self._data)
        self._data.clear()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(data)

    def _refuse(self, status: HTTPStatus, error: CodeexecError) -> None:
        assert self._transport is not None
        self._discarded = 0
        self._data.clear()
        self._transport.write(refusal.response(status, error, is_docs=self._is_docs))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._abort_after(self._connections.limits.linger_seconds)

    def _abort_after(self, seconds: float) -> None:
        assert self._transport is not None
        self._stop_timer()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _is_websocket(head: heads.Head) -> bool:
    """Whether the request opens a WebSocket; at our own path nothing else is served."""
    upgrade = " ".join(head.headers.get("upgrade", ())).lower()
    return head.method == "GET" and (head.path == SOCKET_PATH or "websocket" in upgrade)
