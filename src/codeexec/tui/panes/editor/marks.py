"""Marks that an editor displays: run states, diagnostics, completions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
class LineFix:
    """A change that removes a problem: `text` in place of what is between two places (line and
    column, from 0) of the file `path`. `line_text` is the first line as the tool has read it."""

    path: str
    start: tuple[int, int]
    end: tuple[int, int]
    text: str
    line_text: str | None = None


SYNTAX = "syntax"
"""`program` of what the editor finds in the text by itself."""

LINT = "ruff"
"""`program` of what ruff finds in the text as it is typed."""


@dataclass(frozen=True, slots=True)
class LineDiagnostic:
    """Something about a line (from 0), in the columns `start` to `end`; whole line by default.

    `program` names what reported it. It is dimmed while the line is not `line_text`, which is what
    the tool has read (None: never dimmed); the tool named it as line `reported_line`. `notes` are
    further words, such as where a template is used. `more` are other diagnostics of the same line,
    which are listed but not painted. `is_outer`: a frame of a traceback that is not the innermost,
    which is marked and not listed."""

    line: int
    message: str
    severity: Severity = Severity.ERROR
    start: int = 0
    end: int | None = None
    program: str = ""
    line_text: str | None = None
    reported_line: int = -1
    fixes: tuple[LineFix, ...] = ()
    notes: tuple[str, ...] = ()
    is_outer: bool = False
    more: tuple[LineDiagnostic, ...] = ()

    @property
    def entries(self) -> tuple[LineDiagnostic, ...]:
        """This one and the others of its line."""
        return (self, *self.more)

    def is_stale(self, line_text: str) -> bool:
        """Whether the line, which is `line_text` now, was edited since the report."""
        return self.line_text is not None and self.line_text != line_text


_ORDER = (Severity.INFO, Severity.WARN, Severity.ERROR)


def by_line(diagnostics: Iterable[LineDiagnostic]) -> dict[int, LineDiagnostic]:
    """One diagnostic for each line, the worst, with the others of its line as `more`. Of equals
    the first one is shown."""
    lines: dict[int, list[LineDiagnostic]] = {}
    for entry in diagnostics:
        lines.setdefault(entry.line, []).append(entry)
    for entries in lines.values():
        entries.sort(key=lambda entry: -_ORDER.index(entry.severity))
    return {line: replace(entries[0], more=tuple(entries[1:])) for line, entries in lines.items()}


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
