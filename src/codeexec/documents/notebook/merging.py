"""Three-way merge of a notebook: what was changed here and what another program has written.

Cells are the same by id; in notebooks without ids by their place and source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from codeexec.documents.notebook.convert import Notebook, new_id
from codeexec.documents.notebook.matching import match_cells
from codeexec.documents.notebook.outputs import Json, joined
from codeexec.documents.notebook.source import edited

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Merged:
    """`notebook` has the changes of both sides. `places` has for each of its cells the index of the
    cell in `mine` (None: the cell is new in `theirs`). `clashes` are the indices of cells that both
    sides changed in different ways: the cell of `mine` stays, and with `both` the cell of `theirs`
    follows it. `taken` is the number of cells with changes from `theirs`."""

    notebook: Notebook
    places: tuple[int | None, ...]
    clashes: tuple[int, ...]
    taken: int


def merge_notebooks(base: Notebook, mine: Notebook, theirs: Notebook, *, both: bool) -> Merged:
    """Merge the changes from `base` to `mine` and those from `base` to `theirs`."""
    base_names = _names(base, base)
    sides = _Sides(
        dict(zip(base_names, base.data["cells"], strict=True)),
        dict(zip(_names(base, mine, "mine"), mine.data["cells"], strict=True)),
        dict(zip(_names(base, theirs, "theirs"), theirs.data["cells"], strict=True)),
    )
    mine_places = {name: place for place, name in enumerate(sides.mine)}
    cells: list[Json] = []
    places: list[int | None] = []
    clashes: list[int] = []
    taken = 0
    for name in _order(sides):
        cell, is_clash, is_taken = sides.merge(name)
        taken += is_taken
        if cell is None:
            continue
        if is_clash:
            clashes.append(len(cells))
        cells.append(cell)
        places.append(mine_places.get(name))
        if is_clash and both and name in sides.mine and name in sides.theirs:
            other = sides.theirs[name]
            cells.append(edited(other, {"id": new_id()}) if "id" in other else other)
            places.append(None)
    metadata = _merge_values(_metadata(base), _metadata(mine), _metadata(theirs))[0]
    data = {**theirs.data, "cells": cells}
    if metadata != _metadata(theirs):
        data["metadata"] = metadata
    return Merged(replace(theirs, data=data), tuple(places), tuple(clashes), taken)


def _metadata(notebook: Notebook) -> Json:
    return notebook.data.get("metadata") or {}


def _names(base: Notebook, side: Notebook, prefix: str = "") -> list[str]:
    """A name for each cell of a side, by which it is found in the others."""
    cells: Sequence[Json] = side.data["cells"]
    if _has_ids(base) and _has_ids(side):
        return [str(cell["id"]) for cell in cells]
    if side is base:
        return [f"#{place}" for place in range(len(cells))]
    return [
        f"{prefix}:{place}" if origin is None else f"#{origin}"
        for place, origin in enumerate(match_cells(base.data["cells"], cells))
    ]


def _has_ids(notebook: Notebook) -> bool:
    """Whether the cells have ids, each another; a notebook without cells has them too."""
    ids = [cell.get("id") for cell in notebook.data["cells"]]
    return all(ids) and len(set(map(str, ids))) == len(ids)


def _order(sides: _Sides) -> list[str]:
    """The names of all cells in the order of `theirs`, or of `mine` if cells were moved there."""
    common = [name for name in sides.base if name in sides.mine]
    is_moved = [name for name in sides.mine if name in sides.base] != common
    first, second = (sides.mine, sides.theirs) if is_moved else (sides.theirs, sides.mine)
    order = list(first)
    for at, name in enumerate(names := list(second)):
        if name in first:
            continue
        before = next((other for other in reversed(names[:at]) if other in order), None)
        order.insert(order.index(before) + 1 if before is not None else 0, name)
    return order


@dataclass(frozen=True, slots=True)
class _Sides:
    """The cells of the three notebooks by name."""

    base: Mapping[str, Json]
    mine: Mapping[str, Json]
    theirs: Mapping[str, Json]

    def merge(self, name: str) -> tuple[Json | None, bool, bool]:
        """The merged cell (None: it is deleted), whether it is a clash, and whether something of
        theirs was taken over."""
        base, mine, theirs = self.base.get(name), self.mine.get(name), self.theirs.get(name)
        if mine is None or theirs is None:
            return self._deleted_or_new(base, mine, theirs)
        if mine is base or mine == theirs:
            return theirs, False, theirs != base
        merged, clashing = _merge_values(base or {}, mine, theirs)
        if not clashing and merged == mine:
            return mine, False, False
        changed = {key: value for key, value in merged.items() if value is not theirs.get(key)}
        gone = [key for key in theirs if key not in merged]
        return edited(theirs, changed, gone), clashing, merged != mine

    @staticmethod
    def _deleted_or_new(
        base: Json | None, mine: Json | None, theirs: Json | None
    ) -> tuple[Json | None, bool, bool]:
        if base is None:
            return mine or theirs, False, mine is None
        if mine is None and theirs is None:
            return None, False, False
        if mine is None:
            # Deleted here: it stays if they have changed it.
            return (None, False, False) if theirs == base else (theirs, True, True)
        return (None, False, True) if mine == base else (mine, True, False)


def _merge_values(base: Json, mine: Json, theirs: Json) -> tuple[Json, bool]:
    """An object with the changes of both sides, and whether they clash; then mine counts. Outputs
    that differ are no clash: the next run replaces them."""
    merged: Json = {}
    clashing = False
    for key in dict.fromkeys((*theirs, *mine)):
        was, own, other = (side.get(key, _MISSING) for side in (base, mine, theirs))
        if _same(key, own, was):
            value = other
        elif _same(key, other, was) or _same(key, own, other):
            value = own
        else:
            value = own
            clashing = clashing or key not in ("outputs", "execution_count", "id")
        if value is not _MISSING:
            merged[key] = value
    return merged, clashing


def _same(key: str, one: Any, other: Any) -> bool:
    if key == "source" and one is not _MISSING and other is not _MISSING:
        return joined(one) == joined(other)
    return one is other or bool(one == other)
