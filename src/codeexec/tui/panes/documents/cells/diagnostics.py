"""Marks of lines in a document: syntax errors when typing pauses, and failures of runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from textual.message import Message

from codeexec.documents.model import Document
from codeexec.tui.panes.documents.cells.syntax_errors import SyntaxChecker
from codeexec.tui.panes.documents.host import TimedHost
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.marks import LINT, SYNTAX, LineDiagnostic
from codeexec.tui.textual_ext.timers import call_after

_QUIET = 0.8
"""Seconds without a key before the text is looked through for errors."""


class DiagnosticsChanged(Message):
    """Other diagnostics of a document are marked."""


class LineDiagnostics:
    """`editors` gives all editors of the document, the one with the keys first; `python_document`
    gives the document while it is on screen and in Python, else None."""

    def __init__(
        self,
        host: TimedHost,
        editors: Callable[[], Sequence[CodeEditor]],
        python_document: Callable[[], Document | None],
    ) -> None:
        self._host = host
        self._editors = editors
        self._python_document = python_document
        self._checker = SyntaxChecker()
        self._requested_at = 0.0
        self._is_waiting = False

    def show_failures(self, failures: Iterable[LineDiagnostic], program: str = "") -> None:
        """Mark lines on which code failed, until the next run; with `program`, in place of what
        that program reported before, else in place of all."""
        lines = self._editors()[0].model.lines
        others = [
            entry
            for entry in self._failures
            if entry.program != program and (program or entry.program == LINT)
        ]
        self._set([*others, *(_with_texts(entry, lines) for entry in failures)])
        self.check_soon()

    def show_findings(self, findings: Iterable[LineDiagnostic]) -> None:
        """Mark what a linter finds in the text as it is, in place of what it found before."""
        others = [entry for entry in self.entries if entry.program != LINT]
        self._set([*others, *findings])

    @property
    def entries(self) -> list[LineDiagnostic]:
        """All that is marked, on the lines to which edits have moved it."""
        marked = self._editors()[0].painter.diagnostics.items()
        return [replace(entry, line=line, more=()) for line, top in marked for entry in top.entries]

    @property
    def _failures(self) -> list[LineDiagnostic]:
        return [entry for entry in self.entries if entry.program != SYNTAX]

    def check_soon(self) -> None:
        """Schedule a check for syntax errors for when typing pauses."""
        self._requested_at = time.monotonic()
        if not self._is_waiting and self._python_document() is not None:
            self._is_waiting = True
            call_after(self._host, _QUIET, self._check_when_quiet)

    def _check_when_quiet(self) -> None:
        seconds = self._requested_at + _QUIET - time.monotonic()
        if seconds > 0:
            call_after(self._host, seconds, self._check_when_quiet)
            return
        self._is_waiting = False
        document = self._python_document()
        if document is not None:
            self._host.run_worker(self._check(document), group="check", exclusive=True)

    async def _check(self, document: Document) -> None:
        model = self._editors()[0].model
        version, lines = model.buffer.version, list(model.lines)
        is_notebook = document.notebook is not None
        check = partial(self._checker.check, lines, document.marker, escaped=is_notebook)
        diagnostics = await asyncio.to_thread(check)
        if version == self._editors()[0].model.buffer.version:
            self._show(diagnostics)

    def _show(self, syntax: Sequence[LineDiagnostic]) -> None:
        """Failures stand where edits have moved them; the line that is being typed is let be."""
        editor = self._editors()[0]
        cursor_line = editor.model.cursor.line if editor.has_focus else -1
        self._set([*self._failures, *(mark for mark in syntax if mark.line != cursor_line)])

    def _set(self, diagnostics: Iterable[LineDiagnostic]) -> None:
        fixed = tuple(diagnostics)
        for editor in self._editors():
            editor.set_diagnostics(fixed)
        self._host.post_message(DiagnosticsChanged())


def _with_texts(entry: LineDiagnostic, lines: Sequence[str]) -> LineDiagnostic:
    """The diagnostic with the lines that its tool has read, as far as they are not known."""

    def text_of(line: int) -> str | None:
        return lines[line] if 0 <= line < len(lines) else None

    fixes = tuple(
        replace(fix, line_text=text_of(fix.start[0]) if fix.line_text is None else fix.line_text)
        for fix in entry.fixes
    )
    own_text = text_of(entry.line) if entry.line_text is None else entry.line_text
    reported_line = entry.line if entry.reported_line < 0 else entry.reported_line
    return replace(entry, fixes=fixes, line_text=own_text, reported_line=reported_line)
