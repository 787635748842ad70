"""Last execution of each cell that the snapshot no longer holds, by document."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from codeexec.domain.events import CellRef
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.session.feed import Frame

MOST_CELLS = 5000
"""Cells remembered of one document; those run longest ago go first."""


class CellRuns:
    """Without their output. `follow` is given every frame; `learn` what was read."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, ExecutionView]] = {}

    def follow(self, frame: Frame) -> set[str]:
        """Remember what leaves the snapshot; returns the documents whose executions have to be
        read, as only the session knows how they ended."""
        unknown: set[str] = set()
        now = frame.snapshot.executions
        if now is frame.before.executions:
            return unknown
        dropped = {key: view for key, view in frame.before.executions.items() if key not in now}
        for key, view in {**dropped, **frame.left}.items():
            if view.cell is None or not view.cell.cell or key in now:
                continue
            if view.is_open:
                unknown.add(view.cell.document)
            else:
                self._put(view)
        return unknown

    def learn(self, views: Iterable[ExecutionView]) -> None:
        for view in views:
            if view.cell is not None and view.cell.cell:
                self._put(view)

    def _put(self, view: ExecutionView) -> None:
        assert view.cell is not None
        cells = self._runs.setdefault(view.cell.document, {})
        key = view.cell.cell
        previous = cells.pop(key, None)
        if previous is not None and previous.number > view.number:
            view = previous
        cells[key] = replace(view, tail=(), displays=())
        while len(cells) > MOST_CELLS:
            del cells[next(iter(cells))]

    def counted(self, count: int) -> list[CellRef]:
        """Cells that had this prompt number, in the order of queueing."""
        views = (view for cells in self._runs.values() for view in cells.values())
        matching = sorted((v for v in views if v.count == count), key=lambda view: view.number)
        return [view.cell for view in matching if view.cell is not None]

    def of(self, documents: Iterable[str], snapshot: Snapshot) -> list[ExecutionView]:
        """Executions of whole cells of these documents, in the order of queueing."""
        names = set(documents)
        executions = {
            view.execution_id: view for name in names for view in self._runs.get(name, {}).values()
        }
        executions |= {
            view.execution_id: view
            for view in snapshot.executions.values()
            if view.cell and view.cell.cell and view.cell.document in names
        }
        return sorted(executions.values(), key=lambda view: view.number)
