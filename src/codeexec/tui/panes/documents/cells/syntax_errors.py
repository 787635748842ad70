"""Find syntax errors in the cells of a Python text without running it."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence

from codeexec.documents.percent.cells import CellIndex
from codeexec.tui.panes.editor.marks import SYNTAX, LineDiagnostic

MOST = 40_000
"""Longest cell to check, in characters: the parser blocks all other threads."""

_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_SPECIAL = re.compile(r"(\s*)(?:[%!?]|[\w.,\s]+=\s*[%!]).*|(\s*)[^#'\"]*[\w)\]]\?{1,2}\s*")
"""Lines that IPython takes: magics, commands of the shell, questions."""


class SyntaxChecker:
    """Remembers what it has seen: a cell is parsed once for each text that it had."""

    def __init__(self) -> None:
        self._known: dict[str, LineDiagnostic | None] = {}

    def check(
        self, lines: Sequence[str], marker: str = "#", *, escaped: bool = False
    ) -> list[LineDiagnostic]:
        """The first error of each code cell, with its line in the whole text; `escaped` is that
        of a notebook."""
        diagnostics: list[LineDiagnostic] = []
        checked: dict[str, LineDiagnostic | None] = {}
        for cell in CellIndex(lines, marker, escaped=escaped).cells(lines):
            if not cell.is_own_code or len(cell.source) > MOST:
                continue
            source = cell.source
            if source not in self._known:
                self._known[source] = error_of(source)
            error = checked[source] = self._known[source]
            if error is not None:
                diagnostics.append(
                    LineDiagnostic(
                        cell.body + error.line,
                        error.message,
                        start=error.start,
                        end=error.end,
                        program=SYNTAX,
                    )
                )
        self._known = checked
        return diagnostics


def error_of(source: str) -> LineDiagnostic | None:
    """What is wrong with the code of a cell; lines count from 0."""
    if source.lstrip().startswith("%%"):
        return None  # another language, as like as not
    error = _parse(source)
    if error is None:
        return None
    lines = source.split("\n")
    plain = [_SPECIAL.sub(_stand_in, line) if _SPECIAL.fullmatch(line) else line for line in lines]
    if plain != lines:
        error = _parse("\n".join(plain))
        if error is None:
            return None
    line = min(max((error.lineno or 1) - 1, 0), len(lines) - 1)
    start = max((error.offset or 1) - 1, 0)
    end = error.end_offset - 1 if error.end_offset and error.end_lineno == error.lineno else None
    if end is not None and end <= start:
        end = start + 1
    return LineDiagnostic(line, error.msg, start=start, end=end)


def _stand_in(match: re.Match[str]) -> str:
    return f"{match[1] or match[2] or ''}pass"


def _parse(source: str) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they would be printed over the screen
            compile(source, "<cell>", "exec", _FLAGS)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError, SystemError):
        # Nothing that a line could be marked for. SystemError: CPython 3.11 and 3.12 say "AST
        # constructor recursion depth mismatch" when two threads parse at a time.
        return None
    return None
