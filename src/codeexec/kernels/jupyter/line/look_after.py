"""Ends an execution whose last message may have been sent while no server listened."""

from __future__ import annotations

import asyncio
from typing import Protocol

from codeexec.domain.errors import Busy, KernelDied
from codeexec.kernels.base import KernelEvent, NeverTaken, Sink
from codeexec.kernels.jupyter.outbox.reader import OutboxReader
from codeexec.kernels.jupyter.pending import PendingRequests

REPLY_GRACE = 0.3  # for a reply after idle, before we take it for lost
FOREVER = 10.0 * 365 * 86400


class OpenExecutions(Protocol):
    """What this needs of a connection."""

    requests: PendingRequests
    outbox: OutboxReader

    def is_open(self, execution: str) -> bool: ...

    def give_up(self, execution: str) -> None: ...


async def look_after(connection: OpenExecutions, running: str, sink: Sink) -> None:
    """End it when the kernel is done with it: the shell answers in order, and the end itself may
    have been lost. `NeverTaken` goes to `sink` where the request for it was lost."""
    try:
        # Twice: requests of two connections that wait together are read in turn.
        for _ in range(2):
            await connection.requests.ask("shell", "kernel_info_request", {}, FOREVER)
    except (Busy, KernelDied):
        return  # its death is told by others
    if connection.outbox.token:
        await connection.outbox.catch_up()
        is_lost = connection.is_open(running) and running not in connection.outbox.taken
        if connection.outbox.token and is_lost:
            never: list[KernelEvent] = [NeverTaken(running)]
            sink(never)
            return
    await asyncio.sleep(REPLY_GRACE)
    connection.give_up(running)
