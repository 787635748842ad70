"""Stream compaction for viewers: merge consecutive output events, drop rows that have scrolled
past.

Both leave the fold's outcome as it was, and so does any mixture of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from codeexec.domain.events import OutputChanged, Recorded
from codeexec.domain.outputs import (
    TAIL_ROWS,
    clip_runs,
    count_rows,
    join_runs,
    last_rows,
    slice_runs,
)

OutputMode = Literal["full", "tail", "latest"]
"""`full`: every row that was written. `tail`: merged and elided to about 30 updates a second,
the rest by `ReadRows`. `latest`: as `tail`, and where a reader is far behind, one
`SnapshotTaken` in place of the events that it has missed."""


def merge(records: Iterable[Recorded]) -> list[Recorded]:
    """Neighbouring output of one execution as one event, with the number of the last."""
    merged: list[Recorded] = []
    for record in records:
        if merged and isinstance(record.event, OutputChanged):
            before = merged[-1].event
            if (
                isinstance(before, OutputChanged)
                and before.execution_id == record.event.execution_id
                and (both := _both(before, record.event)) is not None
            ):
                merged[-1] = Recorded(record.seq, record.at, both)
                continue
        merged.append(record)
    return merged


def _both(first: OutputChanged, second: OutputChanged) -> OutputChanged | None:
    if second.start <= first.start:
        return second
    start = first.start
    carried_first = first.total - count_rows(first.runs)
    kept = slice_runs(first.runs, 0, second.start - carried_first)
    if second.total - count_rows(second.runs) > second.start:
        # The second is elided: what it leaves out may hold no object of the first.
        if not all(run.is_text for run in kept):
            return None
        return replace(second, start=start)
    runs = join_runs(kept, second.runs)
    return replace(second, start=start, runs=runs)


def elide(event: OutputChanged) -> OutputChanged:
    """The same with its last rows alone, long rows clipped, all objects kept in place.

    An event with an object before the last rows is not elided: objects are few, and a
    client must hear of each.
    """
    runs = event.runs
    total = count_rows(runs)
    if total > TAIL_ROWS:
        dropped = slice_runs(runs, 0, total - TAIL_ROWS)
        if all(run.is_text for run in dropped):
            runs = last_rows(runs, TAIL_ROWS)
    runs = clip_runs(runs)
    if runs is event.runs:
        return event
    return replace(event, runs=runs)
