"""TCP sockets of the server: bound at its start, or while a joined `serve --bind` is connected."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct, field

from codeexec.domain import requests as q
from codeexec.domain.errors import Unavailable, UsageError
from codeexec.server.access.settings import AccessSettings, make_verifier
from codeexec.server.access.tls import tls_context
from codeexec.server.gate import Authenticator, names_of, require_loopback, require_no_network
from codeexec.server.logs.lines import redaction
from codeexec.session.host import Host

log = logging.getLogger(__name__)

MAX_PORT = 65535


class ListeningService(Protocol):
    """As `Service` does it."""

    @property
    def host(self) -> Host: ...

    async def listen(
        self, listening: socket.socket, gate: Authenticator, tls: ssl.SSLContext | None = None
    ) -> None: ...

    def close_listener(self, listening: socket.socket) -> None: ...


class ListenerOptions(Struct, frozen=True):
    """`bind` is host and port. Clients need `token`, or one that `access` verifies, or
    `asks_token` is false and it is a loopback address."""

    bind: tuple[str, int]
    token: str = ""
    asks_token: bool = True
    access: AccessSettings = field(default_factory=AccessSettings)


class TcpListener(Struct, frozen=True):
    """`url` names the port that was bound."""

    url: str
    listening: socket.socket


async def open_tcp_listener(service: ListeningService, options: ListenerOptions) -> TcpListener:
    """Let the service listen on TCP too. UsageError when the address cannot be bound, or when
    other machines could reach it without a token, or without TLS."""
    access = options.access
    redaction.hide(options.token)
    if options.asks_token and not options.token and not access.jwt.is_set:
        raise UsageError("On a network a token is always asked for, and there is none.")
    name, port = options.bind
    gate = Authenticator(
        options.token,
        frozenset({*names_of(name), *access.host_names}),
        is_private=False,
        asks_token=options.asks_token,
        verifier=make_verifier(access, service.host.state),
    )
    certificate = access.tls_certificate
    context = tls_context(certificate, access.tls_key) if certificate is not None else None
    bound = await _bind(name, port, options)
    await service.listen(bound, gate, context)
    host = f"[{name}]" if ":" in name else name
    scheme = "http" if context is None else "https"
    return TcpListener(f"{scheme}://{host}:{bound.getsockname()[1]}", bound)


async def _bind(name: str, port: int, options: ListenerOptions) -> socket.socket:
    if not 0 <= port <= MAX_PORT:
        raise UsageError(f"{port} is no port.", f"Ports are 0 to {MAX_PORT}.")
    bound: socket.socket | None = None
    try:
        addresses = await asyncio.get_running_loop().getaddrinfo(
            name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = addresses[0]
        if not options.asks_token:
            require_loopback(name, str(address[0]))
        elif not options.access.protects:
            require_no_network(name, str(address[0]))
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind(address)
    except (OSError, UnicodeError) as error:
        if bound is not None:
            bound.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"{name}:{port} cannot be bound: {reason or error}.",
            "Choose another port, or 0 for any that is free.",
        ) from error
    return bound


def listener_request(options: ListenerOptions) -> q.OpenListener:
    """The request for such a listener of a server that runs in another folder."""
    access = msgspec.to_builtins(options.access, enc_hook=_absolute)
    return q.OpenListener(*options.bind, options.token, options.asks_token, access)


def _absolute(value: object) -> str:
    if isinstance(value, Path):
        return str(value.absolute())
    raise TypeError(f"{type(value).__name__} is not sent to a server")


def read_options(request: q.OpenListener) -> ListenerOptions:
    """The options of `listener_request`. UsageError for those of another version."""

    def path(kind: type, value: object) -> Path:
        if kind is Path and isinstance(value, str):
            return Path(value)
        raise TypeError(f"{kind.__name__} is not read")

    try:
        access = msgspec.convert(request.access, AccessSettings, dec_hook=path)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"The settings of the listener cannot be read: {error}.",
            "Restart the session server: it may be of another version.",
        ) from error
    return ListenerOptions((request.host, request.port), request.token, request.asks_token, access)


class ClientListeners:
    """TCP sockets that were opened for one client of the private socket, and end with it."""

    def __init__(self, service: ListeningService) -> None:
        self._service = service
        self._opened: list[TcpListener] = []
        self._is_closed = False

    async def open(self, request: q.OpenListener) -> q.ListenerOpened:
        """See `open_tcp_listener`."""
        listener = await open_tcp_listener(self._service, read_options(request))
        self._opened.append(listener)
        log.info("listening on %s", listener.url)
        if self._is_closed:
            self.close()
            raise Unavailable("The client that asked for this listener has gone.")
        return q.ListenerOpened(listener.url)

    def close(self) -> None:
        """The client has gone."""
        self._is_closed = True
        while self._opened:
            listener = self._opened.pop()
            self._service.close_listener(listener.listening)
            log.info("closed the listener %s", listener.url)
