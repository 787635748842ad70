"""Shape and theme token of each status of an execution, told apart without colour."""

from __future__ import annotations

from codeexec.domain.snapshot import ExecutionStatus
from codeexec.domain.text.glyphs import EXECUTIONS

_INKS: dict[ExecutionStatus, str] = {
    "queued": "run.queued",
    "running": "run.running",
    "ok": "run.ok",
    "error": "run.failed",
    "cancelled": "run.cancelled",
    "timed_out": "run.failed",
    "lost": "run.lost",
}
GLYPHS = {status: (EXECUTIONS[status], ink) for status, ink in _INKS.items()}
