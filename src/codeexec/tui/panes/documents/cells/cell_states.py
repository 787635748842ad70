"""Run states of a document's cells: which executions are of them, and their marks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from codeexec.documents.model import Cell, CellKind
from codeexec.documents.percent.cells import FRESH
from codeexec.domain.events import CellRef
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.panes.documents.cells.cell_runs import CellRuns
from codeexec.tui.panes.documents.cells.marks import assigned, cell_marks, reference
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.marks import CellMark, CellState


class CellStates:
    """`editors` gives all editors of the document; `names` gives what executions call it, now and
    before it was saved under another name."""

    def __init__(
        self,
        editors: Callable[[], Sequence[CodeEditor]],
        names: Callable[[], Sequence[str]],
    ) -> None:
        self._editors = editors
        self._names = names
        self.runs = CellRuns()
        """Shared by the documents of a pane."""
        self._token = os.urandom(3).hex()
        """Stands for this opening of the document."""
        self.cleared: dict[str, int] = {}
        """By key of a cell whose outputs another client has cleared: the number of executions that
        there were then."""
        self._marks: dict[str, CellMark] = {}
        self._execution_ids: dict[str, str] = {}
        """The last execution of each cell that is marked."""
        self._count = 0
        """Executions that the session has had."""
        self._keys = editors()[0].model.cells.keys

    def _cells(self) -> Sequence[Cell]:
        return self._editors()[0].cells()

    def ref(self, cell: Cell, *, whole: bool = True) -> CellRef:
        """Where code of a cell, or of a part of it, comes from."""
        return reference(self._names()[0], cell, self._token, whole=whole)

    # -- marks ------------------------------------------------------------------------------------

    @property
    def has_running(self) -> bool:
        """Whether one of the cells runs now."""
        return any(mark.state is CellState.RUNNING for mark in self._marks.values())

    @property
    def has_open(self) -> bool:
        """Whether one of the cells runs or waits to."""
        open_states = (CellState.RUNNING, CellState.QUEUED)
        return any(mark.state in open_states for mark in self._marks.values())

    def show(self, snapshot: Snapshot) -> None:
        """Show the run states of the cells."""
        self._count = snapshot.executions_total
        views = self._executions(snapshot)
        if not views and not self._marks:
            return
        generations = {name: kernel.generation for name, kernel in snapshot.kernels.items()}
        marks = cell_marks(
            views, self._cells(), self._token, time.time(), generations, self.cleared
        )
        ids = {view.cell.cell.partition("@")[0]: view.execution_id for view in views if view.cell}
        rerun = {
            key
            for key in marks
            if key in self._marks and ids.get(key) != self._execution_ids.get(key)
        }
        if rerun:
            # A run that was over within one frame is a new run all the same.
            queued = {key: CellMark(CellState.QUEUED) for key in rerun}
            self.mark({**marks, **queued})
        self._execution_ids = ids
        if marks != self._marks or rerun:
            self._marks = marks
            self.mark(marks)

    def follow_text(self, snapshot: Snapshot) -> bool:
        """The text has changed: a cell that came back, as by undo, has a new key, and is found by
        its source. Whether the cells are other ones."""
        keys = self._editors()[0].model.cells.keys
        if keys != self._keys:
            self._keys = keys
            self.show(snapshot)
            return True
        return False

    def mark(self, marks: Mapping[str, CellMark]) -> None:
        """Show marks, by keys of cells, in all editors."""
        for editor in self._editors():
            editor.set_cell_marks(marks)

    # -- executions -------------------------------------------------------------------------------

    def _executions(self, snapshot: Snapshot) -> list[ExecutionView]:
        """Executions of whole cells from here: what was run of a part of one, or of the file as
        one, marks none."""
        return self.runs.of(self._names(), snapshot)

    def assigned(self, snapshot: Snapshot) -> list[tuple[str, ExecutionView]]:
        """Pairs of the key of a cell and an execution of it, in the order of queueing."""
        return list(assigned(self._executions(snapshot), self._cells(), self._token, self.cleared))

    def finished(self, snapshot: Snapshot) -> dict[str, ExecutionView]:
        """By the keys of cells: the last execution that is over of the code that they have."""
        cells = self._cells()
        sources = {cell.key: cell.source for cell in cells}
        return {
            key: view
            for key, view in assigned(self._executions(snapshot), cells, self._token, self.cleared)
            if not view.is_open and view.code == sources[key]
        }

    def is_last(self, view: ExecutionView, snapshot: Snapshot) -> bool:
        """Whether an execution is the newest one of a cell that is there."""
        last = dict(assigned(self._executions(snapshot), self._cells(), self._token, self.cleared))
        return any(one.execution_id == view.execution_id for one in last.values())

    def ran(self, snapshot: Snapshot) -> set[str]:
        """Keys of the cells that were run, or wait to be."""
        return {key for key, _ in self.assigned(snapshot)}

    def note_cleared(self, cell_keys: Iterable[str]) -> None:
        """Another program has taken the outputs of these cells out of the file: no execution so far
        belongs to them."""
        self.cleared |= dict.fromkeys(cell_keys, self._count)

    def cleared_cells(self, snapshot: Snapshot) -> dict[str, int]:
        """Cells to which no execution so far belongs, although their code was run: their outputs
        were cleared, or they are new. By key, with the number of executions."""
        cells, count = self._editors()[0].model.cells, snapshot.executions_total
        fresh = {
            key: count
            for index, key in enumerate(cells.keys)
            if key.startswith(FRESH) and cells.kind(index) is CellKind.CODE
        }
        if not self.cleared and fresh.keys() <= self._marks.keys():
            return {}  # asked once a second, and `ran` takes 9 ms for 2,000 cells
        ran = self.ran(snapshot)
        return {key: number for key, number in (fresh | self.cleared).items() if key not in ran}
