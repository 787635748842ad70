"""The journal and blobs of a session, for commands that read all of it: those on this machine, or
a copy of those of another server."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import click

from codeexec.cli.servers.local import (
    ask,
    ask_session,
    find_session,
    is_remote,
    read_events,
    sessions_folder,
)
from codeexec.domain.errors import NotFound
from codeexec.domain.flow import OutputMode
from codeexec.domain.requests import ListSessions, ReadBlob
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.storage.journal import Journal


@dataclass(frozen=True, slots=True)
class StoredSession:
    session_id: str
    journal: Journal
    blobs: BlobStore


def open_stored(name: str, *, with_output: bool) -> StoredSession:
    """The session of this name, id or prefix of an id, read-only. Of another server's session it
    is a copy that lasts as long as the command; without output where that is not needed.
    NotFound, Conflict, StorageError."""
    session_id = find_session(name)
    if is_remote():
        return _copy(session_id, "full" if with_output else "tail")
    folder = sessions_folder() / session_id
    # Read-only: a server may be writing it.
    journal = Journal.open(folder / "journal.db", read_only=True)
    return StoredSession(session_id, journal, BlobStore(folder / "blobs"))


def _copy(session_id: str, output: OutputMode) -> StoredSession:
    summaries = ask(ListSessions())[0].sessions
    last_seq = next((s.seq for s in summaries if s.session_id == session_id), 0)
    kept = tempfile.TemporaryDirectory(prefix="codeexec-session-")
    folder = Path(click.get_current_context().with_resource(kept))
    journal = Journal.create(folder / "journal.db")
    for records in read_events(session_id, last_seq, output):
        for at, recorded in groupby(records, key=attrgetter("at")):
            journal.append([record.event for record in recorded], at)
    return StoredSession(session_id, journal, _RemoteBlobs(folder / "blobs", session_id))


class _RemoteBlobs(BlobStore):
    """Blobs that are fetched when they are read."""

    def __init__(self, folder: Path, session_id: str) -> None:
        super().__init__(folder)
        self._session_id = session_id

    def read(self, digest: str) -> bytes:
        try:
            return super().read(digest)
        except NotFound:
            data = ask_session(self._session_id, ReadBlob(digest)).data
            self.put(data)
            return data
