"""Finds sessions by id, name or the beginning of an id: open ones, and closed ones on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from codeexec.domain.errors import NotFound
from codeexec.session.directory import SessionDirectory
from codeexec.session.session import Session

MOST_ENDED = 4
"""Closed sessions that are kept at hand for who reads them."""


class SessionLookup:
    """`owner` limits a search to the sessions of one user of the service: those of others are as
    if they were not there. None: all sessions."""

    def __init__(
        self,
        open_sessions: Mapping[str, Session],
        directory: SessionDirectory,
        read: Callable[[str], Session | None],
    ) -> None:
        """`read` opens the files of a session that has been closed, to be read; None where it has
        not been."""
        self._open = open_sessions
        self._directory = directory
        self._read = read
        self._ended: dict[str, Session] = {}

    def open_sessions(self, owner: str | None = None) -> tuple[Session, ...]:
        """In the order of opening."""
        sessions = self._open.values()
        return tuple(s for s in sessions if owner is None or s.snapshot.owner == owner)

    def get_open(self, session_id: str, owner: str | None = None) -> Session | None:
        """The open session of exactly this id."""
        session = self._open.get(session_id)
        if session is None or (owner is not None and session.snapshot.owner != owner):
            return None
        return session

    def find_open(self, name: str, owner: str | None = None) -> Session:
        """The open session of this id, or of this name, or the one whose id begins so. NotFound."""
        if (session := self.get_open(name, owner)) is not None:
            return session
        sessions = self.open_sessions(owner)
        # Names are unique for each owner. The user who runs the server sees all of them.
        named = sorted((s for s in sessions if s.snapshot.name == name), key=_has_owner)
        if named:
            return named[0]
        begun = [s for s in sessions if name and s.session_id.startswith(name)]
        if len(begun) == 1:
            return begun[0]
        names = ", ".join(s.snapshot.name for s in sessions)
        raise NotFound(
            f"There is no open session {name!r}.",
            f"Open ones: {names}." if names else "None is open.",
        )

    def find(self, name: str, owner: str | None = None) -> Session:
        """The same, or else a session that has been closed and can still be read. NotFound,
        Conflict."""
        try:
            return self.find_open(name, owner)
        except NotFound as error:
            return self._ended_session(self._ended_id(name, owner, error), owner, error)

    async def find_beside(self, name: str, owner: str | None = None) -> Session:
        """The same; what may have to read the summaries of thousands of sessions does so beside
        the loop."""
        try:
            return self.find_open(name, owner)
        except NotFound as error:
            session_id = await asyncio.to_thread(self._ended_id, name, owner, error)
            return self._ended_session(session_id, owner, error)

    def forget(self, session_id: str) -> None:
        """Let go of a session that was closed."""
        if session_id in self._ended:
            self._ended.pop(session_id).recorder.close()

    def close(self) -> None:
        for session_id in list(self._ended):
            self.forget(session_id)

    def _ended_id(self, name: str, owner: str | None, not_open: NotFound) -> str:
        try:
            return self._directory.find(name, owner)
        except NotFound:
            raise not_open from None

    def _ended_session(self, session_id: str, owner: str | None, not_open: NotFound) -> Session:
        session = self._ended.pop(session_id, None) or self._read(session_id)
        if session is None:
            raise not_open  # another host has it, or it could not be taken up
        self._ended[session_id] = session
        if len(self._ended) > MOST_ENDED:
            self.forget(next(iter(self._ended)))
        if owner is not None and session.snapshot.owner != owner:
            raise not_open
        return session


def _has_owner(session: Session) -> bool:
    return bool(session.snapshot.owner)
