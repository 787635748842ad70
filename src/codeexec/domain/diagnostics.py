"""Diagnostics: what a compiler, an interpreter or a sanitizer reports about a place in a file."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning", "note"]
_MOST_DIGITS = 9


class SourceLocation(Struct, frozen=True, omit_defaults=True):
    """A place in a file, as the tool names the file. `line` and `column` count from 1, columns in
    characters; 0: not known. The end is exclusive."""

    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0


def line_number(text: str | None) -> int:
    """A line or column as a tool printed it; 0 where there is none, or none that a file can have.
    Python does not read numbers of any length, and events hold none of more than 64 bits."""
    return int(text) if text and len(text) <= _MOST_DIGITS else 0


class DiagnosticNote(Struct, frozen=True, omit_defaults=True):
    """A further place that belongs to a diagnostic, such as where a template is used."""

    place: SourceLocation
    message: str


class FixIt(Struct, frozen=True, omit_defaults=True):
    """A change that removes the problem: `text` in place of what is at `place`."""

    place: SourceLocation
    text: str


class Diagnostic(Struct, frozen=True, omit_defaults=True):
    """One problem. `code` is the tool's name for its kind (`-Wunused-variable`, `E0308`); `source`
    is the tool."""

    place: SourceLocation
    severity: Severity
    message: str
    code: str = ""
    source: str = ""
    notes: tuple[DiagnosticNote, ...] = ()
    fixes: tuple[FixIt, ...] = ()


MOST_DIAGNOSTICS = 1_000
"""Diagnostics that are kept of one step, the first ones."""
