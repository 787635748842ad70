"""Stored outputs of open notebooks that are shown: those of cells not run since."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.session.ask import NoticePosted
from codeexec.tui.session.stored_outputs import stored_views

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

_FIRST_NUMBER = -1_000_000_000
"""Executions count from 1: stored outputs stand before all of them, in the order of opening."""


class StoredOutputs:
    """Follows the open notebooks; needs no session. Posts `StoredChanged` when `views` change."""

    def __init__(self, host: PaneHost, context: PaneContext) -> None:
        self._host = host
        self._context = context
        self._views: dict[DocumentView, tuple[ExecutionView, ...]] = {}
        self._next = _FIRST_NUMBER
        self.on_read: Callable[[DocumentView], None] = lambda _: None
        """Called with a document whose outputs were read from its file."""

    @property
    def views(self) -> tuple[ExecutionView, ...]:
        return tuple(view for views in self._views.values() for view in views)

    def read(self, sheet: DocumentView) -> None:
        """Take the outputs of the document as it was read from disk; a notice says how many cells
        with outputs are left out, where there are too many."""
        self._views.pop(sheet, None)
        notebook = sheet.document.notebook
        if notebook is None:
            return
        self.on_read(sheet)
        views = stored_views(
            notebook, sheet.notebook_cells.cells(), sheet.cell_states.ref, self._next
        )
        if views:
            self._next += len(views)
            self._views[sheet] = views
        count = len(notebook.data["cells"])
        left_out = sum(map(bool, map(notebook.output_size, range(count)))) - len(views)
        if left_out > 0:
            message = (
                f"Stored outputs of the first {len(views)} cells are shown, of {left_out:,} not."
            )
            self._host.post_message(NoticePosted(message))
        self._drop_run(sheet)
        self._host.post_message(DocumentMessages.StoredChanged())

    def follow(self, sheet: DocumentView) -> None:
        """Drop the outputs of cells that were run: such a cell shows what it puts out now."""
        if self._drop_run(sheet):
            self._host.post_message(DocumentMessages.StoredChanged())

    def _drop_run(self, sheet: DocumentView) -> bool:
        """Whether there were such outputs."""
        views = self._views.get(sheet)
        if not views:
            return False
        ran = sheet.cell_states.ran(self._context.snapshot)
        remaining = tuple(view for view in views if _cell_key(view) not in ran)
        self._views[sheet] = remaining
        return len(remaining) != len(views)

    def close(self, sheet: DocumentView) -> None:
        """Drop the outputs of a document that is closed."""
        if self._views.pop(sheet, ()):
            self._host.post_message(DocumentMessages.StoredChanged())


def _cell_key(view: ExecutionView) -> str:
    return view.cell.cell.partition("@")[0] if view.cell is not None else ""
