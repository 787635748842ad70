"""Requests to the session server of the user, and sessions on disk while no server runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from codeexec.client import spawn
from codeexec.client.socket import SocketHost
from codeexec.client.wire import Address
from codeexec.config.paths import find_paths
from codeexec.domain.errors import Conflict, NotFound
from codeexec.domain.events import Recorded
from codeexec.domain.flow import OutputMode
from codeexec.domain.requests import ClientInfo, ListSessions, Request, SessionSummary
from codeexec.session.directory import SessionDirectory

R = TypeVar("R")

_remote: ContextVar[Address | None] = ContextVar("remote", default=None)
"""The server that the command line names; None: the user's own on this machine."""


def use_server(address: Address | None) -> None:
    """Let all functions of this module ask that server, for the rest of this command; with None the
    user's own on this machine."""
    _remote.set(address)


def server_address() -> Address | None:
    """The server that `use_server` has named; None for the user's own."""
    return _remote.get()


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


def session_summaries(ended: bool) -> list[SessionSummary]:
    """All sessions, the newest first; with `ended` also closed ones. No server is started."""
    if is_running():
        return list(ask(ListSessions(ended=ended))[0].sessions)
    shelf = SessionDirectory(sessions_folder())
    open_ones = set(shelf.left_open())
    summaries = [
        session for session in shelf.summaries() if ended or session.session_id in open_ones
    ]
    return sorted(summaries, key=lambda session: session.opened_at, reverse=True)


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


def read_events(session_id: str, last_seq: int, output: OutputMode) -> Iterator[Sequence[Recorded]]:
    """The events of a session up to number `last_seq`, in batches, as they come. NotFound."""
    loop = asyncio.new_event_loop()
    try:
        batches = _events(session_id, last_seq, output)
        with contextlib.suppress(StopAsyncIteration):
            while True:
                yield loop.run_until_complete(anext(batches))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _events(
    session_id: str, last_seq: int, output: OutputMode
) -> AsyncGenerator[Sequence[Recorded]]:
    if not last_seq:
        return
    async with _connect() as host:
        async for records in host.session(session_id).events(0, output):
            yield [record for record in records if record.seq <= last_seq]
            if records and records[-1].seq >= last_seq:
                return
