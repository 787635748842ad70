"""Opens a connection to a session server by its address: over a socket, TCP or ssh."""

from __future__ import annotations

from collections.abc import Callable

from codeexec.client.wire import Address, WebSocketConnection
from codeexec.client.wire import connect as connect_directly


async def connect(
    address: Address,
    on_text: Callable[[bytes], None],
    on_lost: Callable[[str], None],
    timeout: float,
) -> WebSocketConnection:
    """See `wire.connect`."""
    if not address.ssh:
        return await connect_directly(address, on_text, on_lost, timeout)
    from codeexec.client.ssh.line import connect_over_ssh  # few need it, and it loads tempfile

    return await connect_over_ssh(address, on_text, on_lost, timeout)
