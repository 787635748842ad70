"""The snapshot of a session kept in its journal, so that opening it is not reading all of it."""

from __future__ import annotations

import logging
import sqlite3

from codeexec.domain.errors import ProtocolError
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.codec import decode_snapshot, encode

log = logging.getLogger(__name__)

VERSION = 10
"""One more whenever the fold comes to another snapshot, or the snapshot has another form. A
checkpoint of another version is not read: the events are folded from the first on."""

_TABLE = """
CREATE TABLE IF NOT EXISTS checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    state BLOB NOT NULL
)
"""


class Checkpoints:
    """Works on the journal's connection. `seq` is the number of the last event that a checkpoint
    covers, as far as one was read or written."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.seq = 0

    def prepare(self) -> None:
        """Make the table where there is none."""
        self._db.execute(_TABLE)

    def read(self, last: int) -> Snapshot | None:
        """The snapshot of this version that is kept, where its events are in the journal, whose
        last one has the number `last`."""
        exists = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'checkpoint'")
        if exists.fetchone() is None:
            return None
        row = self._db.execute(
            "SELECT state FROM checkpoint WHERE version = ? AND seq <= ?", (VERSION, last)
        ).fetchone()
        if row is None:
            return None
        try:
            snapshot = decode_snapshot(row[0])
        except ProtocolError as error:
            log.warning("a checkpoint cannot be read: %s", error)
            return None
        self.seq = snapshot.seq
        return snapshot

    def write(self, snapshot: Snapshot) -> None:
        """Keep this one instead."""
        self._db.execute(
            "INSERT OR REPLACE INTO checkpoint VALUES (0, ?, ?, ?)",
            (VERSION, snapshot.seq, encode(snapshot)),
        )
        self.seq = snapshot.seq
