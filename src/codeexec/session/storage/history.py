"""What was run, over all sessions: one SQLite file that several servers may write at once."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from codeexec.domain.errors import CodeexecError, StorageError
from codeexec.domain.requests import HistoryEntry

log = logging.getLogger(__name__)

KEPT = 100_000
KEPT_BYTES = 64 * 2**20
"""Entries, and bytes of all; the oldest go when the file is opened, and as it grows."""

PRUNE_EVERY = 500
"""Entries added between two looks at its size."""

MAX_CODE = 100_000
"""Characters; longer code is not for history, its session has it."""

MOST_FOUND = 5000
FOUND_CHARACTERS = 4 * 2**20
"""Of a search."""

_STEPS = 10_000
"""Instructions of SQLite between two checks whether a search is still wanted."""

_IN_MEMORY = Path(":memory:")

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    execution TEXT NOT NULL,
    at REAL NOT NULL,
    code TEXT NOT NULL,
    status TEXT NOT NULL,
    owner TEXT NOT NULL DEFAULT '',
    UNIQUE (session, execution)
);
"""


class HistoryStore:
    """A convenience, not the truth: what cannot be added is logged and left out, and a damaged
    file is moved aside. StorageError when the file can be neither opened nor made."""

    _added = 0

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            try:
                self._db = _open(path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                log.warning("%s is damaged (%s); history begins anew", path, error)
                path.replace(path.with_name(path.name + ".damaged"))
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
                self._db = _open(path)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"The history {path} cannot be opened: {error}.",
                "Make it writable for you, or set XDG_STATE_HOME to another folder.",
            ) from error

    @classmethod
    def forgetful(cls) -> HistoryStore:
        """One that lasts as long as its process, where no file can be had."""
        store = cls.__new__(cls)
        store.path, store._db = _IN_MEMORY, _open(":memory:")
        return store

    def close(self) -> None:
        self._db.close()

    def add(self, entry: HistoryEntry, owner: str = "") -> None:
        """Keep an execution in a session of this owner; once more with the same ids, its status
        is brought up to date."""
        if not entry.code.strip() or len(entry.code) > MAX_CODE:
            return
        try:
            self._db.execute(
                "INSERT INTO entries (session, execution, at, code, status, owner)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (session, execution) DO UPDATE SET status = excluded.status",
                (entry.session_id, entry.execution_id, entry.at, entry.code, entry.status, owner),
            )
            self._added += 1
            if self._added % PRUNE_EVERY == 0:
                _prune(self._db)
        except (sqlite3.Error, UnicodeEncodeError) as error:
            log.warning("not kept in the history: %s", error)

    def search(
        self,
        pattern: str = "",
        limit: int = 200,
        session_id: str = "",
        check: Callable[[], None] = lambda: None,
        owner: str = "",
    ) -> tuple[HistoryEntry, ...]:
        """Entries whose code holds `pattern` (case of ASCII letters aside), newest first; the
        same code one after another stands once. At most `MOST_FOUND` entries and about
        `FOUND_CHARACTERS` of code. With an `owner`, of their sessions alone.

        Slow where there is much code: it uses a connection of its own, so that it may run in a
        thread. `check` is called meanwhile, and may raise to give up.
        """
        entries: list[HistoryEntry] = []
        room = FOUND_CHARACTERS
        try:
            with self._reader() as reader:
                reader.set_progress_handler(lambda: _gives_up(check), _STEPS)
                rows = reader.execute(
                    "SELECT session, execution, at, code, status FROM entries"
                    " WHERE (? = '' OR instr(lower(code), lower(?)) > 0) AND ? IN ('', session)"
                    " AND ? IN ('', owner) ORDER BY id DESC",
                    (pattern, pattern, session_id, owner),
                )
                for row in rows:
                    if entries and entries[-1].code == row[3]:
                        continue
                    room -= len(row[3])
                    if len(entries) >= min(limit, MOST_FOUND) or room < 0:
                        break
                    entries.append(HistoryEntry(*row))
        except sqlite3.Error as error:
            check()  # SQLite says only that it was interrupted
            raise StorageError(
                f"The history {self.path} cannot be read: {error}.",
                "Move it away; a new one is begun.",
            ) from error
        return tuple(entries)

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        if self.path == _IN_MEMORY:
            try:
                yield self._db
            finally:
                self._db.set_progress_handler(None, 0)
            return
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=1.0)) as reader:
            yield reader


def _gives_up(check: Callable[[], None]) -> bool:
    try:
        check()
    except CodeexecError:
        return True
    return False


def _open(path: Path | str) -> sqlite3.Connection:
    # Other servers write a row at a time; a second is long enough to wait for one.
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=1.0, check_same_thread=path != ":memory:"
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(_TABLES)
    columns = {row[1] for row in connection.execute("PRAGMA table_info(entries)")}
    if "owner" not in columns:
        _add_owners(connection)
    _prune(connection)
    return connection


def _add_owners(connection: sqlite3.Connection) -> None:
    """A file of an older version: its sessions belong to the operator of the server."""
    with contextlib.suppress(sqlite3.OperationalError):  # another server has just done it
        connection.execute("ALTER TABLE entries ADD COLUMN owner TEXT NOT NULL DEFAULT ''")


def _prune(connection: sqlite3.Connection) -> None:
    """Delete the oldest entries, down to what is kept."""
    connection.execute(
        "DELETE FROM entries WHERE id <= (SELECT ifnull(max(id), 0) FROM entries) - ?", (KEPT,)
    )
    while _used(connection) > KEPT_BYTES:
        # A tenth of them at a time: their lengths are not read.
        deleted = connection.execute(
            "DELETE FROM entries WHERE id <= (SELECT min(id) + (max(id) - min(id)) / 10"
            " FROM entries)"
        ).rowcount
        if not deleted:
            return


def _used(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
