"""The JSON of a notebook as its file has it: outputs stay bytes until they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from codeexec.documents.files import PageRelease
from codeexec.documents.notebook.large_json import LARGE, split_in_parts
from codeexec.documents.notebook.outputs import Json, joined
from codeexec.documents.notebook.raw_json import (
    Piece,
    SplitJson,
    count_items,
    parsed,
    parsed_members,
    split_list,
    split_object,
)

_EMPTY = re.compile(rb"\s*\[\s*\]\s*")


class NotebookOutputs(Sequence[Json]):
    """Outputs of a cell in the file, at least one: parsed each time they are read."""

    __slots__ = ("piece",)

    def __init__(self, piece: Piece) -> None:
        self.piece = piece

    def pieces(self) -> Sequence[Piece]:
        """The JSON of each output."""
        return split_list(self.piece).values

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.pieces())

    def __iter__(self) -> Iterator[Json]:
        return map(parsed, self.pieces())

    @overload
    def __getitem__(self, index: int) -> Json: ...
    @overload
    def __getitem__(self, index: slice) -> list[Json]: ...
    def __getitem__(self, index: int | slice) -> Json | list[Json]:
        pieces = self.pieces()
        if isinstance(index, slice):
            return [parsed(piece) for piece in pieces[index]]
        value: Json = parsed(pieces[index])
        return value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NotebookOutputs) and self.piece == other.piece:
            return True
        if isinstance(other, NotebookOutputs | list | tuple):
            return list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"NotebookOutputs({bytes(self.piece[:80])!r})"


class RawCell(dict[str, Any]):
    """A cell of a file. `piece` is its JSON; the values must not be changed in place."""

    __slots__ = ("piece",)

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        super().__init__(parsed_members(piece, but="outputs"))
        outputs = self.get("outputs")
        if outputs is not None:
            is_list = outputs[:1] == b"[" and _EMPTY.fullmatch(outputs) is None
            self["outputs"] = NotebookOutputs(outputs) if is_list else parsed(outputs)


class EditedCell(dict[str, Any]):
    """A cell of which some values are others than in the file; `base` is the cell of the file."""

    __slots__ = ("base",)

    def __init__(self, base: RawCell, values: Mapping[str, Any]) -> None:
        self.base = base
        super().__init__(values)


def edited(cell: Json, values: Mapping[str, Any], without: Sequence[str] = ()) -> Json:
    """A copy of a cell with other values; what stays the same is written as the file has it."""
    changed = {name: value for name, value in cell.items() if name not in without} | dict(values)
    base = cell.base if isinstance(cell, EditedCell) else cell
    if not isinstance(base, RawCell):
        return changed
    if "source" in values and joined(base.get("source")) == joined(values["source"]):
        changed["source"] = base.get("source")  # it is what it was before an earlier edit
    return EditedCell(base, changed)


MOST_CELLS = 100_000
"""Cells that an editor can work with."""


class TooManyCells(ValueError):
    """A notebook has more than MOST_CELLS cells; it is not parsed."""

    def __init__(self, count: int) -> None:
        super().__init__(f"it has {count:,} cells, and {MOST_CELLS:,} can be edited")


class NotebookSource:
    """The JSON of a whole notebook: `piece`, parted into its members and its cells.

    `data` is the notebook as it is in the file. Raises ValueError (JSONDecodeError) if the text is
    no JSON; `data` is empty if it is no object.
    """

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.data: Json = {}
        if isinstance(piece, memoryview) and len(piece) >= LARGE and self._take_parts(piece):
            return
        self.members: SplitJson = split_object(piece)
        self.cells = SplitJson((), (), (), (), b"")
        if list(self.members.names).count("cells") > 1:
            raise ValueError("it has several lists of cells")  # a save would keep one of them
        for name, value in zip(self.members.names, self.members.values, strict=True):
            if name == "cells" and value[:1] == b"[":
                if len(value) > MOST_CELLS and (count := count_items(value)) > MOST_CELLS:
                    raise TooManyCells(count)
                self.cells = split_list(value)
                self.data[name] = [_cell(cell) for cell in self.cells.values]
            else:
                self.data[name] = parsed(value)

    def _take_parts(self, piece: memoryview) -> bool:
        """Read cell by cell, and give pages back after each stretch; whether that was possible."""
        release = PageRelease(piece)
        parts = split_in_parts(piece, release.note, MOST_CELLS)
        if parts is None:
            return False
        members, cells = parts
        read: list[Any] = []
        try:
            for value in cells.values:
                read.append(_cell(value))
                release.note(len(value))
            data = {
                name: read if name == "cells" else parsed(value)
                for name, value in zip(members.names, members.values, strict=True)
            }
        except ValueError:
            return False  # the parser of the whole names the place of the error
        self.members, self.cells, self.data = members, cells, data
        return True


def _cell(piece: Piece) -> Any:
    return RawCell(piece) if piece[:1] == b"{" else parsed(piece)
