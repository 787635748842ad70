"""The first words with a kernel: greeting one that runs already, and our helper code."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from codeexec.domain.errors import Busy, KernelDied
from codeexec.kernels.jupyter.connection import KernelConnection
from codeexec.kernels.jupyter.known.helper_runs import silent_request
from codeexec.kernels.jupyter.messages import replies
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.outbox.reader import read_announcement

NUDGE = 0.5
"""Seconds after which a kernel that booted is asked again."""
KEPT = "No output is lost"
NOT_KEPT = "Lost output is told"
"""What becomes of output that was said while the line was cut: short, for the status line."""

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


async def prime(
    connection: KernelConnection,
    language: str,
    folder: Path | None,
    timeout: float,
    outbox_owner: str = "",
) -> tuple[str, ...]:
    """Run our helper code in a kernel that we did not launch, before any code of the user; wait
    until it has run where interrupts depend on it. `folder` is the kernel's on this machine.
    `outbox_owner` is the session that an outbox is installed for where a server stands between;
    empty: none does. Returns what the user should know of the kernel, as `Ready.notices`."""
    known = connection.known
    if language == "python" and outbox_owner and not known.is_primed_before_code:
        await _install_outbox(connection, outbox_owner, timeout)
        return (KEPT if connection.outbox.token else NOT_KEPT,)
    if language == "python" and known.is_primed_before_code:
        content = replies.prime("xeus_interrupts")
        with suppress(Busy, KernelDied):  # the user's code meets the same
            await connection.requests.ask("shell", "execute_request", content, timeout)
    elif language == "python":
        connection.send("shell", "execute_request", replies.prime())
    elif known.helper == "bash" and folder is not None:
        from codeexec.kernels.jupyter.known.bash import start_code

        connection.send("shell", "execute_request", silent_request(start_code(folder)))
    return (NOT_KEPT,) if outbox_owner else ()


async def _install_outbox(connection: KernelConnection, owner: str, timeout: float) -> None:
    """Run our helper code with an outbox, and read that one where it could be installed. Code of
    other clients may run before it: then the outbox begins after that."""
    content = replies.prime_with_outbox(owner)
    with suppress(Busy, KernelDied):
        await connection.requests.ask("shell", "execute_request", content, timeout)
        info = await connection.requests.ask("control", "kernel_info_request", {}, QUESTION)
        connection.outbox.announced(info.content, owner)
