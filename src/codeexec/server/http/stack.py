"""HTTP on the same sockets: uvicorn's protocol and the FastAPI app, imported when first asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from codeexec.domain.errors import CodeexecError, Denied, LimitReached, UsageError
from codeexec.domain.wire.frames import MAX_REQUEST
from codeexec.server import refusal
from codeexec.server.access.identity import (
    Scope,
    agent_name,
    current_admission,
    current_agent,
    current_identity,
)
from codeexec.server.access.limit_keeper import LimitKeeper
from codeexec.server.access.token_watch import wait_for_denial
from codeexec.server.browser.addresses import split_path
from codeexec.server.browser.pages import SessionPages
from codeexec.server.gate import Authenticator, asks_for_docs
from codeexec.server.http import head
from codeexec.server.limits import Connections
from codeexec.server.logs.request_id import begin_request
from codeexec.server.metrics.http_meter import HttpMeter
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


CHANGE_MADE = "codeexec.change_made"
"""Name, in the state of a request that waits for what it has begun, of an event that the endpoint
sets when the change is made: from then on the answer ends with the token."""


class TooLong(UsageError):
    """More than we read; 413 in HTTP."""


class HttpStack:
    """Makes uvicorn's protocol for a connection. Costs nothing before the first."""

    def __init__(
        self, host: Host, settings: ServiceSettings, limits: LimitKeeper, pages: SessionPages
    ) -> None:
        self._host = host
        self._pages = pages
        self._settings = settings
        self._limits = limits
        self._loading = asyncio.Lock()
        self._meter = HttpMeter()
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
                self._app = await asyncio.to_thread(
                    _load, self._host, self._settings, self._limits, self._meter, self._pages
                )
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        from codeexec.server.http.timed_protocol import TimedProtocol

        if self._state is None:
            self._state = ServerState()
        if gate not in self._configs:
            self._configs[gate] = Config(
                Guarded(self._app, gate, self._limits, self._meter),
                http=TimedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=max(1, round(connections.limits.idle_seconds)),
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


def _load(
    host: Host,
    settings: ServiceSettings,
    limits: LimitKeeper,
    meter: HttpMeter,
    pages: SessionPages,
) -> App:
    # 0.4 s of imports: on a thread, so that clients go on meanwhile.
    import codeexec.server.http.timed_protocol  # noqa: F401
    from codeexec.server.browser.app import PageApp
    from codeexec.server.rest.app import make_asgi

    programs = make_asgi(host, settings, limits, meter, pages)
    return Branches(programs, PageApp(host, pages.addresses))


class Branches:
    """The app of programs, and that of pages for browsers."""

    def __init__(self, app: App, pages: App) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        app = self._pages if split_path(scope["path"])[0] else self._app
        await app(scope, receive, send)


class Guarded:
    """The app behind its gate, with a limit to what it reads."""

    def __init__(
        self, app: App, gate: Authenticator, limits: LimitKeeper, meter: HttpMeter
    ) -> None:
        self._app = app
        self._gate = gate
        self._limits = limits
        self._meter = meter

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers: dict[str, list[str]] = {}
        for raw_name, value in scope["headers"]:
            headers.setdefault(raw_name.decode("latin-1"), []).append(value.decode("latin-1"))

        def header(name: str) -> str | None:
            return head.only(headers.get(name, []), name)

        query = scope["query_string"].decode("latin-1")
        given = headers.get("x-request-id", [""])[-1]
        send = self._meter.begin(scope, begin_request(given), send)
        is_docs = asks_for_docs(scope["method"], scope["path"])
        page = split_path(scope["path"])[0]
        try:
            identity = await self._gate.admit(header, query, is_docs=is_docs, page=page)
            length = header("content-length") or "0"
            if length.isdecimal() and int(length[:20]) > MAX_REQUEST:
                raise _too_long()
        except Denied as error:
            await _refuse(send, 401, error, is_docs=is_docs)
            return
        except TooLong as error:
            await _refuse(send, 413, error)
            return
        current_identity.set(identity)
        current_admission.set(lambda: self._gate.admit(header, query))
        current_agent.set(identity.agent or agent_name(header("x-agent") or ""))
        exchange = Exchange(receive, send)
        if page:
            # Watchers are counted by the page, and are no users of the service.
            await exchange.answer(self._app, scope)
            return
        try:
            identity.require(_scope_of(scope))
            self._limits.take_request(identity)
            held = self._limits.hold_stream(identity) if _is_stream(scope) else nullcontext()
            with self._limits.hold_connection(identity), held:
                is_change = scope["method"] not in _READING
                may_wait = "prefer" in headers or "wait=" in query
                if not identity.subject or (is_change and not may_wait):
                    # A change that has begun goes on to its end; the static token stays good.
                    await exchange.answer(self._app, scope)
                    return
                denial = wait_for_denial(identity, lambda: self._gate.admit(header, query))
                if is_change:
                    made = scope.setdefault("state", {})[CHANGE_MADE] = asyncio.Event()
                    denial = _after(made, denial)
                await exchange.answer_until(self._app, scope, denial)
        except (Denied, LimitReached) as error:
            from codeexec.server.rest.replies import problem

            await problem(error)(scope, receive, send)


class Exchange:
    """A request that is read no further than `MAX_REQUEST`, and its answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._size = 0
        self._is_started = False
        self._has_length = False

    async def answer(self, app: App, scope: MutableMapping[str, Any]) -> None:
        """Let the app answer."""
        await app(scope, self._bounded_receive, self._noted_send)

    async def answer_until(
        self, app: App, scope: MutableMapping[str, Any], denial: Coroutine[object, object, Denied]
    ) -> None:
        """The same; a stream or a long poll ends when `denial` returns, as the token is good no
        longer."""
        watch = asyncio.ensure_future(denial)
        answering = asyncio.ensure_future(self.answer(app, scope))
        try:
            await asyncio.wait({watch, answering}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await answering
                return
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            if not self._is_started:
                await _refuse(self._send, 401, await watch)
            elif not self._has_length:
                await self._send({"type": "http.response.body", "body": b""})
        finally:
            watch.cancel()
            answering.cancel()

    async def _bounded_receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > MAX_REQUEST:
            raise _too_long()
        return message

    async def _noted_send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_started = True
            names = {name.lower() for name, _ in message.get("headers", ())}
            self._has_length = b"content-length" in names
        await self._send(message)


async def _after(made: asyncio.Event, denial: Coroutine[object, object, Denied]) -> Denied:
    try:
        await made.wait()
        return await denial
    finally:
        denial.close()


_READING = ("GET", "HEAD", "OPTIONS")
_STREAMS = "/events"
_READING_POSTS = re.compile(r"(?:/api)?(?:/v1){1,2}/sessions/files/(?:read|list)")
"""The whole path: a file may be called `x/v1/sessions/files/read`."""


def _is_stream(scope: MutableMapping[str, Any]) -> bool:
    return scope["method"] == "GET" and str(scope["path"]).endswith(_STREAMS)


def _scope_of(scope: MutableMapping[str, Any]) -> Scope:
    """What a token must allow for this request, at least."""
    method = scope["method"]
    if method in _READING or (method == "POST" and _READING_POSTS.fullmatch(scope["path"])):
        return "read"
    return "run"


def _too_long() -> TooLong:
    return TooLong(
        f"This request is too long; at most {MAX_REQUEST:,} bytes are read.",
        "Write large content to a file and name that.",
    )


async def _refuse(send: Send, status: int, error: CodeexecError, *, is_docs: bool = False) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    if status == 401:
        values = refusal.challenges(is_docs=is_docs)
        headers += [(b"www-authenticate", value.encode()) for value in values]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body(error)})
