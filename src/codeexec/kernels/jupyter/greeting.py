"""The first words with a kernel that runs already."""

from __future__ import annotations

import asyncio

from codeexec.kernels.jupyter.connection import KernelConnection
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.outbox.reader import read_announcement

NUDGE = 0.5
"""Seconds after which a kernel that booted is asked again."""
QUESTION = 5.0
"""Seconds that a kernel is given to answer."""


async def greet_beside(connection: KernelConnection) -> Message:
    """Until it has answered and its output is heard, beside code that may be running: the control
    channel is answered then."""
    kind = "kernel_info_request"
    info = await connection.requests.ask("control", kind, {}, QUESTION)
    while not connection.heard.is_set():
        try:
            await asyncio.wait_for(connection.heard.wait(), NUDGE)
        except TimeoutError:
            connection.send("control", kind, {})
    announced = read_announcement(info.content)
    if announced is None or announced.token != connection.outbox.token:
        connection.outbox.abandon()
    return info
