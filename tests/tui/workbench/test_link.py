"""What the workbench says of a connection that does not come back."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any, cast

from codeexec.client.socket import SocketHost
from codeexec.client.waiting import Patience
from codeexec.client.wire import Address
from codeexec.domain.requests import ClientInfo
from codeexec.tui.options import OpenOptions
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.theme.theme import built_in_folder, find_theme
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.session.session_controller import SessionController
from codeexec.tui.workbench.surface import WorkbenchState
from support.servers import wait_until
from support.surface import QuietSurface


async def test_why_a_line_does_not_come_back_is_told_once() -> None:
    surface = QuietSurface()
    unused = cast("Any", None)
    patience = Patience(first=0.01, most=0.02)
    # Bound, so that no other test gets the port, and without a listener.
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    address = Address("", "127.0.0.1", taken.getsockname()[1], "token")
    async with SocketHost(address, ClientInfo("test"), patience=patience) as host:
        state = WorkbenchState(host, unused, OpenOptions(), Workspace(Path("/w"), ()), unused)
        status = StatusLine(find_theme("harbour", [built_in_folder()]))
        controller = SessionController(surface, state, status, unused, unused, None)
        following = asyncio.create_task(controller.follow_link())
        await wait_until(lambda: surface.notices, "a notice")
        await wait_until(lambda: host.link.attempt > 6, "further attempts")
        [notice] = surface.notices
        assert notice.startswith("The line to the server is cut: http://127.0.0.1:")
        assert "Connection refused. It is tried again." in notice
    await following
    taken.close()
