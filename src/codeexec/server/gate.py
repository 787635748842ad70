"""Who may come in: on a network the bearer of the token, on the private socket its owner."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from codeexec.domain.errors import Denied

_NEXT = "Send the token that `serve` printed, as `Authorization: Bearer TOKEN`."


def new_token() -> str:
    """256 bits that can stand in a URL."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Gate:
    """`token` empty: no token is asked for (the private socket). `hosts` are names by which we
    may be called beside IP addresses and localhost: others are a sign of DNS rebinding."""

    token: str = ""
    hosts: frozenset[str] = frozenset()

    def check(self, header: Callable[[str], str | None], query: str) -> None:
        """Denied unless this request may pass. `header` finds by lower-case name; a token may
        stand in `query` (`token=`), for a browser's WebSocket has no headers."""
        if not self.token:
            return
        host = header("host") or ""
        if not self._is_ours(host):
            raise Denied(f"This server is not called {host[:100]!r}.", "Use its IP address.")
        origin = header("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Denied("This page comes from another server.", "Use the API from its own.")
        given = (header("authorization") or "").removeprefix("Bearer ").strip()
        given = given or parse_qs(query).get("token", [""])[0]
        if not given:
            raise Denied("This server asks for a token.", _NEXT)
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise Denied("The token is wrong.", _NEXT)

    def _is_ours(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or name in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def names_of(bind: str) -> Iterable[str]:
    """Names by which a server bound to this host may rightly be called."""
    return {bind.lower(), socket.gethostname().lower()}


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end of a Unix socket; None where the system does not say."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", said)[1])
    return None


def is_ours(connection: socket.socket) -> bool:
    """The other end is this user. Where the system does not tell, the folder's mode (0700) and
    the socket's (0600) keep others out."""
    uid = peer_uid(connection)
    return uid is None or uid == os.getuid()
