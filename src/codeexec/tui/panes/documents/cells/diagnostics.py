"""Marks of lines in a document: syntax errors when typing pauses, and failures of runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from codeexec.documents.model import Document
from codeexec.tui.panes.documents.cells.syntax_errors import SyntaxChecker
from codeexec.tui.panes.documents.host import TimedHost
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.marks import LineDiagnostic

_QUIET = 0.8
"""Seconds without a key before the text is looked through for errors."""


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
        self._failures: list[LineDiagnostic] = []
        self._requested_at = 0.0
        self._is_waiting = False

    def show_failures(self, failures: Iterable[LineDiagnostic]) -> None:
        """Mark lines on which code failed, until the next run."""
        self._failures = list(failures)
        self._set(self._failures)
        self.check_soon()

    def check_soon(self) -> None:
        """Schedule a check for syntax errors for when typing pauses."""
        self._requested_at = time.monotonic()
        if not self._is_waiting and self._python_document() is not None:
            self._is_waiting = True
            self._host.set_timer(_QUIET, self._check_when_quiet)

    def _check_when_quiet(self) -> None:
        seconds = self._requested_at + _QUIET - time.monotonic()
        if seconds > 0:
            self._host.set_timer(seconds, self._check_when_quiet)
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
        moved = [
            LineDiagnostic(line, mark.message, mark.severity, mark.start, mark.end)
            for line, mark in editor.painter.diagnostics.items()
            if mark in self._failures
        ]
        self._failures = moved
        self._set([*(mark for mark in syntax if mark.line != cursor_line), *moved])

    def _set(self, diagnostics: Iterable[LineDiagnostic]) -> None:
        fixed = tuple(diagnostics)
        for editor in self._editors():
            editor.set_diagnostics(fixed)
