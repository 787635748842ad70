"""Sessions of many executions, written without a kernel."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from codeexec.domain.events import (
    AnyEvent,
    CellRef,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    OutputChanged,
)
from codeexec.domain.outputs import ErrorInfo, Run


def ran(name: str, code: str = "1 + 1", cell: str = "") -> list[AnyEvent]:
    """An execution without output, of a cell of /w/a.py where `cell` names one."""
    place = CellRef("/w/a.py", cell) if cell else None
    return [
        ExecutionQueued(name, code, cell=place),
        ExecutionStarted(name),
        ExecutionFinished(name, "ok"),
    ]


def fail_runs(count: int, error: ErrorInfo) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    for number in range(count):
        name = f"e{number}"
        events += [
            ExecutionQueued(name, "raise ValueError('no')"),
            ExecutionStarted(name),
            OutputChanged(name, 0, 1, (Run("error", error=error),)),
            ExecutionFinished(name, "error", error=error),
        ]
    return events


def as_first_written(path: Path) -> None:
    """Make a journal what its first version had made of the same events."""
    db = sqlite3.connect(path)
    for table in ("runs", "run_events", "kernel_starts", "run_index", "checkpoint"):
        db.execute(f"DROP TABLE {table}")
    for index in ("shown_displays", "rich_displays"):
        db.execute(f"DROP INDEX {index}")
    db.commit()
    db.close()
