"""Stored outputs of open notebooks that are shown: those of cells not run since."""

from __future__ import annotations

from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.session.stored_outputs import stored_views

_FIRST_NUMBER = -1_000_000_000
"""Executions count from 1: stored outputs stand before all of them, in the order of opening."""


class StoredOutputs:
    """Follows the open notebooks; needs no session."""

    def __init__(self) -> None:
        self._views: dict[DocumentView, tuple[ExecutionView, ...]] = {}
        self._next = _FIRST_NUMBER

    @property
    def views(self) -> tuple[ExecutionView, ...]:
        return tuple(view for views in self._views.values() for view in views)

    def read(self, sheet: DocumentView) -> int:
        """Take the outputs of the document as it was read from disk; how many cells with outputs
        are left out, as there are too many."""
        self._views.pop(sheet, None)
        notebook = sheet.document.notebook
        if notebook is None:
            return 0
        views = stored_views(notebook, sheet.notebook_cells(), sheet.ref, self._next)
        if views:
            self._next += len(views)
            self._views[sheet] = views
        count = len(notebook.data["cells"])
        return sum(bool(notebook.outputs(index)) for index in range(count)) - len(views)

    def follow(self, sheet: DocumentView, snapshot: Snapshot) -> bool:
        """Drop the outputs of cells that were run; whether there were any."""
        views = self._views.get(sheet)
        if not views:
            return False
        ran = sheet.ran(snapshot)
        remaining = tuple(view for view in views if _cell_key(view) not in ran)
        self._views[sheet] = remaining
        return len(remaining) != len(views)

    def close(self, sheet: DocumentView) -> bool:
        """Drop the outputs of a document; whether there were any."""
        return bool(self._views.pop(sheet, ()))


def _cell_key(view: ExecutionView) -> str:
    return view.cell.cell.partition("@")[0] if view.cell is not None else ""
