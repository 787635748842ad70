"""Serves the session host on sockets: clients over WebSockets, programs over HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Coroutine

from msgspec.structs import replace
from websockets.frames import CloseCode

from codeexec.domain.errors import LimitReached
from codeexec.domain.ids import is_session_id
from codeexec.domain.requests import ClientInfo
from codeexec.domain.wire.frames import STOPPED
from codeexec.server.access.identity import current_admission
from codeexec.server.access.limit_keeper import LimitKeeper
from codeexec.server.access.user_host import UserHost
from codeexec.server.access.user_limits import UserLimits
from codeexec.server.browser.pages import SessionPages
from codeexec.server.door import ClientChannel, ClientWebSocket, ProtocolSwitch
from codeexec.server.gate import Authenticator
from codeexec.server.http.stack import HttpStack
from codeexec.server.leases import Leases
from codeexec.server.limits import ConnectionLimits, Connections
from codeexec.server.peer import ClientConnection
from codeexec.server.service_settings import ServiceSettings
from codeexec.server.tcp_listener import ClientListeners
from codeexec.server.terminals.paths import terminal_session
from codeexec.session.host import Host
from codeexec.session.session import Session

log = logging.getLogger(__name__)

_GRACE = 2.0
"""Seconds that open questions are given when the server ends."""


class Service:
    """Listens on any number of sockets, each with its gate."""

    def __init__(
        self,
        host: Host,
        limits: ConnectionLimits | None = None,
        settings: ServiceSettings | None = None,
        user_limits: UserLimits | None = None,
    ) -> None:
        """`limits` hold for each listening socket by itself, `user_limits` for each user."""
        self.host = host
        self._limits = limits or ConnectionLimits()
        self._connections: dict[socket.socket, Connections] = {}
        self._servers: dict[socket.socket, asyncio.Server] = {}
        self._clients: dict[ClientWebSocket, asyncio.Task[None]] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._settings = settings or ServiceSettings()
        self._user_limits = LimitKeeper(host, user_limits or UserLimits())
        host.session_limits = self._user_limits
        self._pages = SessionPages(self._listen_for_pages)
        self._http = HttpStack(host, self._settings, self._user_limits, self._pages)
        self._busy_at = time.monotonic()
        self._leases = Leases()

    async def end_leased_sessions(self) -> None:
        """Stop the sessions whose lease no connection holds any more; to be called each second."""
        await self._leases.end_sessions(self.host)

    async def listen(
        self, listening: socket.socket, gate: Authenticator, tls: ssl.SSLContext | None = None
    ) -> None:
        """Accept connections on `listening`, a bound socket that the service then owns. A network
        socket needs a token: with a gate that has none, every request is refused, unless the gate
        does not ask for one."""
        is_local = listening.family == socket.AF_UNIX
        gate = replace(gate, is_private=is_local, pages=self._pages.addresses)
        if gate.verifier is not None:
            await asyncio.to_thread(self._user_limits.prepare)
        connections = self._connections[listening] = Connections(self._limits)

        def make_connection() -> ClientWebSocket:
            return ClientWebSocket(gate, self._serve, connections.leave, is_local=is_local)

        async def make_http() -> asyncio.Protocol:
            return await self._http.make_protocol(gate, connections)

        loop = asyncio.get_running_loop()

        def make_door() -> ProtocolSwitch:
            return ProtocolSwitch(gate, connections, make_connection, make_http, self._start)

        if is_local:
            server = await loop.create_unix_server(make_door, sock=listening)
        else:
            server = await loop.create_server(
                make_door,
                sock=listening,
                ssl=tls,
                ssl_handshake_timeout=self._limits.head_seconds if tls is not None else None,
            )
        self._servers[listening] = server

    async def _listen_for_pages(self, listening: socket.socket) -> None:
        # With neither a token nor users it refuses all else.
        await self.listen(listening, Authenticator(is_private=False))

    def unlisten(self, listening: socket.socket) -> None:
        """Accept no more there; connections stay."""
        self._servers.pop(listening).close()
        self._connections.pop(listening).abort_pending()

    def close_listener(self, listening: socket.socket) -> None:
        """Accept no more there, and end the connections that came by it. Nothing happens when it
        is closed already."""
        connections = self._connections.get(listening)
        if connections is not None:
            self.unlisten(listening)
            connections.abort_all()

    def connections(self, listening: socket.socket) -> Connections:
        """What is connected to one of our sockets."""
        return self._connections[listening]

    @property
    def client_count(self) -> int:
        return len(self._clients)

    def idle_for(self) -> float:
        """Seconds since a client was connected or a session was open."""
        now = time.monotonic()
        if self._clients or not self.host.is_idle or self._http.is_busy:
            self._busy_at = now
        return now - self._busy_at

    def _serve(self, connection: ClientWebSocket, path: str) -> None:
        identity = connection.identity
        users = UserHost(
            self.host,
            lambda: identity,
            self._user_limits,
            is_local=connection.is_local,
            makes_folders=not connection.is_local,
        )
        channel = ClientChannel(connection)
        if name := terminal_session(path):
            listeners = None
            run = self._show_terminal(users, connection, name)
        else:
            listeners = ClientListeners(self) if connection.is_local else None
            run = ClientConnection(
                users, channel, self._start, listeners, self._leases, self._pages
            ).run()
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._counted(connection, run), name="client")
        watch = loop.create_task(connection.end_with_token(), name="token watch")
        self._clients[connection] = task

        def ended(task: asyncio.Task[None]) -> None:
            watch.cancel()
            self._clients.pop(connection, None)
            if listeners is not None:
                listeners.close()
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("a client's connection failed", exc_info=error)
                connection.transport.abort()

        task.add_done_callback(ended)

    async def _counted(
        self, connection: ClientWebSocket, work: Coroutine[object, object, None]
    ) -> None:
        current_admission.set(connection.admit)
        try:
            with self._user_limits.hold_connection(connection.identity):
                await work
        except LimitReached as error:
            await connection.close(CloseCode.TRY_AGAIN_LATER, error.message)
        finally:
            work.close()  # it has not begun where there are too many

    async def _show_terminal(self, users: UserHost, connection: ClientWebSocket, name: str) -> None:
        from codeexec.server.rest.lookup import open_workspace
        from codeexec.server.terminals.socket import TerminalConnection

        async def open_session() -> Session:
            users.identity.require("run")
            if is_session_id(name):
                return await users.find_session(name)  # it may be another user's
            return await open_workspace(users, name, start_kernel=False)

        channel, buffer = ClientChannel(connection), self._settings.terminal_max_buffer
        agent = users.identity.agent
        client = ClientInfo(agent or "terminal socket", is_agent=bool(agent))
        terminal = TerminalConnection(open_session, channel, connection.close, buffer, client)
        try:
            with users.hold_stream():
                await terminal.run()
        except LimitReached as error:
            await connection.close(CloseCode.TRY_AGAIN_LATER, error.message)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._work.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("work for a client failed", exc_info=error)

        task.add_done_callback(ended)

    async def close(self, reason: str = STOPPED) -> None:
        """Accept no more, answer what is open, and close all connections with `reason`."""
        for listening in list(self._servers):
            self.unlisten(listening)
        self._pages.end()
        if self._work:
            await asyncio.wait(self._work, timeout=_GRACE)
        clients = dict(self._clients)
        goodbyes = [client.close(1001, reason) for client in clients]
        await asyncio.gather(*goodbyes, self._http.close(), return_exceptions=True)
        tasks = (*clients.values(), *self._work)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
