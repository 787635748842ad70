"""Documents that are programs: how one is run, and where the problems of its steps stand."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from codeexec.domain.options import PROGRAMS, ExecuteOptions, ProgramOptions
from codeexec.languages.plan import language_of_program
from codeexec.languages.running import refusal
from codeexec.tui.panes.editor.marks import LineDiagnostic, Severity

if TYPE_CHECKING:
    from codeexec.domain import diagnostics as d
    from codeexec.domain.programs import StepResult
    from codeexec.tui.panes.documents.document_view import DocumentView

_SEVERITIES = {"error": Severity.ERROR, "warning": Severity.WARN, "note": Severity.INFO}
_ORDER = (Severity.INFO, Severity.WARN, Severity.ERROR)


def program_options(sheet: DocumentView, kernel_language: str) -> ExecuteOptions | None:
    """How the document is run as a program; None where its kernel runs it, or nothing does.
    UsageError for a header."""
    if sheet.document.notebook is not None:
        return None
    name, first_line = sheet.untitled or sheet.path.name, sheet.editor.model.lines[0]
    if refusal(name, first_line, kernel_language or "python") is None:
        return None
    language = language_of_program(name, first_line)
    if language is None:
        return None
    return ExecuteOptions(
        kernel=f"{PROGRAMS}:{language.name}",
        store_history=False,
        program=ProgramOptions(str(sheet.path)),
    )


def marks_of(steps: Iterable[StepResult], folder: str) -> Mapping[str, list[LineDiagnostic]]:
    """Marks by the path of their file, for all diagnostics of the steps. Tools name files as seen
    from `folder`. The worst on a line comes last, as that is shown; of equals the first one."""
    marks: dict[str, list[LineDiagnostic]] = {}
    for step in steps:
        for problem in step.diagnostics:
            if problem.place.file and problem.place.line:
                path = os.path.normpath(os.path.join(folder, problem.place.file))  # noqa: PTH118
                marks.setdefault(path, []).append(_mark(problem))
    for entries in marks.values():
        entries.reverse()
        entries.sort(key=lambda mark: _ORDER.index(mark.severity))
    return marks


def _mark(problem: d.Diagnostic) -> LineDiagnostic:
    place = problem.place
    start = max(place.column - 1, 0)
    is_one_line = place.end_line in (0, place.line)
    end = place.end_column - 1 if is_one_line and place.end_column > place.column else None
    if end is None and place.column:
        end = place.column  # the sign in that column
    words = f"{problem.message} [{problem.code}]" if problem.code else problem.message
    return LineDiagnostic(place.line - 1, words, _SEVERITIES[problem.severity], start, end)
