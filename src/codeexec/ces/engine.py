"""The engine that runs an environment's sessions: the user's session server, or this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from codeexec.domain.requests import ClientInfo

if TYPE_CHECKING:
    from codeexec.client.api import HostClient

Where = Literal["server", "here"]

IDLE_SERVER = 5.0
"""Seconds after which a session server that we have started ends when nobody needs it."""


@asynccontextmanager
async def open_engine(where: Where, lease: str) -> AsyncIterator[HostClient]:
    """The host of sessions, for as long as the block runs. Sessions that are opened with this lease
    end with it, also when this process is killed. ServerUnavailable, StorageError."""
    client = ClientInfo("codeexec.ces", lease=lease)
    if where == "server":
        from codeexec.client.socket import SocketHost
        from codeexec.client.spawn import begin

        async with SocketHost(client=client, starting=begin(idle=IDLE_SERVER)) as host:
            yield host
        return
    from codeexec.client.embedded import EmbeddedHost
    from codeexec.session.temporary import temporary_state

    async with temporary_state() as folder:
        async with EmbeddedHost(folder, client=client) as embedded:
            yield embedded
