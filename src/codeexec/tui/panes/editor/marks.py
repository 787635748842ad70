"""Marks that an editor displays: run states, diagnostics, completions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from codeexec.domain.text.glyphs import EXECUTIONS


class CellState(StrEnum):
    """How a cell stands; the values end the names of meaning that colour them (`run.ok`)."""

    QUEUED = "queued"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    EDITED = "edited"


GLYPHS = {
    CellState.QUEUED: EXECUTIONS["queued"],
    CellState.RUNNING: EXECUTIONS["running"],
    CellState.OK: EXECUTIONS["ok"],
    CellState.FAILED: EXECUTIONS["error"],
    CellState.CANCELLED: EXECUTIONS["cancelled"],
    CellState.LOST: EXECUTIONS["lost"],
    CellState.EDITED: "~",
}
"""One cell wide each, and told apart without colour."""


@dataclass(frozen=True, slots=True)
class CellMark:
    """How a cell ran; `elapsed` in seconds. A cell that is ok or failed shows as `edited` while
    its source is not `code`, which is what ran (None: what it has as it is marked)."""

    state: CellState
    elapsed: float | None = None
    code: str | None = None


class Severity(StrEnum):
    """How bad a diagnostic is; also the name of meaning that colours it."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class LineDiagnostic:
    """Something about a line (from 0), in the columns `start` to `end`; whole line by default."""

    line: int
    message: str
    severity: Severity = Severity.ERROR
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class CompletionItem:
    """One thing to complete to: what is put in, and words about it (its type, say)."""

    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that the text defines: a function, a class; `line` from 0."""

    name: str
    kind: str
    line: int
