"""Events go into the journal, then into the snapshot, then to the readers: in this order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Raw

from codeexec.domain.clock import Clock
from codeexec.domain.errors import NotFound, StorageError
from codeexec.domain.events import AnyEvent, OutputChanged, Recorded, SnapshotTaken
from codeexec.domain.flow import OutputMode, merge
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.wire.codec import encode
from codeexec.session.presence import Presence
from codeexec.session.secret_file import NAME as SECRET_FILE
from codeexec.session.secret_file import SecretFile
from codeexec.session.storage.journal import Journal

log = logging.getLogger(__name__)

FRAME = 1 / 30
"""Seconds between two batches of nothing but output, for those who only look."""

BATCH = 2000
"""Events read from the journal at a time."""


REPLAYED_EVENTS = 1000
REPLAYED_BYTES = 4 * 2**20
"""A reader of the latest state that is further behind is sent a snapshot instead."""

CHECKPOINT_EVENTS = 2000
"""Events after which the snapshot is kept in the journal again."""


class EventLog:
    """The one writer of a session's journal.

    Readers pull from the journal by their own cursor, so one that stops reading costs nothing
    and delays no other. When the journal cannot be written (disk full), events are held in
    memory in their order and `problem` says so, until writing works again; `on_problem` is
    called whenever it has not, and sees to it that `flush` is tried again.
    """

    def __init__(
        self, journal: Journal, clock: Clock, on_recorded: Callable[[Sequence[Recorded]], None]
    ) -> None:
        """`on_recorded` is called with each newly journaled batch, not for events replayed at
        start-up."""
        self.journal = journal
        self.clock = clock
        self.snapshot = journal.restore()
        self.problem: StorageError | None = None
        self.on_problem: Callable[[], None] = lambda: None
        self._heard = on_recorded
        self._held: list[AnyEvent] = []
        self._private: dict[str, object | None] = {}
        self.secrets = SecretFile(journal.path.with_name(SECRET_FILE))
        self._changed = asyncio.Event()
        self._closed = False
        self._is_over = False
        self._readers = 0
        path = journal.path
        self._presence = Presence(
            path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}.lock")
        )
        self._checkpoint_seq = journal.checkpoint_seq
        self._keep_snapshot_if_due()

    @property
    def is_closed(self) -> bool:
        """Whether the journal was let go: no event comes any more."""
        return self._closed

    @property
    def is_followed(self) -> bool:
        """Whether a reader gets the events as they come."""
        return self._readers > 0

    @property
    def lost_file(self) -> Path | None:
        """The file of the journal that was removed or replaced while it was open: what is
        written goes to files that have no name any more. None while all is well."""
        return self._presence.lost()

    def record(self, *events: AnyEvent, private: Mapping[str, object | None] | None = None) -> int:
        """Write events, and private values in the same transaction; returns the number of the last
        event in the journal."""
        if events or private:
            self._held.extend(events)
            self._private.update(private or {})
            self.flush()
        return self.snapshot.seq

    def record_now(self, *events: AnyEvent) -> int:
        """Write events or nothing: StorageError, and they are as if they had never been."""
        if not self.flush() and self.problem is not None:
            raise self.problem
        self._told(self.journal.append(events, self.clock.now()))
        return self.snapshot.seq

    def keep(self, key: str, value: object | None) -> None:
        """Keep a private value in the journal, as soon as that can be written."""
        self._private[key] = value
        self.flush()

    def flush(self) -> bool:
        """Write what is held; false while that fails."""
        if not self._held and not self._private:
            return True
        if self._closed:
            return False
        try:
            # Together: who reads that a kernel is ready finds its handle, and the place in its
            # outbox is that of the last events.
            records = self.journal.append(self._held, self.clock.now(), self._private)
        except StorageError as error:
            if self.problem is None:
                log.error("the journal cannot be written: %s", error)
            self.problem = error
            self.on_problem()
            return False
        self._held.clear()
        self._private.clear()
        self.problem = None
        if records:
            self._told(records)
        return True

    def _told(self, records: Sequence[Recorded]) -> None:
        self.snapshot = apply(self.snapshot, records)
        self._wake()
        self._heard(records)
        self._keep_snapshot_if_due()

    def _keep_snapshot_if_due(self) -> None:
        if self.snapshot.seq - self._checkpoint_seq >= CHECKPOINT_EVENTS:
            self._keep_snapshot()

    def _keep_snapshot(self) -> None:
        """What is kept only saves time at the next start: that it cannot be is no problem."""
        self._checkpoint_seq = self.snapshot.seq
        try:
            self.journal.checkpoint(self.snapshot)
        except StorageError as error:
            log.info("no checkpoint: %s", error)

    def find(self, execution_id: str) -> ExecutionView | None:
        """Any execution of the session, from the snapshot or else from the journal."""
        view = self.snapshot.executions.get(execution_id)
        return view if view is not None else self.journal.runs.view(execution_id)

    def has(self, execution_id: str) -> bool:
        """Whether there has ever been an execution of this id in the session."""
        return execution_id in self.snapshot.executions or self.journal.runs.has(execution_id)

    def require(self, execution_id: str) -> None:
        """NotFound where the session never had this execution."""
        if not self.has(execution_id):
            raise NotFound(f"There is no execution {execution_id} in this session.")

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def end_readers(self) -> None:
        """No more events will come: readers end after the last one."""
        self._is_over = True

    def close(self) -> None:
        """Let the journal go. Readers end after the last event, however far behind they are."""
        self.flush()
        if not self._closed and self.snapshot.seq > self._checkpoint_seq:
            self._keep_snapshot()
        self._closed = True
        if self._readers and self.lost_file is not None:
            self._wake()
            return  # at its path is another file or none: the last reader closes this one
        self.journal.close()
        if self._readers:
            self.journal = Journal.open(self.journal.path, read_only=True)
        self._wake()

    async def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        """Events after `after`, then those to come. Output alone waits for its frame; the first
        change after quiet, and all other events, go out at once."""
        self._readers += 1
        try:
            async for records in self._follow(after, output):
                yield records
        finally:
            self._readers -= 1
            if self._closed and not self._readers:
                self.journal.close()

    async def _follow(self, after: int, output: OutputMode) -> AsyncIterator[Sequence[Recorded]]:
        loop = asyncio.get_running_loop()
        cursor, last = after, 0.0
        while True:
            changed = self._changed
            if cursor >= self.snapshot.seq:
                if self._closed or self._is_over:
                    return
                await changed.wait()
                continue
            if output == "latest" and self.journal.is_far(cursor, REPLAYED_EVENTS, REPLAYED_BYTES):
                cursor = self.snapshot.seq
                state = SnapshotTaken(Raw(encode(self.snapshot)))
                yield [Recorded(cursor, self.clock.now(), state)]
                continue
            records = self.journal.read(cursor, BATCH, output)
            if (
                output != "full"
                and (delay := last + FRAME - loop.time()) > 0
                and all(isinstance(record.event, OutputChanged) for record in records)
            ):
                await asyncio.sleep(delay)
                records = self.journal.read(cursor, BATCH, output)
            cursor = records[-1].seq
            if any(isinstance(record.event, OutputChanged) for record in records):
                last = loop.time()
            yield records if output == "full" else merge(records)
            # A reader that is behind must not keep the kernels' output waiting.
            await asyncio.sleep(0)
