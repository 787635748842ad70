"""Which cells of a text are which cells of the notebook's file, and outputs written into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from codeexec.client.api import SessionClient
from codeexec.documents.formats import save_document
from codeexec.documents.model import Cell, Document
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.panes.documents.cells.outputs import OutputReader, with_kernel, with_runs
from codeexec.tui.panes.editor.code_editor import CodeEditor


class NotebookCells:
    """Keeps the keys of the cells as the file has them, since it was read or saved last."""

    def __init__(self, editor: Callable[[], CodeEditor]) -> None:
        self._editor = editor
        self._saved_keys = self._keys()
        self._outputs = OutputReader()

    def cells(self) -> tuple[Cell, ...]:
        """The cells that a notebook of the text has; a blank start of the text is none, and
        neither is a spare cell at its end."""
        model = self._editor().model
        cells = self._editor().cells()
        if model.shared.spare is not None:
            cells = cells[:-1]
        return tuple(cells[1:] if model.cells.has_preamble and cells[0].is_blank else cells)

    def _keys(self) -> tuple[str, ...]:
        return tuple(cell.key for cell in self.cells())

    def note_saved(self) -> None:
        """The file has the cells of the text now."""
        self._saved_keys = self._keys()

    def origins(self) -> list[int | None]:
        """Of each cell of the text its place in the file."""
        places = {key: place for place, key in enumerate(self._saved_keys)}
        return [places.get(key) for key in self._keys()]

    async def with_outputs(
        self,
        document: Document,
        runs: Mapping[str, ExecutionView],
        snapshot: Snapshot,
        session: SessionClient,
    ) -> Document | None:
        """The document with the outputs of `runs`, by keys of cells; None where it has them all,
        or is no notebook. Raises CodeexecError."""
        notebook = document.notebook
        if notebook is None:
            return None
        filled = await with_runs(notebook, self._saved_keys, runs, session, self._outputs)
        if runs:
            last = max(runs.values(), key=lambda view: view.number)
            filled = with_kernel(filled, snapshot.kernel_of(last))
        return replace(document, notebook=filled) if filled != notebook else None

    def write(self, document: Document) -> Document:
        """Write a document whose outputs alone have changed. Raises CodeexecError."""
        return save_document(document, document.text, origins=range(len(self._saved_keys)))
