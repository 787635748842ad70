"""The journal of one session: its events in a total order, in an SQLite file that survives
`kill -9` of its writer at any moment.

An event is in the file before `append` returns. The rows of its output go to the output store;
the event itself keeps their end (`domain.flow.elide`), and is whole again when read in full.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from codeexec.domain.errors import Conflict, NotFound, ProtocolError, StorageError
from codeexec.domain.events import AnyEvent, DisplayUpdated, OutputChanged, Recorded
from codeexec.domain.flow import OutputMode, elide
from codeexec.domain.fold import apply
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.outputs import Display, Run
from codeexec.domain.requests import RowMatches, Rows, SearchRows
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.codec import SCHEMA, check_schema, decode_event, encode, mended
from codeexec.session.locks import FileLock
from codeexec.session.storage.checkpoint import Checkpoints
from codeexec.session.storage.output_store import DISPLAY_INDEXES, TABLES, OutputStore
from codeexec.session.storage.run_index import RunIndex

READ_BYTES = 4 * 2**20
"""About as much as `read` returns at once; one event is always given."""

_BATCH = 2000
"""Events folded at a time."""

RECENT_BYTES = 2**20
"""Of each form, the elided and the full one, kept in memory for those who listen live."""

_APPLICATION = 0x63656A6C  # "cejl", so that a wrong file is told apart
_RECORD_OVERHEAD = 200

_TABLES = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    whole INTEGER NOT NULL,    -- 0: its rows are in the output store
    body BLOB NOT NULL
);
CREATE TABLE private (key TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class Journal:
    """Synchronous and for one thread; `search` alone may be called from another one.

    Errors: StorageError when the file cannot be read or written; nothing of a failed `append`
    is in the file, and it may be tried again.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: FileLock | None) -> None:
        self.path = path
        self._db = connection
        self._lock = lock
        self._output = OutputStore(connection)
        self.runs = RunIndex(connection, self._output)
        self._checkpoints = Checkpoints(connection)
        self._elided, self._full = _Recent(), _Recent()
        self._pages = self._free_pages = self._page_size = 0
        self._used_at = -1
        """Rows that this connection had changed when `used` was read."""
        with _told(path, "read"):
            if lock is not None:
                self._checkpoints.prepare()
                for index in DISPLAY_INDEXES:
                    connection.execute(index)
            self.runs.prepare(read_only=lock is None)
            (self.last_seq,) = connection.execute(
                "SELECT ifnull(max(seq), 0) FROM events"
            ).fetchone()

    @classmethod
    def create(cls, path: Path) -> Journal:
        """A new journal; its folder is made, for this user alone."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            if path.exists():
                raise Conflict(f"{path} is there already.", "Open it instead.") from error
            raise _cannot(path, "created", error.strerror or str(error)) from error
        lock = _lock(path)
        try:
            with _told(path, "created"):
                connection = _connect(path)
                connection.execute("PRAGMA page_size = 8192")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.executescript(f"BEGIN; {_TABLES} {TABLES}")
                connection.execute(f"PRAGMA user_version = {SCHEMA}")
                connection.execute("COMMIT")
                return cls(path, connection, lock)
        except BaseException:
            lock.close()
            raise

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Journal:
        """The journal at `path`, whatever became of its last writer. With `read_only` beside
        its writer, else as its only one. NotFound, Conflict (it is open elsewhere),
        ProtocolError (a newer schema), StorageError (unreadable or damaged)."""
        if not path.exists():
            raise NotFound(f"There is no journal at {path}.", "See: codeexec-tui sessions list")
        lock = None if read_only else _lock(path)
        try:
            with _told(path, "opened"):
                connection = _connect(path, read_only=read_only)
                (application,) = connection.execute("PRAGMA application_id").fetchone()
                (schema,) = connection.execute("PRAGMA user_version").fetchone()
                if application != _APPLICATION:
                    raise sqlite3.DatabaseError("it is not a journal")
                check_schema(schema, f"The journal {path}")
                journal = cls(path, connection, lock)
                if lock is not None and schema < SCHEMA:
                    # Events of both schemas are read; an older version must not read ours.
                    connection.execute(f"PRAGMA user_version = {SCHEMA}")
                return journal
        except BaseException:
            if lock is not None:
                lock.close()
            raise

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        beside = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in beside if file.exists())

    @property
    def used(self) -> int:
        """Bytes that its content takes."""
        changes = self._db.total_changes
        if self._lock is None or self._used_at != changes:
            with _told(self.path, "read"):
                before, self._pages = self._pages, self._pragma("page_count")
                # Where all pages were in use and there is no new one, no more are in use now.
                if self._free_pages or self._pages != before or self._lock is None:
                    self._free_pages = self._pragma("freelist_count")
                    self._page_size = self._page_size or self._pragma("page_size")
            self._used_at = changes
        return (self._pages - self._free_pages) * self._page_size

    def _pragma(self, name: str) -> int:
        (value,) = self._db.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    # -- events -------------------------------------------------------------------------

    def append(
        self,
        events: Sequence[AnyEvent],
        at: float,
        private: Mapping[str, object | None] | None = None,
    ) -> list[Recorded]:
        """Write events, and private values with them, in one transaction; returns the events as
        recorded, output elided."""
        elided: list[Recorded] = []
        full: list[Recorded] = []
        rows: list[tuple[int, float, bool, bytes]] = []
        for seq, raw_event in enumerate(events, self.last_seq + 1):
            event, small, body = _prepare(raw_event)
            elided.append(Recorded(seq, at, small))
            full.append(Recorded(seq, at, event))
            rows.append((seq, at, small is event, body))
        try:
            with _told(self.path, "written"):
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
                for record, (seq, _, whole, _) in zip(full, rows, strict=True):
                    if isinstance(record.event, OutputChanged):
                        self._output.write(seq, record.event, needed=not whole)
                    elif isinstance(record.event, DisplayUpdated):
                        self._output.update_display(record.event)
                    else:
                        self.runs.add(seq, record.event)
                if rows:
                    self.runs.advance(rows[-1][0])
                for key, value in (private or {}).items():
                    self._put_private(key, value)
                self._db.execute("COMMIT")
        except BaseException:
            self._output.forget()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self.last_seq += len(elided)
        for small_record, record, (*_, body) in zip(elided, full, rows, strict=True):
            self._elided.add(small_record, len(body))
            self._full.add(
                record, len(body) if record.event is small_record.event else _size(record)
            )
        return elided

    def read(self, after: int, limit: int, output: OutputMode = "tail") -> list[Recorded]:
        """At most `limit` events after number `after`, and about `READ_BYTES` at most; none
        when there are no later ones."""
        recent = self._full if output == "full" else self._elided
        if after >= recent.before:
            return recent.read(after, limit)
        records: list[Recorded] = []
        size = 0
        with _told(self.path, "read"):
            cursor = self._db.execute(
                "SELECT seq, at, whole, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, limit),
            )
            for seq, at, whole, body in cursor:
                event = decode_event(body)
                size += len(body)
                if output == "full" and not whole and isinstance(event, OutputChanged):
                    runs = self._output.restore(seq)
                    event = replace(event, runs=runs)
                    size += sum(len(run.text) for run in runs)
                records.append(Recorded(seq, at, event))
                if size >= READ_BYTES:
                    break
        return records

    def is_far(self, after: int, events: int, size: int) -> bool:
        """Whether more events than `events`, or about `size` bytes of them, come after number
        `after`."""
        if after >= self._elided.before or after >= self.last_seq:
            return False
        if self.last_seq - after > events:
            return True
        with _told(self.path, "read"):
            (total,) = self._db.execute(
                "SELECT sum(length(body)) FROM events WHERE seq > ?", (after,)
            ).fetchone()
        return bool(total > size)

    # -- the snapshot ------------------------------------------------------------------

    def restore(self) -> Snapshot:
        """The fold of all events, from the last checkpoint on where there is one."""
        with _told(self.path, "read"):
            snapshot = self._checkpoints.read(self.last_seq) or Snapshot()
        while records := self.read(snapshot.seq, _BATCH):
            snapshot = apply(snapshot, records)
        return snapshot

    def checkpoint(self, snapshot: Snapshot) -> None:
        """Keep the fold of all events up to the snapshot's number, so that the next `restore`
        begins there. Nothing is done for a reader that may not write."""
        if self._lock is None:
            return
        with _told(self.path, "written"):
            self._checkpoints.write(snapshot)

    @property
    def checkpoint_seq(self) -> int:
        """The event up to which a checkpoint is kept, as far as one was read or written."""
        return self._checkpoints.seq

    # -- rows --------------------------------------------------------------------------

    def rows(self, execution_id: str, start: int, count: int, whole: bool = False) -> Rows:
        """Rows as they are now, 5,000 and about 4 MB at most."""
        with _told(self.path, "read"):
            return self._output.rows(execution_id, start, count, whole)

    def display_of_blob(self, digest: str) -> Display | None:
        """A display that is shown now and has a part with this content."""
        with _told(self.path, "read"):
            return self._output.display_of_blob(digest)

    def iter_rows(self, execution_id: str) -> Iterator[Run]:
        """All rows of an execution, whole; text comes many rows in a run."""
        with _told(self.path, "read"):
            yield from self._output.iter_rows(execution_id)

    def search(self, request: SearchRows, check: Callable[[], None] = lambda: None) -> RowMatches:
        """UsageError for a pattern that is no regular expression, or takes too long. Slow over
        large output; uses a connection of its own, so it may run in a thread. `check` is called
        meanwhile, and may raise to give up."""
        with (
            _told(self.path, "read"),
            contextlib.closing(_connect(self.path, read_only=True)) as connection,
        ):
            output = OutputStore(connection)
            row_matches = output.search(request, check)
            if not request.code:
                return row_matches
            return RunIndex(connection, output).with_code(request, row_matches, check)

    # -- private values ----------------------------------------------------------------

    def put_private(self, key: str, value: object | None) -> None:
        """Keep a JSON value beside the events, where no reader sees it; None forgets it."""
        with _told(self.path, "written"):
            self._put_private(key, value)

    def _put_private(self, key: str, value: object | None) -> None:
        if value is None:
            self._db.execute("DELETE FROM private WHERE key = ?", (key,))
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO private VALUES (?, ?)", (key, msgspec.json.encode(value))
            )

    def private_keys(self) -> tuple[str, ...]:
        """The keys of all private values."""
        with _told(self.path, "read"):
            return tuple(key for (key,) in self._db.execute("SELECT key FROM private ORDER BY key"))

    def get_private(self, key: str) -> object | None:
        with _told(self.path, "read"):
            row = self._db.execute("SELECT value FROM private WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        value: object = msgspec.json.decode(row[0])
        return value


class _Recent:
    """The last records, bounded by their size; `before` is the number before the first."""

    def __init__(self) -> None:
        self._records: deque[tuple[Recorded, int]] = deque()
        self._size = 0
        self.before = 2**63

    def add(self, record: Recorded, size: int) -> None:
        if not self._records:
            self.before = record.seq - 1
        self._records.append((record, size + _RECORD_OVERHEAD))
        self._size += size + _RECORD_OVERHEAD
        while self._size > RECENT_BYTES:
            dropped, size = self._records.popleft()
            self._size -= size
            self.before = dropped.seq

    def read(self, after: int, limit: int) -> list[Recorded]:
        first = after - self.before
        last = min(first + limit, len(self._records))
        return [self._records[number][0] for number in range(first, last)]


def private_key(key: str, kernel: str) -> str:
    """The key of a private value of one kernel of the session; of the kernel that sessions of
    schema 1 had, it is the key that schema 1 used."""
    return key if kernel == DEFAULT_KERNEL else f"{key}:{kernel}"


def _prepare(event: AnyEvent) -> tuple[AnyEvent, AnyEvent, bytes]:
    """The event, the form of it that is kept, and that as JSON."""
    small = elide(event) if isinstance(event, OutputChanged) else event
    try:
        return event, small, encode(small)
    except (UnicodeEncodeError, OverflowError):
        return _prepare(mended(event))  # from what a kernel sent


def _size(record: Recorded) -> int:
    assert isinstance(record.event, OutputChanged)
    return sum(len(run.text) for run in record.event.runs)


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_name(path.name + ".lock"), f"The journal {path}")


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=5.0
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -2048")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    return connection


def _cannot(path: Path, done: str, why: str) -> StorageError:
    why = why.rstrip(".")
    if "full" in why or "No space" in why:
        return StorageError(
            f"The journal {path} cannot be {done}: the disk is full.",
            "Free some space, for example: codeexec-tui sessions rm",
        )
    if "malformed" in why or "not a " in why:
        return StorageError(
            f"The journal {path} is damaged: {why}.",
            "Move it away to go on without it; what can be read of it: sqlite3 FILE .recover",
        )
    return StorageError(
        f"The journal {path} cannot be {done}: {why}.",
        "Make the file and its folder writable for you, or set XDG_STATE_HOME to another one.",
    )


@contextlib.contextmanager
def _told(path: Path, done: str) -> Iterator[None]:
    """What SQLite says, in our words."""
    try:
        yield
    except sqlite3.Error as error:
        raise _cannot(path, done, str(error)) from error
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"The journal {path} holds what cannot be read: {error}.") from error
