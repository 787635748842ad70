"""Documents as pages in a pane of their own, for tests: notebooks, and what their rows show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from codeexec.config.model import Editor as Habits
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.notebooks import notebook

THEME = find_theme("harbour", [built_in_folder()])
PAGE = Habits(notebook="page")


def write_notebook(path: Path, *cells: Mapping[str, object]) -> Path:
    path.write_text(notebook(*cells))
    return path


def make() -> DocumentsPane:
    pane = DocumentsPane(THEME, me="test")
    pane.context.habits = PAGE
    return pane


async def opened(pane: DocumentsPane, path: Path) -> DocumentView:
    sheet = await pane.opener.open(path)
    assert sheet is not None
    sheet.editor.focus()
    return sheet


def rows(sheet: DocumentView) -> list[str]:
    """The rows of the editor, without its gutter and its bar."""
    editor = sheet.editor
    lines = [editor.render_line(y).text for y in range(editor.size.height)]
    return [line[editor.painter.gutter :].rstrip() for line in lines]


def shows(sheet: DocumentView, *texts: str) -> Callable[[], bool]:
    return lambda: all(text in "\n".join(rows(sheet)) for text in texts)


def sources(sheet: DocumentView) -> list[str]:
    return [f"{cell.kind[0]}:{cell.source}" for cell in sheet.notebook_cells.cells()]
