"""Finds the diagnostics in what a compiler, an interpreter or a program printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from codeexec.domain.diagnostics import (
    MOST_DIAGNOSTICS,
    Diagnostic,
    Severity,
    SourceLocation,
    line_number,
)
from codeexec.languages.model import Language
from codeexec.languages.problems.gcc import GccReader

GCC = "gcc"
"""Stands in `Language.problems` for the reader of GCC's and clang's reports."""
_SEVERITIES: dict[str, Severity] = {"warning": "warning", "note": "note"}
_MOST_SOURCE = 4 << 20
"""Bytes of a source file that columns are translated in."""


def find_problems(
    language: Language,
    text: str,
    folder: str,
    source: str = "",
    sarif: bytes = b"",
    *,
    own: str = "",
) -> tuple[Diagnostic, ...]:
    """The diagnostics of a report, in its order. `folder` is where the tool ran; `source` is the
    tool's name; `sarif` is the report as SARIF, where the tool has written one beside its text.
    `own` is a further file of the user's, out of the folder. Files keep the names that the tool
    gave them."""
    diagnostics: list[Diagnostic] = []
    if GCC in language.problems:
        reader = GccReader(source, _is_below(folder, own), _line_reader(folder))
        diagnostics += reader.read(text.split("\n"))
        if sarif and diagnostics:
            from codeexec.languages.problems.sarif import read_sarif, refine

            diagnostics = refine(diagnostics, read_sarif(sarif))
    for pattern in language.problems:
        if pattern != GCC:
            diagnostics += _matches(_compiled(pattern), text, source)
    return tuple(diagnostics[:MOST_DIAGNOSTICS])


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


def _matches(pattern: re.Pattern[str], text: str, source: str) -> Iterator[Diagnostic]:
    for match in pattern.finditer(text):
        groups = {name: value or "" for name, value in match.groupdict().items()}
        line, column = line_number(groups.get("line")), line_number(groups.get("column"))
        if "indent" in groups:
            column = len(groups["indent"]) + 1
        length = len(groups.get("mark", ""))
        place = SourceLocation(groups.get("file", ""), line, column)
        if column and length:
            place = SourceLocation(place.file, line, column, line, column + length)
        severity = _SEVERITIES.get(groups.get("severity", "").lower(), "error")
        message = groups.get("message", "").strip()
        yield Diagnostic(place, severity, message, groups.get("code", ""), source)


def _is_below(folder: str, own: str) -> Callable[[str], bool]:
    """Whether a file that a tool names is the user's: relative, below the folder, or `own`."""
    real = Path(folder).resolve()

    def is_own(file: str) -> bool:
        return file == own or not file.startswith("/") or Path(file).resolve().is_relative_to(real)

    return is_own


def _line_reader(folder: str) -> Callable[[str, int], bytes | None]:
    @cache
    def lines(file: str) -> list[bytes]:
        try:
            with Path(folder, file).open("rb") as source:
                return source.read(_MOST_SOURCE).split(b"\n")
        except OSError:
            return []

    def read_line(file: str, line: int) -> bytes | None:
        content = lines(file)
        return content[line - 1] if 0 < line <= len(content) else None

    return read_line
