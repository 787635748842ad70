"""Problems of all files: what programs reported, and what stands in open documents now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.editor.marks import LineDiagnostic, Severity

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


@dataclass(frozen=True, slots=True)
class CellProblem:
    """A diagnostic of the file or document `document` (its `name_key`), on `mark.line` (from 0).
    `is_stale`: the line was edited since."""

    document: str
    mark: LineDiagnostic
    is_stale: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, from 0."""
        return self.mark.line, self.mark.start


class ProblemList:
    """`report` takes what a program reported; documents that are open have their own marks."""

    def __init__(self, host: PaneHost, documents: DocumentList) -> None:
        self._host = host
        self._documents = documents
        self._reports: dict[str, Mapping[str, Sequence[LineDiagnostic]]] = {}
        """By name of the program or of its run, by path of the file."""
        self._posted = (0, 0)

    def report(self, program: str, marks: Mapping[str, Sequence[LineDiagnostic]]) -> None:
        """Show what a program reports, by path, in place of what its run before has reported."""
        before = self._reports.pop(program, {})
        if marks:
            self._reports[program] = marks
        for path in dict.fromkeys([*before, *marks]):
            sheet = self._documents.by_key(path)
            if sheet is not None:
                sheet.diagnostics.show_failures(marks.get(path, ()), program)
        self.post_counts()

    def begin(self, sheet: DocumentView) -> None:
        """Mark a document that was opened."""
        for program, marks in self._reports.items():
            if sheet.name_key in marks:
                sheet.diagnostics.show_failures(marks[sheet.name_key], program)

    def all(self) -> list[CellProblem]:
        """All problems: of the open documents in the order of their tabs, then of other files by
        path; of each by line and column."""
        open_keys = [sheet.name_key for sheet in self._documents]
        problems = [problem for sheet in self._documents for problem in _problems_of(sheet)]
        paths = {path for marks in self._reports.values() for path in marks}
        for path in sorted(paths.difference(open_keys)):
            marks = (mark for report in self._reports.values() for mark in report.get(path, ()))
            problems += _sorted(CellProblem(path, mark) for mark in marks)
        return problems

    def post_counts(self) -> None:
        """Post how many errors and warnings there are, where that has changed."""
        severities = [problem.mark.severity for problem in self.all()]
        counts = severities.count(Severity.ERROR), severities.count(Severity.WARN)
        if counts != self._posted:
            self._posted = counts
            self._host.post_message(DocumentMessages.ProblemsCounted(*counts))


def _problems_of(sheet: DocumentView) -> list[CellProblem]:
    lines = sheet.editor.model.lines
    return _sorted(
        CellProblem(sheet.name_key, entry, entry.is_stale(lines[entry.line]))
        for entry in sheet.diagnostics.entries
        if entry.line < len(lines) and not entry.is_outer
    )


def _sorted(problems: Iterable[CellProblem]) -> list[CellProblem]:
    return sorted(problems, key=lambda problem: problem.place)


def neighbour(
    problems: Sequence[CellProblem], document: str, line: int, column: int, step: int
) -> CellProblem | None:
    """The problem after a place in a document (`step` 1) or before it (-1), around the ends; None
    where there is none. In another document, the first or the last of all."""
    if not problems:
        return None
    ranks = {key: rank for rank, key in enumerate(dict.fromkeys(p.document for p in problems))}
    at = (ranks.get(document, -1), line, column)
    places = [(ranks[problem.document], *problem.place) for problem in problems]
    if step > 0:
        following = (problem for problem, place in zip(problems, places, strict=True) if place > at)
        return next(following, problems[0])
    preceding = [problem for problem, place in zip(problems, places, strict=True) if place < at]
    return preceding[-1] if preceding else problems[-1]
