"""How `serve` logs: by its options, or else by variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codeexec.domain.errors import UsageError
from codeexec.server.logs.setup import LEVELS, LogForm

FORMAT, LEVEL = "CODEEXEC_LOG_FORMAT", "CODEEXEC_LOG_LEVEL"


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`form` empty: text, to the file alone."""

    form: LogForm | None = None
    level: str = "INFO"


def log_options(form: str | None, level: str | None, environ: Mapping[str, str]) -> LogOptions:
    """What is given, else the variables. UsageError for another word in ours; JUPYTER_LOG_LEVEL
    may belong to another program, and counts where it is a level."""
    chosen = (form or environ.get(FORMAT, "")).lower()
    if chosen not in ("", "text", "json"):
        raise UsageError(f"{FORMAT}={chosen[:40]!a} is no form of a log.", "Use text or json.")
    word = (level or environ.get(LEVEL, "")).upper()
    if not word:
        other = environ.get("JUPYTER_LOG_LEVEL", "").upper()
        word = other if other in LEVELS else "INFO"
    if word not in LEVELS:
        raise UsageError(f"{LEVEL}={word[:40]!a} is no level.", f"Use {', '.join(LEVELS)}.")
    match chosen:
        case "json":
            return LogOptions("json", word)
        case "text":
            return LogOptions("text", word)
        case _:
            return LogOptions(None, word)
