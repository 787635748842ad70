"""Documents that are programs: how one is run, and where the problems of its steps stand."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.domain.errors import UsageError
from codeexec.domain.options import PROGRAMS, ExecuteOptions, ProgramOptions, ProgramSteps
from codeexec.languages.plan import language_of_program
from codeexec.languages.running import refusal
from codeexec.tui.panes.documents.programs.configurations import DEFAULT, RunConfiguration
from codeexec.tui.panes.editor.marks import LineDiagnostic, LineFix, Severity

if TYPE_CHECKING:
    from codeexec.domain import diagnostics as d
    from codeexec.domain.programs import StepResult
    from codeexec.languages.model import Language
    from codeexec.languages.profiles import BuildProfile
    from codeexec.tui.panes.documents.document_view import DocumentView

_SEVERITIES = {"error": Severity.ERROR, "warning": Severity.WARN, "note": Severity.INFO}


def program_options(
    sheet: DocumentView,
    kernel_language: str,
    configuration: RunConfiguration = DEFAULT,
    own: Sequence[BuildProfile] = (),
) -> ExecuteOptions | None:
    """How the document is built and run as a program; None where its kernel runs it, or nothing
    does. `own` are the user's build profiles. UsageError for a header, and for a profile that is
    not there."""
    if sheet.document.notebook is not None:
        return None
    name, first_line = _name_and_first_line(sheet)
    if refusal(name, first_line, kernel_language or "python") is None:
        return None
    language = language_of_program(name, first_line)
    return _options(sheet, language, configuration, own) if language is not None else None


def chosen_options(
    sheet: DocumentView,
    configuration: RunConfiguration,
    steps: ProgramSteps,
    own: Sequence[BuildProfile] = (),
) -> ExecuteOptions:
    """How the document is built, run, or both, also where a kernel runs its cells. UsageError where
    it is no program, for a build of what is not built, and for a profile that is not there."""
    name, first_line = _name_and_first_line(sheet)
    is_notebook = sheet.document.notebook is not None
    language = None if is_notebook else language_of_program(name, first_line)
    if language is None:
        raise UsageError(f"{name} is not built or run as a program.", "F5 runs its cells.")
    if not language.build:
        if steps == "build":
            raise UsageError(f"{name} is {language.title}, which is not built.", "F5 runs it.")
        steps = "build_and_run"
    return _options(sheet, language, configuration, own, steps)


def _name_and_first_line(sheet: DocumentView) -> tuple[str, str]:
    return sheet.untitled or sheet.path.name, sheet.editor.model.lines[0]


def _options(
    sheet: DocumentView,
    language: Language,
    configuration: RunConfiguration,
    own: Sequence[BuildProfile],
    steps: ProgramSteps = "build_and_run",
) -> ExecuteOptions:
    build_words = configuration.build_words(language, own)
    return ExecuteOptions(
        kernel=f"{PROGRAMS}:{language.name}",
        store_history=False,
        program=ProgramOptions(
            str(sheet.path),
            steps,
            arguments=configuration.arguments,
            profile=build_words.profile,
            compiler=build_words.compiler,
            standard=build_words.standard,
            flags=build_words.flags,
            environment=configuration.environment,
            folder=configuration.folder,
            stdin=configuration.stdin,
        ),
    )


def marks_of(
    steps: Iterable[StepResult], folder: str, program: str = ""
) -> Mapping[str, list[LineDiagnostic]]:
    """Marks by the path of their file, for all diagnostics of the steps of a program. Tools name
    files as seen from `folder`."""
    marks: dict[str, list[LineDiagnostic]] = {}
    for step in steps:
        for problem in step.diagnostics:
            if problem.place.file and problem.place.line:
                mark = replace(_mark(problem, folder), program=program)
                marks.setdefault(_path(problem.place, folder), []).append(mark)
    return marks


def _path(place: d.SourceLocation, folder: str) -> str:
    return os.path.normpath(os.path.join(folder, place.file))  # noqa: PTH118


def _mark(problem: d.Diagnostic, folder: str) -> LineDiagnostic:
    place = problem.place
    start = max(place.column - 1, 0)
    is_one_line = place.end_line in (0, place.line)
    end = place.end_column - 1 if is_one_line and place.end_column > place.column else None
    if end is None and place.column:
        end = place.column  # the sign in that column
    message = f"{problem.message} [{problem.code}]" if problem.code else problem.message
    return LineDiagnostic(
        place.line - 1,
        message,
        _SEVERITIES[problem.severity],
        start,
        end,
        fixes=tuple(_fix(fix, folder) for fix in problem.fixes),
        notes=tuple(_note(note) for note in problem.notes),
    )


def _fix(fix: d.FixIt, folder: str) -> LineFix:
    place = fix.place
    start = (place.line - 1, max(place.column - 1, 0))
    end = (place.end_line - 1, place.end_column - 1) if place.end_line else start
    return LineFix(_path(place, folder), start, max(start, end), fix.text)


def _note(note: d.DiagnosticNote) -> str:
    place = note.place
    return f"{place.file}:{place.line}: {note.message}" if place.line else note.message
