"""A host that answers every request with hostile text in every string, and tells every event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar, cast

from codeexec.client.api import Link, SessionClient
from codeexec.domain import requests as q
from codeexec.domain.events import AnyEvent, Recorded, SessionClosed, Variable
from codeexec.domain.flow import OutputMode
from codeexec.domain.places.logins import AskUser
from codeexec.domain.wire.frames import StreamChunk
from support.hostile import events, filled, rows, seen

R = TypeVar("R")

_KERNEL_ENDS = ("KernelPaused", "KernelResumed", "KernelDied", "KernelStopped")


class HostileHost:
    """A `HostClient`. `tell` gives the next stretch of events: a kernel that waits for an answer,
    then all that comes after it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: set[type] = set()
        self._told: asyncio.Queue[Sequence[AnyEvent]] = asyncio.Queue()
        every = events(text, output_text=seen(text))
        asks = 1 + next(i for i, one in enumerate(every) if type(one).__name__ == "StdinRequested")
        late = next(i for i, one in enumerate(every) if type(one).__name__ in _KERNEL_ENDS)
        closes = next(i for i, one in enumerate(every) if isinstance(one, SessionClosed))
        self.stretches = [every[:asks], every[asks:late], every[late:closes], every[closes:]]

    def tell(self) -> None:
        self._told.put_nowait(self.stretches.pop(0))

    # -- as a host -------------------------------------------------------------------------

    @property
    def link(self) -> Link:
        return Link("connected", problem=self.text)

    async def links(self) -> AsyncIterator[Link]:
        yield self.link
        await asyncio.Event().wait()

    def retry_now(self) -> None:
        """It is always there."""

    def ask_logins(self, ask_user: AskUser) -> None:
        """It has no logins."""

    async def close(self) -> None:
        """Nothing is open."""

    def session(self, session_id: str) -> SessionClient:
        return HostileSession(self)

    async def call(self, request: q.Request[R]) -> R:
        kind = type(request)
        self.asked.add(kind)
        given: dict[str, object] = {}
        match request:
            case q.Complete():
                given = {"start": request.cursor, "end": request.cursor}
            case q.ReadRows():
                shown = rows(seen(self.text))
                given = {"start": request.start, "runs": shown, "total": len(shown)}
            case q.ReadBlob():
                given = {"digest": request.digest}
            case q.RefreshVariables():
                table = filled(Variable, self.text, kind="table")
                given = {"variables": (table, filled(Variable, self.text, name=f"{self.text} "))}
            case q.ListKernels():
                able = filled(q.KernelInfo, self.text, problem="")
                given = {"kernels": (filled(q.KernelInfo, self.text), able)}
            case _:
                pass
        return cast(R, filled(kind.Answer, self.text, **given))


class HostileSession:
    """A `SessionClient`."""

    def __init__(self, host: HostileHost) -> None:
        self._host = host

    @property
    def session_id(self) -> str:
        return self._host.text

    async def call(self, request: q.Request[R]) -> R:
        return await self._host.call(request)

    async def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        seq = after
        while True:
            told = await self._host._told.get()
            yield [Recorded(seq + n, 1.0, event) for n, event in enumerate(told, 1)]
            seq += len(told)

    async def stream(self, stream_id: str, after: int = 0) -> AsyncIterator[StreamChunk]:
        chunks: tuple[StreamChunk, ...] = ()
        for chunk in chunks:
            yield chunk
