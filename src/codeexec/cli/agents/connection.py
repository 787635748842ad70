"""Connection of an agent to one session: follows its events and knows its state."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from codeexec.cli.servers.local import pick_open
from codeexec.client import spawn
from codeexec.client.api import HostClient, SessionClient
from codeexec.client.socket import SocketHost
from codeexec.config.load import load
from codeexec.domain.errors import CodeexecError, ServerUnavailable
from codeexec.domain.fold import apply
from codeexec.domain.requests import ClientInfo, ListSessions, ReadExecution, SessionSummary
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.options import OpenOptions, ServerTarget
from codeexec.tui.session.attach import find_session
from codeexec.tui.session.workspace import Workspace

CATCH_UP = 20.0
"""Seconds in which the state of the session must have come."""


class AgentConnection:
    """`snapshot` is the session as its events have said so far."""

    def __init__(
        self, host: HostClient, summary: SessionSummary, name: str, folder: Path | None = None
    ) -> None:
        """`folder` has the documents, where the session's own is on another machine."""
        self._folder = folder
        self.host = host
        self.summary = summary
        self.name = name
        """The name of this client."""
        self.session: SessionClient = host.session(summary.session_id)
        self.snapshot = Snapshot()
        self._changed = asyncio.Event()
        self._problem: CodeexecError | None = None
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether the session has ended, or cannot be followed any more."""
        return self._is_over or self.snapshot.closed

    @property
    def folder(self) -> Path:
        return self._folder or Path(self.summary.cwd)

    async def follow(self) -> None:
        """Keep `snapshot` up to date, until the session ends."""
        try:
            async for records in self.session.events(0, "latest"):
                self.snapshot = apply(self.snapshot, records)
                self._wake()
        except CodeexecError as error:
            self._problem = error
        finally:
            self._is_over = True
            self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait_for(self, holds: Callable[[Snapshot], object], seconds: float) -> bool:
        """Wait until the snapshot is so, `seconds` at most; whether it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds(self.snapshot) and not self._is_over:
                    await self._changed.wait()
        return bool(holds(self.snapshot))

    async def catch_up(self) -> None:
        """Wait for the events that the session had when it was found."""
        if not await self.wait_for(lambda now: now.seq >= self.summary.seq, CATCH_UP):
            raise self._problem or ServerUnavailable(
                "The state of the session did not come in time.", "Try again."
            )

    async def execution(self, execution_id: str) -> ExecutionView:
        """An execution as it is now, also an old one. NotFound."""
        view = self.snapshot.executions.get(execution_id)
        if view is not None:
            return view
        return (await self.session.call(ReadExecution(execution_id))).execution


def _host(client: ClientInfo, server: ServerTarget | None) -> SocketHost:
    if server is None:
        return SocketHost(client=client, starting=spawn.begin())
    return SocketHost(server.address, client, must_answer=True)


@asynccontextmanager
async def connect(
    client: ClientInfo,
    name: str = "",
    folder: Path | None = None,
    server: ServerTarget | None = None,
) -> AsyncIterator[AgentConnection]:
    """Connect to the open session of this name or id; without one to that of the folder, which is
    opened if there is none. On a `server` elsewhere, without a name, to the last one, which is
    opened if there is none. NotFound, Conflict if several match."""
    folder = folder or Path.cwd()
    async with _host(client, server) as host:
        if name and name != ".":
            listed = await host.call(ListSessions(ended=False))
            summary = pick_open(listed.sessions, name)
        else:
            options = OpenOptions(attach=server is not None, server=server)
            place = Workspace(folder, ())
            summary = await find_session(host, options, place, lambda: load(folder).settings)
        documents = folder if server is not None else None
        async with follow(host, summary, client.name, documents) as connection:
            yield connection


@asynccontextmanager
async def follow(
    host: HostClient, summary: SessionSummary, name: str, folder: Path | None = None
) -> AsyncIterator[AgentConnection]:
    """Follow this session as the client `name`."""
    connection = AgentConnection(host, summary, name, folder)
    following = asyncio.create_task(connection.follow(), name="agent-follow")
    try:
        await connection.catch_up()
        yield connection
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
