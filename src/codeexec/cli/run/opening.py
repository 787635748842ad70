"""Opens the session of a run: in this process, or on the machine that `--ssh` names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.cli.streams.console import RunConsole
from codeexec.client.embedded import EmbeddedHost
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import ClientInfo, OpenSession, StopSession
from codeexec.kernels.base import KernelFactory
from codeexec.session.settings import HostSettings
from codeexec.session.temporary import temporary_state

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient
    from codeexec.client.socket import SocketHost
    from codeexec.client.wire import Address

_STOP_WAIT = 20.0
"""Seconds that the end of a session waits for a line that is cut."""


@asynccontextmanager
async def open_here(request: OpenSession, kernels: KernelFactory) -> AsyncIterator[SessionClient]:
    """A session in this process, which ends with the block and leaves nothing."""
    settings = HostSettings(watch_variables=False, collect_files=False, watch_files=False)
    client = ClientInfo("run")
    async with temporary_state() as state, EmbeddedHost(state, kernels, settings, client) as host:
        opened = await host.call(request)
        yield host.session(opened.session_id)


@asynccontextmanager
async def open_there(
    request: OpenSession, address: Address, console: RunConsole
) -> AsyncIterator[SessionClient]:
    """A session in the folder of the address, which ends with the block. A line that is cut is
    told, and opened again. SshFailure."""
    from codeexec.client.remote import folder_there
    from codeexec.client.socket import SocketHost

    async with SocketHost(address, ClientInfo("run"), must_answer=True) as host:
        folder = await folder_there(host, address)
        opened = await host.call(replace(request, cwd=folder, file="", temporary=True))
        telling = asyncio.create_task(_tell_cuts(host, address.place, console))
        try:
            yield host.session(opened.session_id)
        finally:
            telling.cancel()
            with suppress(CodeexecError, TimeoutError):
                async with asyncio.timeout(_STOP_WAIT):
                    await host.call(StopSession(opened.session_id))


async def _tell_cuts(host: SocketHost, name: str, console: RunConsole) -> None:
    is_cut = False
    async for link in host.links():
        if link.state == "reconnecting" and not is_cut:
            is_cut = True
            console.say(f"The line to {name} is cut, and is tried again. The code runs on there.")
        elif link.state == "connected" and is_cut:
            is_cut = False
            console.say(f"The line to {name} is back.")
