"""Requests to the session server of the user, and sessions on disk while no server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from codeexec.client import spawn
from codeexec.client.socket import SocketHost
from codeexec.client.wire import Address
from codeexec.config.paths import find_paths
from codeexec.domain.errors import Conflict, NotFound, UsageError
from codeexec.domain.requests import ClientInfo, ListSessions, Request, SessionSummary
from codeexec.session.directory import SessionDirectory
from codeexec.session.storage.journal import Journal

R = TypeVar("R")

_remote: ContextVar[Address | None] = ContextVar("remote", default=None)
"""The server that the command line names; None: the user's own on this machine."""


def use_server(address: Address) -> None:
    """Let all functions of this module ask that server, for the rest of this command."""
    _remote.set(address)


def is_remote() -> bool:
    return _remote.get() is not None


def _connect() -> SocketHost:
    client = ClientInfo("cli")
    address = _remote.get()
    if address is not None:
        return SocketHost(address, client, must_answer=True)
    return SocketHost(client=client, starting=spawn.begin())


def sessions_folder() -> Path:
    return find_paths().state / "sessions"


def is_running() -> bool:
    """Whether a server runs; none is started. One elsewhere does, or requests fail."""
    return is_remote() or spawn.find(find_paths()) is not None


def ask(*requests: Request[R]) -> list[R]:
    """Send requests to the user's server, starting it if none runs; returns the replies."""

    async def work() -> list[R]:
        async with _connect() as host:
            return [await host.call(request) for request in requests]

    return asyncio.run(work())


def ask_session(session_id: str, request: Request[R]) -> R:
    """Send a request to an open session. NotFound if no open session has this id."""

    async def work() -> R:
        async with _connect() as host:
            return await host.session(session_id).call(request)

    return asyncio.run(work())


def find_session(name: str) -> str:
    """The id of the session with this name, id or prefix of an id; a running session wins over
    closed sessions of the same name. NotFound; Conflict if several match."""
    if is_running():
        # The server knows names of open sessions before they are on disk.
        open_sessions = ask(ListSessions(ended=False))[0].sessions
        named = [
            session.session_id
            for session in open_sessions
            if name in (session.name, session.session_id)
        ]
        if len(named) == 1:
            return named[0]
    if is_remote():
        return _pick_any(name)
    return SessionDirectory(sessions_folder()).find(name)


def _pick_any(name: str) -> str:
    """The id of a session of a server elsewhere, open or closed. NotFound, Conflict."""
    sessions = ask(ListSessions())[0].sessions
    matches = [
        session.session_id
        for session in sessions
        if session.name == name or session.session_id.startswith(name)
    ]
    if not matches:
        raise NotFound(
            f"There is no session {name!r}.", "`codeexec-tui sessions --server NAME` lists them."
        )
    if len(matches) > 1:
        raise Conflict(f"{name!r} may be {', '.join(matches)}.", "Give the whole id.")
    return matches[0]


def find_open_session(name: str) -> SessionSummary:
    """The open session with this name or id, else with this prefix of them.
    NotFound; Conflict if several match."""
    return pick_open(ask(ListSessions(ended=False))[0].sessions, name)


def pick_open(sessions: Sequence[SessionSummary], name: str) -> SessionSummary:
    """`find_open_session` among the given sessions."""
    matches = [session for session in sessions if name in (session.name, session.session_id)] or [
        session
        for session in sessions
        if session.name.startswith(name) or session.session_id.startswith(name)
    ]
    names = ", ".join(f"{session.name} ({session.session_id})" for session in matches or sessions)
    if not matches:
        raise NotFound(f"No open session is called {name!r}.", f"Open sessions: {names or 'none'}.")
    if len(matches) > 1:
        raise Conflict(f"{name!r} may be {names}.", "Give the whole name, or the id.")
    return matches[0]


def open_journal(name: str) -> tuple[str, Journal]:
    """The id and the journal of a session, read-only: a server may be writing it. NotFound;
    UsageError where the server is elsewhere."""
    if is_remote():
        raise UsageError(
            "The files of this session are on another machine.",
            f"Run this command there, or open it: codeexec-tui attach --server NAME {name}",
        )
    session_id = find_session(name)
    return session_id, Journal.open(sessions_folder() / session_id / "journal.db", read_only=True)
