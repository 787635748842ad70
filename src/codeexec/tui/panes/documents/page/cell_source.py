"""What the file of a page has beside its text: saved outputs, attachments, its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.tui.session.stored_outputs import MOST_ROWS

if TYPE_CHECKING:
    from codeexec.domain.snapshot import ExecutionView
    from codeexec.tui.panes.documents.document_view import DocumentView


class CellSource:
    """Reads the document of one page; cells are named by their keys."""

    def __init__(self, sheet: DocumentView) -> None:
        self._sheet = sheet

    def saved_view(self, cell_key: str, most_rows: int = MOST_ROWS) -> ExecutionView | None:
        """What the file has as the output of a cell; None if it has none."""
        model = self._sheet.editor.model
        index = model.cells.index_of(cell_key)
        if index is None:
            return None
        place = self._sheet.cell_states.ref(model.cell(index))
        return self._sheet.notebook_cells.saved_view(cell_key, place, most_rows=most_rows)

    def attachments(self, cell_key: str) -> Mapping[str, object]:
        """The attachments of a Markdown cell, by name."""
        return self._sheet.notebook_cells.attachments(cell_key)

    def folder(self) -> Path | None:
        """The folder of the file; None for a document without one."""
        return None if self._sheet.untitled else self._sheet.path.parent
