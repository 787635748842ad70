"""Run states of a document's cells, from the executions of a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from codeexec.documents.model import Cell
from codeexec.documents.percent.cells import FRESH
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

_SIMILAR = 0.6
"""Ratio of common characters from which an edited cell is taken for the one that was run."""

_MOST_COMPARED = 20
"""Executions, and cells, that are compared with each other."""

_MOST_CHARACTERS = 1000
"""Characters of code that are compared."""


def reference(document: str, cell: Cell, token: str, *, whole: bool) -> CellRef:
    """Where code comes from. Keys of cells count anew with every opening of a script, so that
    `token` says which opening is meant; `whole` is false for a part of a cell."""
    key = f"{cell.key}@{token}" if whole and cell.key else ""
    return CellRef(document, key, cell.body, cell.title)


def assigned(
    views: Iterable[ExecutionView],
    cells: Sequence[Cell],
    token: str,
    cleared: Mapping[str, int] = {},
) -> Iterator[tuple[str, ExecutionView]]:
    """Pairs of cell key and execution, in the order of `views`; the last execution of a cell
    counts.

    An execution of this opening names its cell. An execution of another opening or another client
    belongs to the cell that has its code now, else to the only cell with its title, else to the
    cell of other executions of its cell, else to a cell without executions: the one that begins in
    its line, or has similar code, as the cell was edited since. `cleared` has the number of the
    last execution, by key of the cell, when its outputs were cleared.
    """
    cell_index = _CellIndex(cells)
    pairs = [
        (cell_index.exact_key(view, token), view) for view in views if view.cell and view.cell.cell
    ]
    if any(key is None for key, _ in pairs):
        pairs = cell_index.with_edited(pairs, token)
    return (
        (key, view) for key, view in pairs if key is not None and view.number > cleared.get(key, -1)
    )


class _CellIndex:
    """Cells of a document by source, title and line."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._by_key = {cell.key: cell for cell in cells}
        self._by_source: dict[str, list[Cell]] = {}
        for cell in cells:
            if cell.is_code and not cell.key.startswith(FRESH):
                self._by_source.setdefault(cell.source, []).append(cell)
        titles = [cell.title for cell in cells if cell.title]
        self._by_title = {cell.title: cell.key for cell in cells if titles.count(cell.title) == 1}

    def exact_key(self, view: ExecutionView, token: str) -> str | None:
        """The key of the cell that an execution names, or that has its code or its title."""
        assert view.cell is not None
        key, _, opening = view.cell.cell.partition("@")
        named = self._by_key.get(key)
        if named is not None and (opening == token or named.source == view.code):
            return key  # also of another opening: a notebook's cells keep their keys
        if same_code := self._by_source.get(view.code):
            line = view.cell.first_line
            return next((cell.key for cell in same_code if cell.body == line), same_code[0].key)
        return self._by_title.get(view.cell.title) if not view.is_open else None

    def with_edited(
        self, pairs: Sequence[tuple[str | None, ExecutionView]], token: str
    ) -> list[tuple[str | None, ExecutionView]]:
        """The pairs with cells also for executions whose cell was edited before this opening."""
        keys = {view.cell.cell: key for key, view in pairs if key and view.cell}
        taken = set(keys.values())
        free = [
            cell
            for key, cell in self._by_key.items()
            if cell.is_code and key not in taken and not key.startswith(FRESH)
        ]
        last_views = {
            view.cell.cell: view
            for _, view in pairs
            if view.cell and view.cell.cell not in keys and _is_foreign(view, token)
        }
        for is_alike in (_begins_in_line, _has_similar_code):
            for cell_ref, view in list(last_views.items())[-_MOST_COMPARED:]:
                cell = next((cell for cell in free[:_MOST_COMPARED] if is_alike(view, cell)), None)
                if cell is not None:
                    keys[cell_ref] = cell.key
                    free.remove(cell)
                    del last_views[cell_ref]
        return [
            (keys.get(view.cell.cell) if key is None and _is_foreign(view, token) else key, view)
            for key, view in pairs
            if view.cell is not None
        ]


def _is_foreign(view: ExecutionView, token: str) -> bool:
    """Whether a cell of another opening was executed; a run that is open is found by code alone."""
    return view.cell is not None and not view.is_open and not view.cell.cell.endswith(f"@{token}")


def _begins_in_line(view: ExecutionView, cell: Cell) -> bool:
    return view.cell is not None and view.cell.first_line == cell.body


def _has_similar_code(view: ExecutionView, cell: Cell) -> bool:
    return _is_similar(view.code[:_MOST_CHARACTERS], cell.source[:_MOST_CHARACTERS])


@lru_cache(maxsize=1024)
def _is_similar(code: str, source: str) -> bool:
    matcher = SequenceMatcher(None, code, source, autojunk=False)
    return matcher.quick_ratio() >= _SIMILAR and matcher.ratio() >= _SIMILAR


def cell_marks(
    views: Iterable[ExecutionView],
    cells: Sequence[Cell],
    token: str,
    now: float,
    generations: Mapping[str, int] = {},
    cleared: Mapping[str, int] = {},
) -> dict[str, CellMark]:
    """The mark of each cell that was run, by its key. `now` is in seconds since the epoch.

    `generations` are those of the session's kernels now: what an earlier process of a kernel has
    run is not what this one knows, so it has no mark.
    """
    marks: dict[str, CellMark] = {}
    for key, view in assigned(views, cells, token, cleared):
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
