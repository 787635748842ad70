"""The holder of a server: begun when it is first needed, and anew when it was lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.environments.holder.client import HeldProcess, HolderClient


class Holding:
    """All processes of one server are held by one holder."""

    def __init__(
        self,
        record: Path | None = None,
        link: socket.socket | None = None,
        boot: Callable[[], None] = lambda: None,
    ) -> None:
        """`record` is the file that names the holder; without it no server finds it. `link` is a
        connection that was made before there was an event loop; `boot` is called before it is
        used first."""
        self._record = record
        self._link = link
        self._boot = boot
        self._client: HolderClient | None = None
        self._beginning = asyncio.Lock()

    def boot(self) -> None:
        """Let the fork that started the first kernel become the holder."""
        self._boot()

    async def client(self) -> HolderClient:
        """EnvironmentUnavailable when a holder cannot be started."""
        from codeexec.environments.holder.client import HolderClient  # not at the start

        async with self._beginning:
            if self._client is None or self._client.is_closed:
                link, self._link = self._link, None
                self._boot()
                if link is not None:
                    self._client = HolderClient(link)
                else:
                    self._client = await HolderClient.begin(self._record)
            return self._client

    async def find(self, folder: str) -> HeldProcess | None:
        """The process that was started for `folder`, by us or by a server before us."""
        held = await (await self.client()).adopt()
        return next((process for process in held if process.folder == folder), None)

    def close(self) -> None:
        """Let go: what was not kept ends, the rest is there for the next server."""
        self._boot()
        if self._client is not None:
            self._client.close()
        elif self._link is not None:
            self._link.close()
