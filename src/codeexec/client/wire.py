"""A WebSocket's client end on asyncio: the handshake, frames in and out, and no more.

Written here because a client pays for every import before its first key: this costs 7 ms, the
client of `websockets` 52 (`benchmarks/imports.py`). The server's end is `websockets`, so every
test of both speaks to an implementation that is not this one. RFC 6455; no extensions.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from codeexec.client.tls import load_tls
from codeexec.domain.content.digests import sha1
from codeexec.domain.errors import Denied, ProtocolError, ServerUnavailable, UsageError
from codeexec.domain.places.ssh import SSH_SCHEME, SshPlace, parse_ssh_place
from codeexec.domain.wire.frames import SOCKET_PATH

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_HEAD = 65536
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Address(Struct, frozen=True):
    """Where a server listens: the path of its socket, host and port with a token, or the machine
    that `ssh` reaches, with its port (0: as its configuration says) and a folder there."""

    socket: str = ""
    host: str = ""
    port: int = 0
    token: str = ""
    tls: bool = False
    prefix: str = ""
    """Path below which a proxy has the server, such as `/lab`."""
    ssh: str = ""
    """`HOST` or `USER@HOST`, as `ssh` takes it."""
    folder: str = ""
    """Absolute, or from the home folder there."""

    def __repr__(self) -> str:
        return f"Address({self})"  # without the token: it may stand in a log

    @property
    def is_local(self) -> bool:
        return bool(self.socket)

    def __str__(self) -> str:
        if self.socket:
            return self.socket
        if self.ssh:
            return str(SshPlace(self.ssh, self.port, self.folder))
        return f"{'https' if self.tls else 'http'}://{self.place}{self.prefix}"

    @property
    def place(self) -> str:
        """Host and port as a URL has them; of `ssh` the host alone."""
        if self.ssh:
            return self.ssh
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(url: str, token: str = "") -> Address:
    """`ws://host:port`, `http://host:port` (or wss, https), `ssh://[user@]host[:port][/folder]`,
    `unix:/path` or a path; a token may stand in it as `?token=`. UsageError when it is none of
    these."""
    if url.startswith(SSH_SCHEME):
        return parse_ssh(url)
    if url.startswith(("unix:", "/")):
        path = url.removeprefix("unix:").removeprefix("//")
        if not path:
            raise UsageError(f"The address {url} names no socket.", _ADDRESSES)
        return Address(socket=path)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"The address {url} cannot be read: {error}.", _ADDRESSES) from error
    if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
        raise UsageError(f"The address {url} cannot be read.", _ADDRESSES)
    tls = parts.scheme in ("wss", "https")
    token_in_query = next((p[6:] for p in parts.query.split("&") if p.startswith("token=")), "")
    port = port or (443 if tls else 80)
    prefix = parts.path.rstrip("/")
    if not prefix.isascii() or not prefix.isprintable() or " " in prefix:
        raise UsageError(f"The path of {url} cannot be sent.", _ADDRESSES)
    return Address("", parts.hostname, port, token or unquote(token_in_query), tls, prefix)


def parse_ssh(place: str) -> Address:
    """`[USER@]HOST[:FOLDER]`, as scp has it, or an `ssh://` URL. UsageError."""
    host, port, folder = parse_ssh_place(place)
    return Address(port=port, ssh=host, folder=folder)


_ADDRESSES = "Write https://HOST:PORT (or http, ws, wss), or the path of a socket."


class WebSocketConnection(asyncio.Protocol):
    """One connection. `on_text` gets the bytes of each message; `on_lost` is called once, with
    the reason the server gave for closing, or what went wrong."""

    def __init__(self, on_text: Callable[[bytes], None], on_lost: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._on_lost = on_lost
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._key = base64.b64encode(os.urandom(16))
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reason = ""
        self.heard_at = 0.0
        self.when_lost: Callable[[], None] | None = None
        """Called when the connection has ended, however it did."""

    # -- to the server -------------------------------------------------------------------

    def send(self, text: bytes) -> None:
        """Send one message; nothing happens when the connection is gone."""
        self._send(_TEXT, text)

    def ping(self) -> None:
        self._send(_PING, b"")

    def close(self) -> None:
        """Say goodbye and leave."""
        self._send(_CLOSE, b"\x03\xe8")
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Leave at once, and tell `on_lost` why."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    def _send(self, opcode: int, payload: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | opcode, 0x80 | size))
        elif size < 65536:
            head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
        else:
            head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
        key = os.urandom(4)
        self._transport.write(head + key + _mask(payload, key))

    async def open(self, address: Address) -> None:
        """The handshake. Denied when the server refuses us, ServerUnavailable when what answers
        is no session server."""
        host = address.place if address.host else "localhost"
        lines = [
            f"GET {address.prefix}{SOCKET_PATH} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {self._key.decode()}",
            "Sec-WebSocket-Version: 13",
        ]
        if address.token:
            lines.append(f"Authorization: Bearer {address.token}")
        assert self._transport is not None
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self._opened

    # -- from the server -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        reason = self._reason or (str(exc) if exc else "the server closed the connection")
        if self.when_lost is not None:
            self.when_lost()
        if not self._opened.done():
            self._opened.set_exception(ServerUnavailable(f"No answer: {reason}.", _IS_IT_HTTPS))
            self._opened.exception()  # whoever waits has it; it need not be waited for
            return
        if self._opened.cancelled():
            return  # the handshake was given up
        if self._opened.exception() is None:
            self._on_lost(reason)

    def eof_received(self) -> bool:
        return False

    def data_received(self, data: bytes) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        self._buffer += data
        try:
            if not self._opened.done() and not self._read_head():
                return
            while self._read_frame():
                pass
        except ProtocolError as error:
            self.abort(error.message)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _MAX_HEAD:
                self._refuse(ServerUnavailable("What answers there is no session server."))
            return False
        status, *lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        code = status.split(" ")[1] if status.startswith("HTTP/1.1 ") else ""
        expected = base64.b64encode(sha1(self._key + _GUID).digest()).decode()
        if code == "101" and headers.get("sec-websocket-accept") == expected:
            self._opened.set_result(None)
            return True
        if code in ("401", "403"):
            problem = headers.get("x-problem", "The server refuses this connection.")
            self._refuse(Denied(problem, _TOKEN_NEXT))
        else:
            self._refuse(
                ServerUnavailable(
                    f"What answers there is no session server ({status[:80]!a}).", _IS_IT_HTTPS
                )
            )
        return False

    def _refuse(self, error: Denied | ServerUnavailable) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
        if self._transport is not None:
            self._transport.abort()

    def _read_frame(self) -> bool:
        """Take one frame off the buffer; false when there is no whole one."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        first, size, start = buffer[0], buffer[1] & 0x7F, 2
        if buffer[1] & 0x80 or first & 0x70:
            raise ProtocolError("The server sent a frame that cannot be read.")
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return False
            size = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + size:
            return False
        payload = bytes(memoryview(buffer)[start : start + size])
        del buffer[: start + size]
        self._take(first & 0x0F, bool(first & 0x80), payload)
        return True

    def _take(self, opcode: int, is_last: bool, payload: bytes) -> None:
        if opcode in (_TEXT, _BINARY, _CONTINUATION):
            if is_last and not self._parts:
                self._on_text(payload)
                return
            self._parts.append(payload)
            if is_last:
                whole, self._parts = b"".join(self._parts), []
                self._on_text(whole)
        elif opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self._reason = payload[2:].decode("utf-8", "replace")
            self.close()
        elif opcode != _PONG:
            raise ProtocolError("The server sent a frame of an unknown kind.")


