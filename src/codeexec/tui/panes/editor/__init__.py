"""The code editor: text model, painting, and key actions."""

from __future__ import annotations

from codeexec.tui.commands.editor import DEFAULT_BINDINGS
from codeexec.tui.panes.editor.code_editor import CodeEditor, RunScope
from codeexec.tui.panes.editor.marks import (
    CellMark,
    CellState,
    CompletionItem,
    LineDiagnostic,
    Severity,
)
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.panes.editor.text.search import Query
from codeexec.tui.panes.editor.text.text import Location, Selection

__all__ = [
    "DEFAULT_BINDINGS",
    "CellMark",
    "CellState",
    "CodeEditor",
    "CompletionItem",
    "EditorStyles",
    "LineDiagnostic",
    "Location",
    "Query",
    "RunScope",
    "Selection",
    "Severity",
]
