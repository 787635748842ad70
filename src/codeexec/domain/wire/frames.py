"""Frames of JSON text on the connection of a client, in both directions.

A client numbers its questions; `id` in an answer is that number. A listener is a question that
is answered many times: each batch of events carries its number as `listen`. The chunks of a byte
stream are binary messages, with the number of their question in the header.
"""

from __future__ import annotations

import struct
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from codeexec.domain.errors import CodeexecError, ProtocolError, from_code
from codeexec.domain.flow import OutputMode
from codeexec.domain.requests import ClientInfo
from codeexec.domain.wire.codec import UNREADABLE

MAX_REQUEST = 16 * 2**20
"""Bytes of a frame (or an HTTP body) that a server reads."""

SOCKET_PATH = "/v1/ws"

STREAM_WINDOW = 1 << 18
"""Bytes of a byte stream that may be sent before the client has said that they were read."""

STOPPED = "stopped"
"""The reason with which a server closes a connection when it was asked to end: a client that
hears it does not start another server."""


class Problem(Struct, frozen=True):
    """An error as it is told: see `codeexec.domain.errors`."""

    code: str
    title: str
    message: str
    next_step: str = ""

    @classmethod
    def of(cls, error: CodeexecError) -> Problem:
        return cls(error.code, error.title, _whole(error.message), _whole(error.next_step))

    def error(self) -> CodeexecError:
        return from_code(self.code, self.message, self.next_step)


class ServerHello(Struct, frozen=True):
    """The server's identity; the first frame of a connection."""

    version: str
    schema: int
    pid: int


class ClientFrame(Struct, frozen=True, omit_defaults=True):
    """One of: `client` (the client's identity), `request` with `id` (to `session`, or to the
    host), `listen` with `id` (events of that session after `after`), `stream` with `id` (bytes of
    that stream of
    `session` from the offset `after` on), `taken` with `id` (the offset up to which the bytes of
    that stream were read), or `stop` (a listener or a stream, by its number)."""

    id: int = 0
    session: str | None = None
    request: Raw = Raw()
    listen: str | None = None
    after: int = 0
    output: OutputMode = "tail"
    stream: str | None = None
    taken: int | None = None
    stop: int | None = None
    client: ClientInfo | None = None


class ServerFrame(Struct, frozen=True, omit_defaults=True):
    """One of: `server`, `ok` or `error` with `id` (0: of a frame whose number could not be
    read), `events` with `listen` (`decode_recorded` reads each), or `end` with `listen` (there will
    be no more, of a listener or a stream)."""

    id: int = 0
    ok: Raw = Raw()
    error: Problem | None = None
    listen: int = 0
    events: tuple[Raw, ...] = ()
    end: bool = False
    server: ServerHello | None = None


class StreamChunk(Struct, frozen=True):
    """Bytes of a byte stream. `offset` counts from the first byte of the stream. `dropped` bytes
    right before this chunk are lost to its reader: they are no longer held."""

    offset: int
    data: bytes
    dropped: int = 0


F = TypeVar("F")


def _whole(text: str) -> str:
    """A message may quote what no JSON can hold: half a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


_encoder = msgspec.json.Encoder()
_client = msgspec.json.Decoder(ClientFrame)
_server = msgspec.json.Decoder(ServerFrame)


class _Numbered(Struct):
    id: int = 0


def encode_frame(frame: ClientFrame | ServerFrame) -> bytes:
    return _encoder.encode(frame)


def decode_client(data: bytes | str) -> ClientFrame:
    return _decode(_client, data)


def decode_server(data: bytes | str) -> ServerFrame:
    return _decode(_server, data)


def frame_number(data: bytes | str) -> int:
    """The number of a frame that cannot be read otherwise, or 0."""
    try:
        return msgspec.json.decode(data, type=_Numbered).id
    except UNREADABLE:
        return 0


_CHUNK = struct.Struct(">BIQQ")
_CHUNK_MARK = 0  # no JSON text begins with it


def encode_chunk(number: int, chunk: StreamChunk) -> bytes:
    """A binary message for the client whose number of the stream is `number`."""
    return _CHUNK.pack(_CHUNK_MARK, number, chunk.offset, chunk.dropped) + chunk.data


def is_chunk(message: bytes) -> bool:
    return message[:1] == b"\0"


def decode_chunk(message: bytes) -> tuple[int, StreamChunk]:
    """The number of the stream, and its chunk."""
    if len(message) < _CHUNK.size:
        raise ProtocolError("This chunk of a stream is cut short.")
    _, number, offset, dropped = _CHUNK.unpack_from(message)
    return number, StreamChunk(offset, message[_CHUNK.size :], dropped)


def events_frame(listen: int, records: list[bytes]) -> bytes:
    """The frame of events that are encoded already."""
    return b'{"listen":%d,"events":[%s]}' % (listen, b",".join(records))


def _decode(decoder: msgspec.json.Decoder[F], data: bytes | str) -> F:
    try:
        return decoder.decode(data)
    except UNREADABLE as error:
        raise ProtocolError(
            f"This frame cannot be read: {error}.",
            "A frame is one JSON object; both ends should run the same version of codeexec-tui.",
        ) from error
