"""Which cells of an edited notebook are which cells of the notebook before, by kind and source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from codeexec.documents.model import CellKind
from codeexec.documents.notebook.outputs import Json, joined

ELSEWHERE = -1
"""The origin of a cell that continues none of the notebook."""
Content = tuple[CellKind, str]


def match(was: list[Content], now: list[Content], named: Sequence[int | None]) -> list[int | None]:
    """For each cell of `now` its index in `was`; `named` are indices known from the editor,
    `ELSEWHERE` for a cell that has none.

    Cells that exchanged their sources exchange their places, too. A cell that was deleted leaves
    its place to no cell that has one of its own.
    """
    places: list[int | None] = [None] * len(now)
    unused = set(range(len(was)))
    all_named = set(named)

    def take(target: int, place: int | None) -> None:
        if place is not None and place in unused and is_open(target):
            places[target] = place
            unused.discard(place)

    def is_open(target: int) -> bool:
        return places[target] is None and named[target] != ELSEWHERE

    def may_have(target: int, place: int) -> bool:
        return is_open(target) and (named[target] is None or place in all_named)

    for target, place in enumerate(named):
        if place is not None and place < len(was) and was[place] == now[target]:
            take(target, place)
    blocks = SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
    for tag, first, last, start, end in blocks:
        if tag == "equal":
            for place, target in zip(range(first, last), range(start, end), strict=True):
                if may_have(target, place):
                    take(target, place)
    # Moved cells first, then cells edited in place.
    free: dict[Content, list[int]] = {}
    for place in sorted(unused, reverse=True):
        free.setdefault(was[place], []).append(place)
    for target, content in enumerate(now):
        if (same := free.get(content)) and may_have(target, same[-1]):
            take(target, same.pop())
    for target, place in enumerate(named):
        if place is not None and place < len(was):
            take(target, place)  # also as another kind of cell
    if not any(place is not None for place in named):
        for tag, first, last, start, end in blocks:
            if tag == "replace":
                for place, target in zip(range(first, last), range(start, end), strict=False):
                    if now[target][0] == was[place][0]:
                        take(target, place)
    return places


def contents(cells: Iterable[Json]) -> list[Content]:
    """Kind and source of cells."""
    return [(kind_of(cell), joined(cell.get("source"))) for cell in cells]


def kind_of(cell: Json) -> CellKind:
    """The kind of a cell; an unknown one is raw text."""
    cell_type = cell.get("cell_type")
    try:
        return CellKind(str(cell_type))
    except ValueError:
        return CellKind.RAW


def match_cells(base: Sequence[Json], now: Sequence[Json]) -> list[int | None]:
    """For each cell of `now` the index of the cell of `base` that it continues, by source."""
    return match(contents(base), contents(now), [None] * len(now))
