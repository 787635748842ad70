"""Applies the fix of a diagnostic to the text of its document."""

from __future__ import annotations

from collections.abc import Sequence

from codeexec.domain.errors import UsageError
from codeexec.tui.panes.documents.cells.problems import CellProblem
from codeexec.tui.panes.editor.marks import LineFix
from codeexec.tui.panes.editor.text.text import Location

TextEdit = tuple[Location, Location, str]


def edits_of(problem: CellProblem, lines: Sequence[str]) -> list[TextEdit]:
    """The edits of a fix, in the order of the text, which is `lines` now. UsageError where there is
    no fix, where it is about another file, or where the text is another one than the compiler
    has read."""
    fixes = problem.mark.fixes
    if not fixes:
        raise UsageError("This problem has no fix.", "Correct it by hand.")
    if any(fix.path != problem.document for fix in fixes):
        raise UsageError(
            f"The fix changes another file: {fixes[0].path}.", "Open that file, and correct it."
        )
    edits = [_edit(fix, problem, lines) for fix in sorted(fixes, key=lambda fix: fix.start)]
    if problem.is_stale or not all(edits):
        raise UsageError("The text was edited since the build.", "Build again: F5.")
    return [edit for edit in edits if edit is not None]


def _edit(fix: LineFix, problem: CellProblem, lines: Sequence[str]) -> TextEdit | None:
    """None where the line is not what it was, neither at its number nor moved with the problem."""
    reported_at = problem.mark.reported_line
    shift = problem.mark.line - reported_at
    line, column = fix.start
    for moved in dict.fromkeys((shift if line >= reported_at else 0, shift, 0)):
        at = line + moved
        if 0 <= at < len(lines) and fix.line_text in (None, lines[at]):
            end_line, end_column = fix.end[0] + moved, fix.end[1]
            return Location(at, column), Location(end_line, end_column), fix.text
    return None
