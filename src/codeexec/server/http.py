"""HTTP on the same sockets: uvicorn's protocol and the FastAPI app, imported when first asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from codeexec.domain.errors import CodeexecError, Denied, UsageError
from codeexec.domain.wire.frames import MAX_REQUEST
from codeexec.server import head, refusal
from codeexec.server.gate import Authenticator
from codeexec.server.limits import Connections
from codeexec.server.service_settings import ServiceSettings
from codeexec.session.host import Host

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

# The types of ASGI, whose messages are dictionaries of anything.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class TooLong(UsageError):
    """More than we read; 413 in HTTP."""


class HttpStack:
    """Makes uvicorn's protocol for a connection. Costs nothing before the first."""

    def __init__(self, host: Host, settings: ServiceSettings) -> None:
        self._host = host
        self._settings = settings
        self._loading = asyncio.Lock()
        self._app: App | None = None
        self._state: ServerState | None = None
        self._configs: dict[Authenticator, Config] = {}

    @property
    def is_busy(self) -> bool:
        return self._state is not None and bool(self._state.connections)

    async def make_protocol(
        self, gate: Authenticator, connections: Connections
    ) -> asyncio.Protocol:
        """For one connection that came in by `gate` and is counted in `connections`."""
        async with self._loading:
            if self._app is None:
                self._app = await asyncio.to_thread(_load, self._host, self._settings)
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        from codeexec.server.http_protocol import TimedProtocol

        if self._state is None:
            self._state = ServerState()
        if gate not in self._configs:
            self._configs[gate] = Config(
                Guarded(self._app, gate),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=max(1, round(connections.limits.idle_seconds)),
                h11_max_incomplete_event_size=head.MAX_HEAD,
            )
        return TimedProtocol(self._configs[gate], self._state, connections)

    async def close(self) -> None:
        """Let answers that are on their way out, then close every connection."""
        if self._state is None:
            return
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=1.0)


def _load(host: Host, settings: ServiceSettings) -> App:
    # 0.4 s of imports: on a thread, so that clients go on meanwhile.
    import codeexec.server.http_protocol  # noqa: F401
    from codeexec.server.rest.app import make_app

    return make_app(host, settings)


class Guarded:
    """The app behind its gate, with a limit to what it reads."""

    def __init__(self, app: App, gate: Authenticator) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        raw = scope["headers"]

        def header(name: str) -> str | None:
            key = name.encode("latin-1")
            return head.only([value.decode("latin-1") for n, value in raw if n == key], name)

        try:
            self._gate.check(header, scope["query_string"].decode("latin-1"))
            length = header("content-length") or "0"
            if length.isdecimal() and int(length[:20]) > MAX_REQUEST:
                raise _too_long()
        except Denied as error:
            await _refuse(send, 401, error)
            return
        except TooLong as error:
            await _refuse(send, 413, error)
            return
        size = 0

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_REQUEST:
                raise _too_long()
            return message

        await self._app(scope, bounded, send)


def _too_long() -> TooLong:
    return TooLong(
        f"This request is too long; at most {MAX_REQUEST:,} bytes are read.",
        "Write large content to a file and name that.",
    )


async def _refuse(send: Send, status: int, error: CodeexecError) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body(error)})
