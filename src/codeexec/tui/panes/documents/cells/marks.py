"""Run states of a document's cells, from the executions of a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from codeexec.documents.model import Cell
from codeexec.domain.events import CellRef
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.panes.editor.marks import CellMark, CellState

_STATES = {
    "queued": CellState.QUEUED,
    "running": CellState.RUNNING,
    "ok": CellState.OK,
    "error": CellState.FAILED,
    "timed_out": CellState.FAILED,
    "cancelled": CellState.CANCELLED,
    "lost": CellState.LOST,
}
_SETTLED = frozenset({CellState.OK, CellState.FAILED})


def reference(document: str, cell: Cell, token: str, *, whole: bool) -> CellRef:
    """Where code comes from. Keys of cells count anew with every opening of a script, so that
    `token` says which opening is meant; `whole` is false for a part of a cell."""
    key = f"{cell.key}@{token}" if whole and cell.key else ""
    return CellRef(document, key, cell.body, cell.title)


def assigned(
    views: Iterable[ExecutionView], cells: Sequence[Cell], token: str
) -> Iterator[tuple[str, ExecutionView]]:
    """Pairs of cell key and execution; the last execution of a cell counts.

    An execution of this opening names its cell. An execution of another opening or another client
    belongs to the cell that has its code now, else to the only cell with its title.
    """
    keys = {cell.key: cell for cell in cells}
    by_source = {cell.source: cell.key for cell in reversed(cells) if cell.is_code}
    titles = [cell.title for cell in cells if cell.title]
    by_title = {cell.title: cell.key for cell in cells if titles.count(cell.title) == 1}
    for view in views:
        if view.cell is None or not view.cell.cell:
            continue
        key, _, opening = view.cell.cell.partition("@")
        if opening != token or key not in keys:
            named = keys.get(key)
            if named is not None and named.source == view.code:
                pass  # a notebook's cells keep their keys
            elif view.code in by_source:
                key = by_source[view.code]
            elif view.cell.title in by_title and not view.is_open:
                key = by_title[view.cell.title]
            else:
                continue
        yield key, view


def cell_marks(
    views: Iterable[ExecutionView],
    cells: Sequence[Cell],
    token: str,
    now: float,
    generations: Mapping[str, int] = {},
) -> dict[str, CellMark]:
    """The mark of each cell that was run, by its key. `now` is in seconds since the epoch.

    `generations` are those of the session's kernels now: what an earlier process of a kernel has
    run is not what this one knows, so it has no mark.
    """
    marks: dict[str, CellMark] = {}
    for key, view in assigned(views, cells, token):
        state = _STATES[view.status]
        if state in _SETTLED and view.generation < generations.get(view.kernel, 0):
            marks.pop(key, None)
        else:
            marks[key] = CellMark(state, _elapsed(view, now), view.code)
    return marks


def _elapsed(view: ExecutionView, now: float) -> float | None:
    if view.started_at is None:
        return None
    end = view.finished_at if view.finished_at is not None else now
    return max(end - view.started_at, 0.0)
