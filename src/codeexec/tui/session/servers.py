"""Session servers that the workbench can change to: this machine's, and those in the settings."""

from __future__ import annotations

import shlex

from codeexec.client.remote import address_of
from codeexec.client.socket import SocketHost
from codeexec.config.model import RemoteServer
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import ClientInfo, GetHostInfo
from codeexec.tui.options import ServerTarget


def target_of(server: RemoteServer) -> ServerTarget:
    """Its address with its token. UsageError, StorageError."""
    return ServerTarget(address_of(server), server.name, f"--server {shlex.quote(server.name)}")


async def connect(target: ServerTarget | None, client: ClientInfo) -> SocketHost:
    """A connection to that server (None: this machine's, started if none runs) that has answered.
    Raises why there is none."""
    if target is None:
        host = SocketHost(client=client)
    else:
        host = SocketHost(target.address, client, must_answer=True)
    try:
        await host.call(GetHostInfo())
    except CodeexecError:
        await host.close()
        raise
    return host