def _mask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    mask = (key * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return masked.to_bytes(size, "big")


async def connect(
    address: Address,
    on_text: Callable[[bytes], None],
    on_lost: Callable[[str], None],
    timeout: float,
) -> WebSocketConnection:
    """An open connection within `timeout` seconds. Denied when the server refuses us,
    ServerUnavailable when there is none."""
    loop = asyncio.get_running_loop()
    wire = WebSocketConnection(on_text, on_lost)
    if address.tls:
        load_tls()
    try:
        async with asyncio.timeout(timeout):
            if address.is_local:
                await loop.create_unix_connection(lambda: wire, address.socket)
            else:
                await loop.create_connection(
                    lambda: wire, address.host, address.port, ssl=address.tls or None
                )
            await wire.open(address)
    except TimeoutError as error:
        wire.abort("timed out")
        next_step = _IS_IT_THERE if address.is_local else _IS_IT_HTTPS
        raise ServerUnavailable(f"{address} does not answer.", next_step) from error
    except OSError as error:
        raise _unreachable(address, error) from error
    except asyncio.CancelledError:
        wire.abort("given up")
        raise
    return wire


def _unreachable(address: Address, error: OSError) -> ServerUnavailable:
    if address.is_local:
        problem = f"{address} cannot be reached: {error.strerror or error}."
        return ServerUnavailable(problem, _IS_IT_THERE)
    reason = error.strerror or str(error)
    if error.errno is not None and error.errno > 0:  # asyncio words a refusal as a call
        reason = os.strerror(error.errno)
    next_step = "Is `codeexec-tui serve --bind` running there, and does a firewall let you through?"
    if isinstance(error, socket.gaierror):
        next_step = "Is the name of the machine right?"
    if address.tls:
        import ssl

        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted ({error.verify_message})"
            next_step = "Name the certificate of who signed it: SSL_CERT_FILE=FILE"
        elif isinstance(error, ssl.SSLError):
            reason = "it does not speak TLS"
            next_step = f"Without TLS it is http://{address.place}{address.prefix}"
    return ServerUnavailable(f"{address} cannot be reached: {reason}.", next_step)


_IS_IT_HTTPS = "Are host, port and http or https right?"
_TOKEN_NEXT = (
    "Give the token that `serve` printed there: --token-file FILE, or token_file in [servers.NAME]."
)
_IS_IT_THERE = "Is the server running? `codeexec-tui doctor` looks."
