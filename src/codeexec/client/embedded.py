"""The engine in this process, behind the same protocol as the one behind a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from codeexec.client.api import Link
from codeexec.domain.events import Recorded
from codeexec.domain.flow import OutputMode
from codeexec.domain.places.logins import AskUser
from codeexec.domain.requests import ClientInfo, Request
from codeexec.domain.wire.frames import StreamChunk
from codeexec.kernels.base import KernelFactory
from codeexec.session.host import Host
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings

R = TypeVar("R")


class EmbeddedSession:
    """A `SessionClient`."""

    def __init__(self, session: Session, client: ClientInfo) -> None:
        self._session = session
        self._client = client

    @property
    def session_id(self) -> str:
        return self._session.session_id

    async def call(self, request: Request[R]) -> R:
        return await self._session.call(request, self._client)

    async def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        with self._session.join(self._client):
            async for batch in self._session.events(after, output):
                yield batch

    async def stream(self, stream_id: str, after: int = 0) -> AsyncIterator[StreamChunk]:
        stream = await self._session.find_stream(stream_id)
        async for chunk in stream.read(after):
            yield chunk


class EmbeddedHost:
    """A `HostClient` whose sessions end with it: `async with EmbeddedHost(state) as host`."""

    def __init__(
        self,
        state: Path,
        kernels: KernelFactory | None = None,
        settings: HostSettings | None = None,
        client: ClientInfo | None = None,
        *,
        adopts: bool = False,
    ) -> None:
        """`adopts`: take up sessions that another host has left open in this state folder, and
        leave ours to the next."""
        if kernels is None:
            from codeexec.kernels.factory import Kernels

            kernels = Kernels()
        self._host = Host(state, kernels, settings=settings, outlives=adopts)
        self._client = client or ClientInfo("embedded")
        self._adopts = adopts
        self._closed = asyncio.Event()

    async def __aenter__(self) -> EmbeddedHost:
        if self._adopts:
            await self._host.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def link(self) -> Link:
        return Link("closed" if self._closed.is_set() else "connected")

    async def links(self) -> AsyncIterator[Link]:
        yield self.link
        if not self._closed.is_set():
            await self._closed.wait()
            yield self.link

    def retry_now(self) -> None:
        """There is no connection that could be down."""

    def ask_logins(self, ask_user: AskUser) -> None:
        """Do nothing: a session of the own process needs no login."""

    async def call(self, request: Request[R]) -> R:
        return await self._host.call(request)

    def session(self, session_id: str) -> EmbeddedSession:
        return EmbeddedSession(self._host.session(session_id), self._client)

    async def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            await self._host.close(leave_kernels=self._adopts)
