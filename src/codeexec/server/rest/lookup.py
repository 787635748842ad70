"""Finds an execution by its id alone, and opens sessions in folders of their own."""

from __future__ import annotations

import contextlib

from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, NotFound
from codeexec.domain.ids import EXECUTION, SESSION, new_id
from codeexec.server.access.user_host import UserHost
from codeexec.session.session import Session


def new_execution_id(session: Session) -> str:
    """An id that names its session, so that the execution is found without it: after a restart
    of the server, and when the session is closed."""
    return f"{new_id(EXECUTION)}-{session.session_id.removeprefix(f'{SESSION}-')}"


async def find_execution(host: UserHost, execution_id: str) -> Session:
    """The session of this execution; NotFound."""
    _, _, place = execution_id.rpartition("-")
    # The session that the id names comes first: each other one reads its journal to say no.
    named = f"{SESSION}-{place}"
    first = host.get_open(named)
    if first is not None and first.recorder.has(execution_id):
        return first
    for session in host.sessions:
        if session is not first and session.recorder.has(execution_id):
            return session
    # The id of another path names no session, or the beginning of several.
    with contextlib.suppress(NotFound, Conflict):
        session = await host.find_session(named)
        if session.recorder.has(execution_id):
            return session
    raise NotFound(f"There is no execution {execution_id[:100]}.", "Use the id of the answer.")


def find_open(host: UserHost, name: str) -> Session | None:
    """The open session of exactly this id, or of this name and the user. Names are unique for each
    user only, so that the operator names the sessions of others by their ids."""
    if not name:
        return None
    if (session := host.get_open(name)) is not None:
        return session
    owner = host.identity.subject
    for session in host.sessions:
        if session.snapshot.name == name and session.snapshot.owner == owner:
            return session
    return None


async def open_workspace(host: UserHost, name: str = "", *, start_kernel: bool = True) -> Session:
    """The open session of this id or name, or a new one of this name in a new folder of its own.
    StorageError."""
    if (session := find_open(host, name)) is not None:
        return session
    summary = await host.open_workspace(q.OpenSession(name=name, start_kernel=start_kernel))
    return await host.find_session(summary.session_id)
