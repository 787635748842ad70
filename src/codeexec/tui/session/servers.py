"""Session servers that the workbench can change to: this machine's, and those in the settings."""

from __future__ import annotations

import shlex

from codeexec.client.remote import address_of
from codeexec.client.socket import SocketHost
from codeexec.config.model import RemoteServer
from codeexec.domain.errors import CodeexecError
from codeexec.domain.places.logins import AskUser
from codeexec.domain.requests import ClientInfo, GetHostInfo
from codeexec.tui.options import ServerTarget


def target_of(server: RemoteServer) -> ServerTarget:
    """Its address with its token. UsageError, StorageError."""
    return ServerTarget(address_of(server), server.name, f"--server {shlex.quote(server.name)}")


async def connect(
    target: ServerTarget | None, client: ClientInfo, ask_user: AskUser | None = None
) -> SocketHost:
    """A connection to that server (None: this machine's, started if none runs) that has answered.
    `ask_user` answers what a login to it asks, and may take its time. Raises why there is none."""
    if target is None:
        host = SocketHost(client=client)
    else:
        host = SocketHost(target.address, client, must_answer=True)
    try:
        if target is not None and ask_user is not None:
            host.ask_logins(ask_user)
            await _decided(host)
        await host.call(GetHostInfo())
    except CodeexecError:
        await host.close()
        raise
    return host


async def _decided(host: SocketHost) -> None:
    """Wait until it is connected, or it is known why not."""
    async for link in host.links():
        if link.state in ("connected", "closed"):
            return
