"""Diagnostics of the Language Server Protocol as marks of lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from codeexec.tui.panes.editor.marks import LINT, LineDiagnostic, LineFix, Severity
from codeexec.tui.render.plain import one_line

UNDEFINED = "F821"
"""The rule for names that nothing defines."""

SYNTAX_ERROR = "invalid-syntax"

_SEVERITIES = {1: Severity.ERROR, 2: Severity.WARN}
_NAME = re.compile(r"`([^`]+)`")
_MOST = 1000
"""Diagnostics of one document that are taken."""

_PREDEFINED = frozenset({"get_ipython", "display", "In", "Out", "_", "__", "___", "exit", "quit"})
"""Names that IPython defines."""


def is_broken(findings: Iterable[Sequence[Any]]) -> bool:
    """Whether ruff could not read the code: then it reports nothing else."""
    return any(
        isinstance(finding, dict) and finding.get("code") in (SYNTAX_ERROR, None)
        for text in findings
        for finding in text
    )


def marks_of(
    path: str, places: Sequence[int], lines: Sequence[str], findings: Sequence[Sequence[Any]]
) -> list[LineDiagnostic]:
    """The marks of a document: `places` are the lines at which its texts begin, `lines` those of
    the whole. Syntax errors are left out, as the editor marks them by itself."""
    marks = [
        mark
        for first, text in zip(places, findings, strict=True)
        for finding in text[:_MOST]
        if (mark := _mark(path, first, lines, finding)) is not None
    ]
    return sorted(marks, key=lambda mark: (mark.line, mark.start))[:_MOST]


def without_defined(marks: Iterable[LineDiagnostic], names: Iterable[str]) -> list[LineDiagnostic]:
    """The marks without undefined names that running code has defined."""
    defined = _PREDEFINED.union(names)
    return [mark for mark in marks if undefined_name(mark) not in defined]


def undefined_name(mark: LineDiagnostic) -> str:
    """The name that a mark says is undefined; empty for other marks."""
    match = _NAME.search(mark.message) if mark.message.startswith(f"{UNDEFINED} ") else None
    return match[1] if match is not None else ""


def _mark(path: str, first: int, lines: Sequence[str], finding: Any) -> LineDiagnostic | None:
    """None for what is not shaped as the protocol has it."""
    if not isinstance(finding, dict) or finding.get("code") in (SYNTAX_ERROR, None):
        return None
    span, message = _span(finding.get("range"), first), finding.get("message")
    if span is None or not isinstance(message, str) or not 0 <= span[0][0] < len(lines):
        return None
    (line, start), (end_line, end) = span
    words = one_line(message.partition("\n")[0])
    return LineDiagnostic(
        line,
        f"{one_line(str(finding['code']))} {words}",
        _SEVERITIES.get(finding.get("severity", 2), Severity.INFO),
        start,
        max(end, start + 1) if end_line == line else None,
        program=LINT,
        line_text=lines[line],
        reported_line=line,
        fixes=_fixes(path, first, lines, finding.get("data")),
    )


def _fixes(path: str, first: int, lines: Sequence[str], data: Any) -> tuple[LineFix, ...]:
    """The edits that ruff sends with a diagnostic; none if any is not shaped as expected."""
    edits = data.get("edits") if isinstance(data, Mapping) else None
    fixes: list[LineFix] = []
    for edit in edits if isinstance(edits, list) else ():
        span = _span(edit.get("range"), first) if isinstance(edit, dict) else None
        text = edit.get("newText") if isinstance(edit, dict) else None
        if span is None or not isinstance(text, str) or not 0 <= span[0][0] < len(lines):
            return ()
        fixes.append(LineFix(path, span[0], span[1], text, lines[span[0][0]]))
    return tuple(fixes)


def _span(value: Any, first: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Start and end of a range as line and column of the document."""
    if not isinstance(value, dict):
        return None
    places: list[tuple[int, int]] = []
    for name in ("start", "end"):
        place = value.get(name)
        line = place.get("line") if isinstance(place, dict) else None
        column = place.get("character") if isinstance(place, dict) else None
        if not isinstance(line, int) or not isinstance(column, int):
            return None
        places.append((first + line, column))
    return places[0], places[1]
