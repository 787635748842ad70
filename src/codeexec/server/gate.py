"""Checks connections: a token on the network, the peer's user id on the private socket."""

from __future__ import annotations

import base64
import functools
import hmac
import ipaddress
import os
import secrets
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from codeexec.domain.errors import Denied, UsageError
from codeexec.server.access.identity import OPERATOR, VISITOR, Identity
from codeexec.server.access.verifier import KeysNeeded, TokenVerifier
from codeexec.server.browser.addresses import PageAddresses, unknown_page

_NEXT = "Send the token that `serve` printed, as `Authorization: Bearer TOKEN`."


def new_token() -> str:
    """256 bits that can stand in a URL."""
    return secrets.token_urlsafe(32)


class Authenticator(Struct, frozen=True):
    """With an empty `token` only connections to the private socket are admitted, by the user id
    of their other end. `hosts` are names by which the server may be called beside IP addresses and
    localhost: others are a sign of DNS rebinding."""

    token: str = ""
    hosts: frozenset[str] = frozenset()
    is_private: bool = True
    """The socket is a private Unix socket. A gate with a token is never private."""
    asks_token: bool = True
    """False: every program of this machine may pass without a token, but no page of a browser."""
    verifier: TokenVerifier | None = None
    """Knows the tokens of users. Clients with the static `token` are the user who runs the
    server."""
    pages: PageAddresses | None = None
    """Those of the server, which browsers may ask for without a token."""

    def check(
        self,
        header: Callable[[str], str | None],
        query: str,
        *,
        is_websocket: bool = False,
        is_docs: bool = False,
        page: str = "",
    ) -> Identity:
        """The sender of this request; Denied unless it may pass. `header` finds by lower-case name.
        `is_docs`: see `asks_for_docs`; the token may then be the password of a browser's login.
        A token may stand in the `query` (`token=`) of a WebSocket alone: a browser's has no
        headers, and other addresses are written to logs and histories. `page`: the id of
        the page that a browser asks for; it has a cookie, which the page checks. KeysNeeded: see
        `admit`."""
        host = header("host") or ""
        if not self._is_own_name(host):
            raise Denied(
                f"This server is not called {host[:100]!r}.",
                "Use its IP address, or name it so: serve --host-name NAME",
            )
        origin = header("origin")
        if origin is not None and (not host or _place(origin) != host.lower()):
            raise Denied("This page comes from another server.", "Use the API from its own.")
        if page:
            if self.pages is None or not self.pages.has(page):
                raise unknown_page()
            return VISITOR
        if not self.asks_token:
            # A page may send some requests without an `Origin`; browsers then tell this one.
            if (header("sec-fetch-site") or "none") not in ("none", "same-origin"):
                raise Denied("This page comes from another server.", "Use the API from its own.")
        elif self.token or not self.is_private:
            authorization = header("authorization") or ""
            token = _bearer(authorization) or (_password(authorization) if is_docs else "")
            return self._identify(token or (_token_in(query) if is_websocket else ""))
        return OPERATOR

    async def admit(
        self,
        header: Callable[[str], str | None],
        query: str,
        *,
        is_websocket: bool = False,
        is_docs: bool = False,
        page: str = "",
    ) -> Identity:
        """`check`, with new keys of the identity provider where those at hand are not enough."""
        try:
            return self.check(header, query, is_websocket=is_websocket, is_docs=is_docs, page=page)
        except KeysNeeded:
            await self.fetch_keys()
            return self.check(header, query, is_websocket=is_websocket, is_docs=is_docs)

    async def fetch_keys(self) -> None:
        """After `KeysNeeded`."""
        if self.verifier is not None:
            await self.verifier.fetch_keys()

    def _identify(self, token: str) -> Identity:
        if not token:
            raise Denied("This server asks for a token.", _NEXT)
        expected = self.token.encode("utf-8", "replace")
        if expected and hmac.compare_digest(token.encode("utf-8", "replace"), expected):
            return OPERATOR
        if self.verifier is None:
            raise Denied("The token is wrong.", _NEXT)
        return self.verifier.identify(token)

    def _is_own_name(self, host: str) -> bool:
        if not host and self.is_private and not self.token:
            return True
        if set(host) & set("@/?#\\"):
            return False
        if _is_address(host):
            return True
        if not _is_plain_name(host):
            return False
        name = host.partition(":")[0].lower()
        if name == "localhost" or name in self.hosts:
            return True
        # Clients of a Unix socket make a name up. One without a dot is no name on the internet.
        return self.is_private and not self.token and "." not in name


@functools.lru_cache(maxsize=64)
def _is_address(host: str) -> bool:
    """Whether this is an IP address, with a port or without."""
    try:
        ipaddress.ip_address(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
    return True


def _is_plain_name(host: str) -> bool:
    """Whether this is `NAME` or `NAME:PORT` of letters, digits, dots and hyphens."""
    name, _, port = host.partition(":")
    letters = name.replace("-", "").replace(".", "").replace("_", "")
    return (
        letters.isascii()
        and letters.isalnum()
        and (not port or (port.isdecimal() and len(port) <= 5))
    )


def _place(origin: str) -> str:
    """`host:port` of an origin, in lower case; empty when it has none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def asks_for_docs(method: str, path: str) -> bool:
    """Whether a person reads about the interface, in a browser that has no token to send. Its
    login counts for nothing else, as a browser sends it with requests of other pages too."""
    return method in ("GET", "HEAD") and path in ("/", "/docs", "/openapi.json")


def _password(authorization: str) -> str:
    """That of a browser's login, whatever the name; empty when there is none."""
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        login = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return ""
    return login.partition(":")[2]


def _token_in(query: str) -> str:
    """The token in a query string; empty when there is none, or more than one."""
    try:
        tokens = parse_qs(query, max_num_fields=100).get("token", [])
    except ValueError:
        return ""
    return tokens[0] if len(tokens) == 1 else ""


def names_of(bind: str) -> Iterable[str]:
    """Names by which a server bound to this host may rightly be called."""
    return {bind.lower(), socket.gethostname().lower()}


def require_loopback(name: str, address: str) -> None:
    """UsageError unless this machine alone reaches `address`, which is that of host `name`."""
    if not ipaddress.ip_address(address).is_loopback:
        raise UsageError(
            f"--no-auth is for this machine alone, and others reach {name}.",
            "Bind 127.0.0.1, or leave out --no-auth: clients then send a token.",
        )


def require_no_network(name: str, address: str) -> None:
    """UsageError where others reach `address`, that of host `name`, over a network that would
    carry tokens and code as plain text."""
    if not ipaddress.ip_address(address).is_loopback:
        raise UsageError(
            f"Others reach {name} over a network, which carries tokens as plain text without TLS.",
            "Give --tls-cert FILE --tls-key FILE, or --behind-proxy where a proxy does TLS.",
        )


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end of a Unix socket; None where the system does not say."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", credentials)[1])
    return None


def is_ours(connection: socket.socket) -> bool:
    """The other end is this user. Where the system does not tell, the folder's mode (0700) and
    the socket's (0600) keep others out."""
    uid = peer_uid(connection)
    return uid is None or uid == os.getuid()
