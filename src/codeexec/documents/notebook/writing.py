"""Writes the JSON of a notebook: what is unchanged byte for byte, the rest in the same layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codeexec.documents.files import PageRelease
from codeexec.documents.notebook.raw_json import Piece, SplitJson, split_object
from codeexec.documents.notebook.source import EditedCell, NotebookOutputs, RawCell

if TYPE_CHECKING:
    from codeexec.documents.notebook.convert import Notebook
    from codeexec.documents.notebook.outputs import Json

_DEFAULT_INDENT = 1
_HEAD = 65_536
"""Bytes at the start of a file that show its layout."""
_STRETCH = 1 << 20
"""Bytes that are searched at a time."""


def _is_escaped(piece: Piece) -> bool:
    """Whether all characters that are not ASCII are written as escapes, of which it has some."""
    release, has_escapes = PageRelease(piece), False
    for start in range(0, len(piece), _STRETCH):
        stretch = bytes(piece[start : start + _STRETCH + 1])
        if not stretch.isascii():
            return False
        has_escapes = has_escapes or b"\\u" in stretch
        release.note(len(stretch))
    return has_escapes


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of the JSON of a file: `indent` per level (None: one line), separators, whether it
    is ASCII only, the end of the file, and its newline."""

    indent: str | None = " " * _DEFAULT_INDENT
    separators: tuple[str, str] = (",", ": ")
    ascii: bool = False
    end: str = "\n"
    newline: str = "\n"

    @classmethod
    def of(cls, piece: Piece) -> Layout:
        """Detect the layout of a file's text."""
        head = bytes(piece[:_HEAD]).decode("utf-8", "replace")
        tail = bytes(piece[-_HEAD:]).decode("utf-8", "replace")
        end = tail[len(tail.rstrip()) :]
        newline = "\r\n" if "\r\n" in head else "\n"
        ascii_only = _is_escaped(piece)
        inner = re.match(r"\s*[{\[]\r?\n([ \t]*)", head)
        if inner is not None:
            return cls(inner[1], (",", ": "), ascii_only, end, newline)
        separators = (
            ", " if '", "' in head[:2000] or "}, " in head[:2000] else ",",
            ": " if '": ' in head[:2000] else ":",
        )
        return cls(None, separators, ascii_only, end, newline)

    def dump(self, value: object, depth: int = 0) -> bytes:
        """The JSON of a value at this depth of the file."""
        text = self._dump(value, ensure_ascii=self.ascii)
        try:
            data = text.encode()
        except UnicodeEncodeError:
            # A lone surrogate in an output can be written only as an escape.
            data = self._dump(value, ensure_ascii=True).encode()
        line_start = (self.newline + (self.indent or "") * depth).encode()
        return data if line_start == b"\n" else data.replace(b"\n", line_start)

    def _dump(self, value: object, *, ensure_ascii: bool) -> str:
        return json.dumps(
            value,
            ensure_ascii=ensure_ascii,
            indent=self.indent,
            separators=self.separators,
            default=_plain,
        )

    def gap(self, depth: int, *, first: bool) -> bytes:
        """What is before a value of an object or list whose values have this depth, without its
        bracket."""
        if self.indent is None:
            return b"" if first else self.separators[0].encode()
        comma = "" if first else self.separators[0].rstrip()
        return f"{comma}{self.newline}{self.indent * depth}".encode()

    def end_of(self, depth: int) -> bytes:
        """What is between the last value and the closing bracket."""
        return b"" if self.indent is None else self.gap(depth - 1, first=True)


def _plain(value: object) -> object:
    if isinstance(value, NotebookOutputs):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def notebook_pieces(notebook: Notebook) -> Iterator[Piece]:
    """The JSON of the notebook in UTF-8, in parts."""
    source, data, layout = notebook.source, notebook.data, notebook.layout
    if source is not None and data is source.data:
        yield source.piece
        return
    if source is None:
        source_members, source_data = None, {}
    else:
        source_members, source_data = source.members, source.data
    yield from _object(
        data, source_members, source_data, layout, 1, lambda cells: _cells(cells, notebook)
    )
    if source_members is None:
        yield layout.end.replace("\n", layout.newline).encode()


def _cells(cells: Any, notebook: Notebook) -> Iterator[Piece]:
    """The list of cells: unchanged ones as the file has them."""
    layout, source = notebook.layout, notebook.source
    split = source.cells if source is not None else None
    if not cells:
        yield b"[]"
        return
    same_places = split is not None and len(split.values) == len(cells)
    for place, cell in enumerate(cells):
        if split is not None and same_places:
            yield split.gaps[place]
        elif split is not None and len(split.gaps) > min(place, 1):
            yield split.gaps[min(place, 1)]
        else:
            bracket = b"" if place else b"["
            yield bracket + layout.gap(2, first=not place)
        yield from cell_pieces(cell, layout, 2)
    yield split.end if split is not None and split.values else layout.end_of(2) + b"]"


def cell_pieces(cell: Any, layout: Layout, depth: int) -> Iterator[Piece]:
    """The JSON of a cell."""
    if isinstance(cell, RawCell):
        yield cell.piece
    elif isinstance(cell, EditedCell):
        yield from _object(cell, split_object(cell.base.piece), cell.base, layout, depth + 1)
    elif isinstance(cell, dict):
        yield from _object(cell, None, {}, layout, depth + 1)
    else:
        yield layout.dump(cell, depth)


def _object(
    now: Mapping[str, Any],
    split: SplitJson | None,
    was: Json,
    layout: Layout,
    depth: int,
    write_cells: Any = None,
) -> Iterator[Piece]:
    """An object whose values have this depth; a value that is the same object as in `was` is
    written as in `split`."""
    if not now:
        yield b"{}"
        return
    old = {name: place for place, name in enumerate(split.names)} if split is not None else {}
    same_places = split is not None and list(now) == list(split.names)
    for place, (name, value) in enumerate(now.items()):
        if split is not None and same_places:
            yield split.gaps[place]
        elif split is not None and len(split.gaps) > min(place, 1):
            yield split.gaps[min(place, 1)]
        else:
            yield (b"" if place else b"{") + layout.gap(depth, first=not place)
        if split is not None and name in old:
            yield split.keys[old[name]]
            if value is was.get(name):
                yield split.values[old[name]]
                continue
        else:
            yield layout.dump(name) + layout.separators[1].encode()
        if write_cells is not None and name == "cells":
            yield from write_cells(value)
        elif isinstance(value, NotebookOutputs):
            yield value.piece
        else:
            yield layout.dump(value, depth)
    yield split.end if split is not None and split.values else layout.end_of(depth) + b"}"
