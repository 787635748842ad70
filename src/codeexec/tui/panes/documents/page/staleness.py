"""Which cells of a document are stale: their code, or code above, is newer than the output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codeexec.documents.model import Cell
from codeexec.domain.snapshot import ExecutionView


def stale_cells(cells: Sequence[Cell], runs: Iterable[tuple[str, ExecutionView]]) -> frozenset[str]:
    """Keys of the cells that were run with other code than they have, or before a cell above them
    that was run again since, with other code. `runs` are pairs of the key of a cell and an
    execution, in the order of queueing; what waits to run is not stale."""
    history: dict[str, list[ExecutionView]] = {}
    for key, view in runs:
        history.setdefault(key, []).append(view)
    stale: set[str] = set()
    above: list[list[ExecutionView]] = []
    newest = 0
    for cell in cells:
        views = history.get(cell.key)
        if not cell.is_code or not views:
            continue
        last = views[-1]
        is_outdated = newest > last.number and any(_has_changed(one, last.number) for one in above)
        if not last.is_open and (last.code != cell.source or is_outdated):
            stale.add(cell.key)
        above.append(views)
        newest = max(newest, last.number)
    return frozenset(stale)


def cells_to_update(cells: Sequence[Cell], runs: Iterable[tuple[str, ExecutionView]]) -> list[Cell]:
    """The cells to run, in order, so that none is stale afterwards: the stale ones, and below one
    that was edited those that have run, which are stale as soon as it has run."""
    pairs = [*runs]
    stale, last_code = stale_cells(cells, pairs), {key: view.code for key, view in pairs}
    is_below, chosen = False, []
    for cell in cells:
        if cell.key in stale or (is_below and cell.is_code and cell.key in last_code):
            chosen.append(cell)
        is_below |= cell.key in stale and last_code[cell.key] != cell.source
    return chosen


def _has_changed(views: Sequence[ExecutionView], number: int) -> bool:
    """Whether a cell was run after execution `number`, with other code than it had before."""
    before = [view.code for view in views if view.number < number]
    return views[-1].number > number and (not before or before[-1] != views[-1].code)
