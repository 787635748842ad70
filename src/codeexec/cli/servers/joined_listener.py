"""Keeps a TCP listener open on the session server that runs already."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from codeexec.client import spawn
from codeexec.client.socket import SocketHost
from codeexec.client.waiting import Patience
from codeexec.client.wire import Address
from codeexec.config.paths import Paths
from codeexec.domain.errors import ServerUnavailable
from codeexec.domain.requests import ClientInfo, OpenListener

_AGAIN = "Start it again: the same command, which then serves by itself."


async def keep_listener(paths: Paths, request: OpenListener, ready: Callable[[str], None]) -> None:
    """Open the listener, call `ready` with its URL, and keep it until SIGINT or SIGTERM.

    ServerUnavailable when the server ends; UsageError when the address cannot be bound.
    """
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, interrupted.set)
    address = Address(socket=spawn.find(paths) or str(paths.socket))
    async with SocketHost(address, ClientInfo("serve"), patience=Patience(call=10.0)) as host:
        ready((await host.call(request)).url)
        waiting = asyncio.ensure_future(interrupted.wait())
        ending = asyncio.ensure_future(_until_lost(host))
        await asyncio.wait({waiting, ending}, return_when="FIRST_COMPLETED")
        is_interrupted = waiting.done()
        for task in (waiting, ending):
            task.cancel()
        if not is_interrupted:
            raise ServerUnavailable(
                "The session server ended, and its TCP address with it.", _AGAIN
            )


async def _until_lost(host: SocketHost) -> None:
    async for link in host.links():
        if link.state != "connected":
            return
