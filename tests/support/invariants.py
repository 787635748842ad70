"""What must hold of a session's journal, whatever happened to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from codeexec.domain.events import ExecutionFinished, ExecutionQueued, ExecutionStarted, Recorded
from codeexec.domain.flow import OutputMode
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.session.storage.journal import Journal


def read_journal(folder: Path, output: OutputMode = "full") -> list[Recorded]:
    """All events of a session's folder, read beside whoever has it open."""
    journal = Journal.open(folder / "journal.db", read_only=True)
    records: list[Recorded] = []
    try:
        while batch := journal.read(len(records), 10_000, output):
            records += batch
    finally:
        journal.close()
    return records


def check_journal(
    folder: Path,
    *,
    heard: Sequence[Recorded] = (),
    snapshot: Snapshot | None = None,
    open_ones: int = 0,
) -> Snapshot:
    """Numbers without a gap; every execution begun at most once and ended exactly once, but for
    `open_ones`; all that was `heard` (in full) is there; the fold is the `snapshot`."""
    records = read_journal(folder)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    events = [record.event for record in records]
    queued = [event.execution_id for event in events if isinstance(event, ExecutionQueued)]
    began = Counter(e.execution_id for e in events if isinstance(e, ExecutionStarted))
    ended = Counter(e.execution_id for e in events if isinstance(e, ExecutionFinished))
    assert len(set(queued)) == len(queued)
    assert set(began.values()) <= {1}
    assert set(ended.values()) <= {1}
    assert ended.keys() <= set(queued)
    assert len(queued) - len(ended) == open_ones, set(queued) - ended.keys()
    assert list(heard) == records[: len(heard)]
    folded = apply(Snapshot(), records)
    # A server that has the journal open may have added events meanwhile.
    tail = read_journal(folder, "tail")[: len(records)]
    assert folded == apply(Snapshot(), tail)
    if snapshot is not None:
        assert folded == snapshot
    return folded
