"""Starts kernels in the holder process: the first one of a server before it has an event loop.

Standard library alone until `EarlyHolder.holding`.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.environments.holder.begin import (
    ForkedHolder,
    find_holder,
    logged_request,
    start_now,
)
from codeexec.kernels.jupyter.launch import (
    PARENT,
    Prepared,
    Spawned,
    open_process,
    start_directly,
)

if TYPE_CHECKING:
    from codeexec.environments.holder.holding import Holding


class EarlyHolder:
    """The holder of a server that is starting: the one that the server before it has left, or a
    fork of this process that starts the first kernel at once and becomes the holder later."""

    def __init__(self, record: Path) -> None:
        """`record` is the file that names the holder."""
        self._record = record
        self._link: socket.socket | None = None
        self._fork: ForkedHolder | None = None

    def start(self, prepared: Prepared) -> Spawned:
        """Start the first kernel. OSError when it cannot be started; this process must have one
        thread only."""
        try:
            self._link = find_holder(str(self._record))
            if self._link is not None:
                pid = start_now(self._link, _request(prepared))
            else:
                folder = prepared.spawned.folder
                fork = self._fork = ForkedHolder(
                    str(self._record), folder, lambda: open_process(prepared)
                )
                self._link, pid = fork.link, fork.first_pid
        except BaseException:
            prepared.discard()
            raise
        return prepared.started(pid, is_held=True)

    def holding(self) -> Holding:
        """For the rest of the server's life."""
        from codeexec.environments.holder.holding import Holding

        fork = self._fork
        return Holding(self._record, self._link, fork.boot if fork is not None else lambda: None)


async def start_held(holding: Holding, prepared: Prepared) -> Spawned:
    """Start a kernel in the holder; as a child of this process where there can be none. OSError
    when it cannot be started."""
    from codeexec.domain.errors import EnvironmentUnavailable

    try:
        client = await holding.client()
        held = await client.start_logged(_request(prepared))
    except EnvironmentUnavailable as error:
        import logging  # not before the first kernel

        log = logging.getLogger(__name__)
        log.warning("a kernel is started without the holder: %s", error)
        return start_directly(prepared)
    except BaseException:
        prepared.discard()
        raise
    return prepared.started(held.pid, is_held=True)


def _request(prepared: Prepared) -> dict[str, object]:
    return logged_request(
        prepared.command,
        prepared.place,
        prepared.environ,
        folder=prepared.spawned.folder,
        log=prepared.log,
        parent_variable=PARENT if prepared.watches_parent else "",
    )
