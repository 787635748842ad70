"""One session behind a connection to a session server, and the frames of its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Protocol, TypeVar, cast

from msgspec import Raw

from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.events import Recorded
from codeexec.domain.flow import OutputMode
from codeexec.domain.wire.codec import encode, mended
from codeexec.domain.wire.frames import MAX_REQUEST, ClientFrame, StreamChunk, encode_frame

R = TypeVar("R")


class SessionHost(Protocol):
    """The part of a SocketHost that a session uses."""

    def ask(self, request: q.Request[R], session: str | None) -> Coroutine[Any, Any, R]: ...

    def listen(
        self, session_id: str, after: int, output: OutputMode
    ) -> AsyncIterator[Sequence[Recorded]]: ...

    def read_stream(
        self, session_id: str, stream_id: str, after: int
    ) -> AsyncIterator[StreamChunk]: ...


class SocketSession:
    """The `SessionClient` of one session behind a `SocketHost`."""

    def __init__(self, host: SessionHost, session_id: str) -> None:
        self._host = host
        self._session_id = session_id

    @property
    def session_id(self) -> str:
        return self._session_id

    def call(self, request: q.Request[R]) -> Coroutine[Any, Any, R]:
        return self._host.ask(request, self._session_id)

    def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        return self._host.listen(self._session_id, after, output)

    def stream(self, stream_id: str, after: int = 0) -> AsyncIterator[StreamChunk]:
        return self._host.read_stream(self._session_id, stream_id, after)


def request_frame(number: int, session: str | None, request: q.Request[R]) -> bytes:
    """The frame of a request, of a session or of the host. UsageError where it is too long."""
    untyped = cast("q.Request[q.Reply]", request)
    try:
        content = Raw(encode(untyped))
    except UnicodeEncodeError:
        content = Raw(encode(mended(untyped)))
    frame = encode_frame(ClientFrame(id=number, session=session, request=content))
    if len(frame) > MAX_REQUEST:
        raise UsageError(
            f"This request is too long ({len(frame):,} bytes; at most {MAX_REQUEST:,}).",
            "Write large content to a file and name that.",
        )
    return frame
