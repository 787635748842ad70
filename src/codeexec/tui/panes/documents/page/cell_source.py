"""What the file of a page has beside its text: saved outputs, attachments, its folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.tui.session.stored_outputs import WHOLE_ROWS, stored_view

if TYPE_CHECKING:
    from codeexec.documents.model import Cell
    from codeexec.documents.notebook.outputs import Json
    from codeexec.domain.events import CellRef
    from codeexec.domain.snapshot import ExecutionView
    from codeexec.tui.panes.documents.document_view import DocumentView


class CellSource:
    """Reads the document of one page; cells are named by their keys."""

    def __init__(self, sheet: DocumentView) -> None:
        self._sheet = sheet

    def saved_view(self, cell_key: str) -> ExecutionView | None:
        """What the file has as the output of a cell; None if it has none."""
        saved_cell = self._find(cell_key)
        return stored_view(*saved_cell, 0) if saved_cell is not None else None

    async def whole_view(self, cell_key: str) -> ExecutionView | None:
        """As `saved_view`, with up to `WHOLE_ROWS` rows."""
        saved_cell = self._find(cell_key)
        if saved_cell is None:
            return None
        return await asyncio.to_thread(stored_view, *saved_cell, 0, WHOLE_ROWS)

    def saved_count(self, cell_key: str) -> int | None:
        """The execution count that the file has of a code cell."""
        raw = self._sheet.notebook_cells.code_json(cell_key)
        count = raw.get("execution_count") if raw is not None else None
        return count if isinstance(count, int) else None

    def _find(self, cell_key: str) -> tuple[Json, Cell, CellRef] | None:
        """The JSON of a cell of the file that has outputs, the cell, and its place."""
        model = self._sheet.editor.model
        index = model.cells.index_of(cell_key)
        raw = self._sheet.notebook_cells.saved_json(cell_key) if index is not None else None
        if index is None or raw is None:
            return None
        cell = model.cell(index)
        return raw, cell, self._sheet.cell_states.ref(cell)

    def attachments(self, cell_key: str) -> Mapping[str, object]:
        """The attachments of a Markdown cell, by name."""
        return self._sheet.notebook_cells.attachments(cell_key)

    def folder(self) -> Path | None:
        """The folder of the file; None for a document without one."""
        return None if self._sheet.untitled else self._sheet.path.parent
