"""Assembles the server and runs it until it is told to stop or has been idle."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable

from msgspec import Struct, field
from msgspec.structs import replace

from codeexec.config.paths import Paths
from codeexec.domain.errors import CodeexecError
from codeexec.kernels.base import KernelFactory
from codeexec.server.access.user_limits import UserLimits
from codeexec.server.gate import Authenticator
from codeexec.server.instance import Instance
from codeexec.server.limits import ConnectionLimits, raise_file_limit
from codeexec.server.service import Service
from codeexec.server.service_settings import ServiceSettings
from codeexec.server.tcp_listener import ListenerOptions, open_tcp_listener
from codeexec.session.host import Host
from codeexec.session.settings import HostSettings

log = logging.getLogger(__name__)

_TICK = 1.0


class ServerOptions(Struct, frozen=True):
    """`listener` is a TCP socket beside the private one."""

    paths: Paths
    listener: ListenerOptions | None = None
    settings: HostSettings = field(default_factory=HostSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    user_limits: UserLimits = field(default_factory=UserLimits)


async def serve(
    options: ServerOptions,
    instance: Instance,
    listening: socket.socket,
    kernels: KernelFactory,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until StopHost, SIGTERM or SIGINT, or until idle for so long as the settings say.

    SIGTERM leaves the kernels running: the next server adopts them. `ready` is called with the
    TCP address (empty: none) once everything listens.
    """
    settings = options.settings
    if options.listener is not None:
        settings = replace(settings, idle_host=0.0)
    host = Host(options.paths.state, kernels, settings=settings, socket=str(options.paths.socket))
    loop = asyncio.get_running_loop()
    restore = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, host.stop_requested.set)
    loop.add_signal_handler(signal.SIGUSR1, restore.set)
    # Bound before we could answer, so that a client's connection waits instead of failing.
    service = Service(
        host, ConnectionLimits().fitting(raise_file_limit()), options.service, options.user_limits
    )
    try:
        await host.start()
        await service.listen(listening, Authenticator())
        tcp = options.listener and await open_tcp_listener(service, options.listener)
        ready(tcp.url if tcp else "")
        log.info("serving on %s, pid %d", options.paths.socket, os.getpid())
        await _stay(service, instance, listening, restore, settings.idle_host)
    finally:
        await service.close()
        await host.close(leave_kernels=not host.stop_sessions)
        instance.release()
        log.info("ended")


async def _stay(
    service: Service,
    instance: Instance,
    listening: socket.socket,
    restore: asyncio.Event,
    idle_limit: float,
) -> None:
    """Serve until told to stop or idle; restore the socket if it was removed."""
    host = service.host
    stop = asyncio.ensure_future(host.stop_requested.wait())
    try:
        while not stop.done():
            restoring = asyncio.ensure_future(restore.wait())
            await asyncio.wait({stop, restoring}, timeout=_TICK, return_when="FIRST_COMPLETED")
            restoring.cancel()
            restore.clear()
            await host.end_lost_sessions()
            await service.end_leased_sessions()
            if not instance.is_intact:
                log.error("%s was removed or replaced: this server ends", instance.lock_path)
                return
            if not instance.is_bound:
                try:
                    replacement = instance.bind()
                except CodeexecError as error:
                    # Its folder may come back with the user's next login.
                    log.debug("the socket is gone: %s", error)
                else:
                    log.warning("the socket had been removed; it is back")
                    service.unlisten(listening)
                    await service.listen(replacement, Authenticator())
                    listening = replacement
            if idle_limit and service.idle_for() > idle_limit:
                log.info("idle for %g s", idle_limit)
                return
    finally:
        stop.cancel()
