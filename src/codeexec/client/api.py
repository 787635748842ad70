"""Interface of the engine for clients, whether it runs in this process or behind a socket.

One contract suite (`tests/client`) runs over every implementation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct

from codeexec.domain.events import Recorded
from codeexec.domain.flow import OutputMode
from codeexec.domain.places.logins import AskUser
from codeexec.domain.requests import Request
from codeexec.domain.wire.frames import StreamChunk

R = TypeVar("R")

LinkState = Literal["connecting", "connected", "reconnecting", "closed"]


class Link(Struct, frozen=True):
    """The state of the connection. `retry_at` is on the monotonic clock, in seconds;
    `problem` says in words why it is not connected."""

    state: LinkState
    attempt: int = 0
    retry_at: float | None = None
    problem: str = ""


class SessionClient(Protocol):
    """One session. Calls raise the errors of `codeexec.domain.errors`."""

    @property
    def session_id(self) -> str: ...

    def call(self, request: Request[R]) -> Coroutine[Any, Any, R]:
        """Ask now; the coroutine waits for the answer. ServerUnavailable when the connection is
        down and does not come back within the request's time; an `Execute` with an id of its own
        may then be asked again without running twice."""

    def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        """All events after number `after`, then those to come, each exactly once and in order,
        in batches, across reconnections; never ends by itself but when the session is removed
        or the client is closed. Any number of readers may listen at once."""

    def stream(self, stream_id: str, after: int = 0) -> AsyncIterator[StreamChunk]:
        """The bytes of a stream of the session from offset `after` on, then those to come, in
        order, across reconnections; ends with the stream, or when the client is closed. Bytes
        that are no longer held are left out, and counted in the next chunk's `dropped`: a slow
        reader loses bytes in this way, and delays no other reader. NotFound when there is no such
        stream."""


class HostClient(Protocol):
    """The host of all sessions: a server, or this process."""

    @property
    def link(self) -> Link: ...

    def links(self) -> AsyncIterator[Link]:
        """The state of the connection now, and whenever it changes."""

    async def call(self, request: Request[R]) -> R: ...

    def session(self, session_id: str) -> SessionClient: ...

    def retry_now(self) -> None:
        """While the connection is down: do not wait for the next attempt."""

    def ask_logins(self, ask_user: AskUser) -> None:
        """Let the user answer what a login of the connection asks; nothing happens where it has
        none."""

    async def close(self) -> None:
        """Detach. Sessions go on (embedded ones end: they live in this process)."""
