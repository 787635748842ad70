"""The code editor: a text model, what it looks like, and the keys that act on it."""

from __future__ import annotations

from codeexec.tui.widgets.editor.bindings import DEFAULT_BINDINGS
from codeexec.tui.widgets.editor.code_editor import CodeEditor, RunScope
from codeexec.tui.widgets.editor.marks import (
    CellMark,
    CellState,
    Completion,
    Diagnostic,
    Severity,
)
from codeexec.tui.widgets.editor.search import Query
from codeexec.tui.widgets.editor.styles import EditorStyles
from codeexec.tui.widgets.editor.text import Location, Selection

__all__ = [
    "DEFAULT_BINDINGS",
    "CellMark",
    "CellState",
    "CodeEditor",
    "Completion",
    "Diagnostic",
    "EditorStyles",
    "Location",
    "Query",
    "RunScope",
    "Selection",
    "Severity",
]
