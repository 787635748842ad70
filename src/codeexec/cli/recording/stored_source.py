"""What a recording reads of a session: its journal and blobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codeexec.domain.errors import NotFound, UsageError
from codeexec.domain.events import ExecutionStarted, Recorded
from codeexec.domain.outputs import Run
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.storage.journal import Journal

_BATCH = 2000


class StoredSource:
    """A `SessionSource` over a journal, as it was when this was made."""

    def __init__(self, journal: Journal, blobs: BlobStore) -> None:
        self.journal = journal
        self.blobs = blobs
        self._last_seq = journal.last_seq

    def batches(self) -> Iterator[list[Recorded]]:
        cursor = 0
        while records := self.journal.read(cursor, _BATCH, "tail"):
            kept = [record for record in records if record.seq <= self._last_seq]
            if kept:
                yield kept
            cursor = records[-1].seq
            if cursor >= self._last_seq:
                return

    def rows(self, execution_id: str, start: int, count: int) -> tuple[Run, ...]:
        return tuple(self.journal.rows(execution_id, start, count).runs)

    def blob(self, digest: str) -> bytes | None:
        try:
            return self.blobs.read(digest)
        except NotFound:
            return None

    def span(self) -> tuple[float, float]:
        """The times of the first event and of the last one. UsageError where there is none."""
        first = next((record.at for batch in self.batches() for record in batch), None)
        if first is None:
            raise UsageError("The session has no event yet.", "Run something, then record it.")
        last = first
        for batch in self.batches():
            last = max(last, batch[-1].at)
        return first, last

    def first_client(self) -> str:
        """The client that queued the first execution; empty where there is none."""
        views = self.journal.runs.iter_views()
        return next((view.origin for view in views if view.origin), "")

    def start_of(self, number: int) -> float:
        """When the execution with this number in its prompt began. UsageError."""
        numbers = {view.count: view for view in self.journal.runs.iter_views()}
        view = numbers.get(number)
        if view is not None:
            for batch in self.batches():
                for record in batch:
                    event = record.event
                    if isinstance(event, ExecutionStarted) and event.execution_id == (
                        view.execution_id
                    ):
                        return record.at
        raise UsageError(
            f"There is no execution [{number}] in this session.",
            "`codeexec-tui sessions show NAME` lists them.",
        )


def open_journal(file: Path) -> StoredSource:
    """A journal by its path, or by that of its session's folder; its blobs are beside it.
    NotFound, StorageError."""
    path = file / "journal.db" if file.is_dir() else file
    return StoredSource(Journal.open(path, read_only=True), BlobStore(path.parent / "blobs"))
