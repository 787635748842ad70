"""The JSON of all cells that a notebook has had since it was opened, by the keys of the cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from codeexec.documents.model import CellKind
from codeexec.documents.notebook.source import edited

if TYPE_CHECKING:
    from codeexec.documents.cell_blocks import Derived
    from codeexec.documents.notebook.outputs import Json


class CellBank:
    """A deleted cell that undo brings back finds its id, metadata, attachments and outputs here,
    also after a save; so does one whose kind was changed, as each kind is kept."""

    def __init__(self) -> None:
        self._cells: dict[str, dict[str, Json]] = {}
        """By key, then by `cell_type`; the one of the last save is the last."""

    def store(self, keys: Iterable[str], cells: Iterable[Json]) -> None:
        for key, cell in zip(keys, cells, strict=False):
            kinds = self._cells.setdefault(key, {})
            kind = str(cell.get("cell_type"))
            kinds.pop(kind, None)
            kinds[kind] = cell

    def find(self, key: str, kind: CellKind) -> Json | None:
        """The JSON of a cell, as this kind if it ever was; None for a new cell."""
        kinds = self._cells.get(key)
        if not kinds:
            return None
        return kinds.get(str(kind)) or next(reversed(kinds.values()))

    def derive(self, derived: Derived) -> None:
        """Make the JSON of a new cell from that of others."""
        found = [self._last(key) for key in derived.sources]
        sources = [cell for cell in found if cell is not None]
        base = derived.raw if derived.raw is not None else next(iter(sources), None)
        if base is None:
            return
        values: Json = {}
        without = () if derived.keeps_id else ("id",)
        if base.get("cell_type") == "code" and not derived.keeps_outputs:
            values = {"execution_count": None, "outputs": []}
        attachments: Json = {}
        for cell in reversed(sources):
            own = cell.get("attachments")
            attachments |= own if isinstance(own, dict) else {}
        if len(sources) > 1 and attachments and base.get("cell_type") != "code":
            values["attachments"] = attachments
        self.store([derived.key], [edited(base, values, without)])

    def _last(self, key: str) -> Json | None:
        kinds = self._cells.get(key)
        return next(reversed(kinds.values())) if kinds else None
