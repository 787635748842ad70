"""Asking the user's session server, where one runs, and reading what is on disk, where not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeVar

from codeexec.client import spawn
from codeexec.client.socket import SocketHost
from codeexec.client.spawn import Starting
from codeexec.config.paths import find_paths
from codeexec.domain.requests import ClientInfo, Request
from codeexec.session.journal import Journal
from codeexec.session.shelf import Shelf

R = TypeVar("R")


def sessions_folder() -> Path:
    return find_paths().state / "sessions"


def is_running() -> bool:
    """Does a server run? None is started."""
    return spawn.find(find_paths()) is not None


def ask(*requests: Request[R]) -> list[R]:
    """The answers of the user's server, which is started where none runs."""

    async def work(starting: Starting) -> list[R]:
        async with SocketHost(client=ClientInfo("cli"), starting=starting) as host:
            return [await host.call(request) for request in requests]

    return asyncio.run(work(spawn.begin()))


def open_journal(name: str) -> tuple[str, Journal]:
    """A session's id and its journal, to be read beside whoever writes it. NotFound."""
    shelf = Shelf(sessions_folder())
    session_id = shelf.find(name)
    return session_id, Journal.open(shelf.root / session_id / "journal.db", read_only=True)
