"""The folders of sessions on disk: their locks, which were left open, what each contains.

sessions/<id>/journal.db    the journal (SQLite)
              blobs/        artifacts by their content
              summary.json  what a list shows, of a session that is not open
              open          is there until the session has been closed
              lock          locked by the host that has it open
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from codeexec.domain.errors import Conflict, NotFound, ProtocolError, StorageError
from codeexec.domain.requests import SessionSummary
from codeexec.domain.wire.codec import decode_reply, encode
from codeexec.session.storage.disk_usage import size_of


class SessionDirectory:
    """Folders are 0700; a lock dies with its process, whatever way that goes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._locks: dict[str, int] = {}
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The state folder {root} cannot be made: {error.strerror}.",
                "Set XDG_STATE_HOME to a folder that you may write to.",
            ) from error

    def make(self, session_id: str) -> Path:
        """A new folder, locked."""
        folder = self.root / session_id
        try:
            folder.mkdir(mode=0o700)
            (folder / "open").touch(mode=0o600)
            self._lock(session_id)
        except OSError as error:
            self.discard(session_id)
            if error.errno in (errno.EMFILE, errno.ENFILE):
                step = "Stop sessions that you do not need, or raise the limit: ulimit -n"
            else:
                step = "Free some space there, or set XDG_STATE_HOME to another folder."
            raise StorageError(f"{folder} cannot be made: {error.strerror}.", step) from error
        return folder

    def discard(self, session_id: str) -> None:
        """Remove the folder of a session that could not be opened."""
        shutil.rmtree(self.root / session_id, ignore_errors=True)
        self.release(session_id)

    def take(self, session_id: str) -> Path | None:
        """An existing folder, locked; None when another process has it."""
        return self.root / session_id if self._lock(session_id) else None

    def _lock(self, session_id: str) -> bool:
        handle = os.open(
            self.root / session_id / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._locks[session_id] = handle
        return True

    def release(self, session_id: str) -> None:
        """Leave it open for another host."""
        handle = self._locks.pop(session_id, None)
        if handle is not None:
            os.close(handle)

    def shut(self, session_id: str) -> None:
        """It has been closed for good."""
        (self.root / session_id / "open").unlink(missing_ok=True)
        self.release(session_id)

    def left_open(self) -> list[str]:
        return sorted(path.parent.name for path in self.root.glob("*/open"))

    def note(self, summary: SessionSummary) -> None:
        """Keep what a list shows; a full disk is not worth failing for."""
        folder = self.root / summary.session_id
        beside = folder / ".summary.json"
        try:
            with os.fdopen(
                os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as f:
                f.write(encode(summary))
            beside.replace(folder / "summary.json")
        except OSError:
            beside.unlink(missing_ok=True)

    def summaries(self, owner: str | None = None) -> Iterator[SessionSummary]:
        """Of all sessions, or of those of this user of the service."""
        for path in self.root.glob("*/summary.json"):
            try:
                summary = decode_reply(SessionSummary, path.read_bytes())
            except (OSError, ProtocolError):
                continue  # half written or removed meanwhile: the journal itself is whole
            if owner is None or summary.owner == owner:
                yield summary

    def find(self, name: str, owner: str | None = None) -> str:
        """The id of a folder by its id, by the beginning of it, or by the session's name. With an
        `owner`, by name or beginning among theirs; of an id the journal says whose it is."""
        ids = sorted(path.name for path in self.root.iterdir() if path.is_dir())
        if name in ids:
            return name
        summaries = list(self.summaries(owner))
        if owner is not None:
            ids = sorted(summary.session_id for summary in summaries)
        named = [s.session_id for s in summaries if s.name == name]
        begun = named or [i for i in ids if name and i.startswith(name)]
        if len(begun) == 1:
            return begun[0]
        if begun:
            raise Conflict(f"{name!r} may be {', '.join(begun)}.", "Give the whole id.")
        raise NotFound(f"There is no session {name!r}.", "See: codeexec-tui sessions list")

    def remove(self, session_id: str) -> None:
        if self.take(session_id) is None:
            raise Conflict(
                f"Session {session_id} is open in another process.",
                f"Stop it first: codeexec-tui sessions stop {session_id}",
            )
        shutil.rmtree(self.root / session_id)
        self.release(session_id)

    def size(self, session_id: str) -> int:
        """Bytes of its files, which may come and go meanwhile."""
        return size_of(self.root / session_id)
