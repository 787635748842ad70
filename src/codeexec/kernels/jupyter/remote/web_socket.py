"""One WebSocket of a Jupyter server: without delayed acknowledgement, with pings."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.protocol import State
from websockets.typing import Subprotocol

from codeexec.kernels.jupyter.remote import failures
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.frames import V1

OPEN_WAIT = 90.0
"""Seconds for a handshake. The server waits up to 60 s for the kernel before it answers, and
counts connections wrongly for ever after a handshake that was aborted."""

LARGEST_MESSAGE = 512 << 20
"""Bytes. A larger one would fill the memory; it closes the line."""

PING_EVERY = 10.0
PING_WAIT = 20.0
CLOSE_WAIT = 2.0
QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class QuickConnection(ClientConnection):
    """Acknowledges what has come at once: servers wait for that before they send the rest of an
    answer, and the system would wait 40 ms."""

    def send_at_once(self, frame: bytes | str) -> bool:
        """Send a frame without waiting for a turn of the loop; False where bytes wait to be sent,
        or the connection is not open: then it is for `send`. Frames are never fragmented here."""
        if self.protocol.state is not State.OPEN or self.transport.get_write_buffer_size():
            return False
        if isinstance(frame, str):
            self.protocol.send_text(frame.encode())
        else:
            self.protocol.send_binary(frame)
        self.send_data()
        return True

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.protocol.parser_exc is not None:
            # The server need not close the line, and may go on sending for ever.
            self.transport.abort()
            return
        raw = self.transport.get_extra_info("socket")
        if QUICKACK is not None and raw is not None and raw.family != socket.AF_UNIX:
            try:
                raw.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)  # holds for one acknowledgement
            except OSError:
                pass  # it is closed


class NoRedirect(connect):
    """A connection that is not led elsewhere: the code of the user is for this server."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def open_channels(access: Access, kernel_id: str, session: str) -> QuickConnection:
    """To the channels of a kernel. ServerFailure; the kind `gone` where there is no such kernel."""
    path = f"api/kernels/{quote(kernel_id)}/channels?session_id={quote(session)}"
    return await open_web_socket(access, path, "such kernel", [Subprotocol(V1)])


async def open_web_socket(
    access: Access, path: str, asked: str, subprotocols: Sequence[Subprotocol] | None = None
) -> QuickConnection:
    """To a path below the root of the server; `asked` says in words what is there. ServerFailure;
    the kind `gone` where there is nothing."""
    address = access.address
    url = f"ws{address.base.removeprefix('http')}{path}"
    options: dict[str, Any] = {
        "subprotocols": subprotocols,
        "additional_headers": access.headers,
        "user_agent_header": None,
        "compression": None,
        "max_size": LARGEST_MESSAGE,
        "open_timeout": OPEN_WAIT,
        "ping_interval": PING_EVERY,
        "ping_timeout": PING_WAIT,
        "close_timeout": CLOSE_WAIT,
        "create_connection": QuickConnection,
    }
    try:
        if address.socket:
            connection = await NoRedirect(url, unix=True, path=address.socket, **options)
        else:
            if (context := access.tls()) is not None:
                options["ssl"] = context
            connection = await NoRedirect(url, **options)
        assert isinstance(connection, QuickConnection)
        return connection
    except InvalidStatus as error:
        response = error.response
        is_json = "json" in response.headers.get("Content-Type", "")
        status = response.status_code
        # The server's own answer to an unknown kernel or terminal is a page of HTML.
        if status in (404, 410):
            is_json = True
        if access.is_login and status in (401, 403):
            raise failures.login_ended(address.name, asked) from error
        raise failures.refused(address.name, status, "", is_json=is_json, asked=asked) from error
    except (OSError, TimeoutError, EOFError) as error:
        raise failures.unreachable(address.name, error) from error
    except asyncio.CancelledError:
        raise
    except Exception as error:  # whatever is wrong with a handshake
        raise failures.unreachable(address.name, error) from error
