"""Asking the user's session server, where one runs, and reading what is on disk, where not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from codeexec.client import spawn
from codeexec.client.socket import SocketHost
from codeexec.client.spawn import Starting
from codeexec.config.paths import find_paths
from codeexec.domain.errors import Conflict, NotFound
from codeexec.domain.requests import ClientInfo, ListSessions, Request, SessionSummary
from codeexec.session.directory import Shelf
from codeexec.session.storage.journal import Journal

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


def ask_session(session_id: str, request: Request[R]) -> R:
    """The answer of an open session. NotFound where it is none."""

    async def work(starting: Starting) -> R:
        async with SocketHost(client=ClientInfo("cli"), starting=starting) as host:
            return await host.session(session_id).call(request)

    return asyncio.run(work(spawn.begin()))


def find_session(name: str) -> str:
    """The id of the session of this name, of this id, or whose id begins so; among those of one
    name the running one. NotFound, or Conflict where it may be several."""
    if is_running():
        # The names of what is open are in the server's memory before they are on disk.
        open_sessions = ask(ListSessions(ended=False))[0].sessions
        named = [
            session.session_id
            for session in open_sessions
            if name in (session.name, session.session_id)
        ]
        if len(named) == 1:
            return named[0]
    return Shelf(sessions_folder()).find(name)


def find_open_session(name: str) -> SessionSummary:
    """The open session of this name or id, else the only one whose name or id begins so.
    NotFound, or Conflict where several do."""
    return pick_open(ask(ListSessions(ended=False))[0].sessions, name)


def pick_open(sessions: Sequence[SessionSummary], name: str) -> SessionSummary:
    """The same, of these open sessions."""
    matches = [session for session in sessions if name in (session.name, session.session_id)] or [
        session
        for session in sessions
        if session.name.startswith(name) or session.session_id.startswith(name)
    ]
    names = ", ".join(f"{session.name} ({session.session_id})" for session in matches or sessions)
    if not matches:
        raise NotFound(f"No open session is called {name!r}.", f"Open are: {names or 'none'}.")
    if len(matches) > 1:
        raise Conflict(f"{name!r} may be {names}.", "Give the whole name, or the id.")
    return matches[0]


def open_journal(name: str) -> tuple[str, Journal]:
    """A session's id and its journal, to be read beside whoever writes it. NotFound."""
    session_id = find_session(name)
    return session_id, Journal.open(sessions_folder() / session_id / "journal.db", read_only=True)
