"""Finds an execution by its id alone, and opens sessions in folders of their own."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, NotFound, StorageError
from codeexec.domain.ids import EXECUTION, SESSION, new_id
from codeexec.session.host import Host
from codeexec.session.session import Session

WORKSPACES = "workspaces"
"""The folder of the state folder that holds those of sessions opened here."""


def new_execution_id(session: Session) -> str:
    """An id that names its session, so that the execution is found without it: after a restart
    of the server, and when the session is closed."""
    return f"{new_id(EXECUTION)}-{session.session_id.removeprefix(f'{SESSION}-')}"


async def find_execution(host: Host, execution_id: str) -> Session:
    """The session of this execution; NotFound."""
    for session in host.sessions:
        if session.recorder.has(execution_id):
            return session
    _, _, place = execution_id.rpartition("-")
    # The id of another path names no session, or the beginning of several.
    with contextlib.suppress(NotFound, Conflict):
        session = await host.find_session(f"{SESSION}-{place}")
        if session.recorder.has(execution_id):
            return session
    raise NotFound(f"There is no execution {execution_id[:100]}.", "Use the id of the answer.")


def find_open(host: Host, name: str) -> Session | None:
    """The open session of exactly this id or name."""
    if not name:
        return None
    for session in host.sessions:
        if name in (session.session_id, session.snapshot.name):
            return session
    return None


async def open_workspace(host: Host, name: str = "", *, start_kernel: bool = True) -> Session:
    """The open session of this id or name, or a new one of this name in a new folder of its own.
    StorageError."""
    if (session := find_open(host, name)) is not None:
        return session
    folder = await asyncio.to_thread(_make_folder, host.state / WORKSPACES)
    summary = await host.call(q.OpenSession(str(folder), name, start_kernel=start_kernel))
    if summary.cwd != str(folder):
        await asyncio.to_thread(folder.rmdir)  # another request was faster
    return await host.find_session(summary.session_id)


def _make_folder(root: Path) -> Path:
    folder = root / new_id("workspace")
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise StorageError(
            f"The folder of a new session cannot be made: {error.strerror or error}.",
            f"Look at {root}.",
        ) from error
    return folder
