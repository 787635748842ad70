"""Makes one program of a cell of C++ and the cells above it.

Declarations of all cells stand first, in the order of the document. The statements of the cell are
`main`, in which the variables of the cells above that it uses are made anew before.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from codeexec.domain.errors import Unavailable
from codeexec.domain.options import CodeAbove
from codeexec.languages.cells.pieces import CellPiece, SplitCell, split

_MAIN = re.compile(r"\bmain\s*\(")
_SYSTEM = " 3"
"""Marks lines of cells above as those of a system header, whose warnings nobody wants again."""


class CellLines(NamedTuple):
    """The text of all cells, each at its lines of the document where they do not overlap: error
    messages name its lines, and compilers show these. `starts` has the first line of each cell."""

    text: str
    starts: tuple[int, ...]
    sizes: tuple[int, ...]

    def cell_at(self, line: int) -> int:
        """The number of the cell that has a line (from 0), the last that begins before it."""
        return max((at for at, start in enumerate(self.starts) if start <= line), default=0)


class CellProgram(NamedTuple):
    """`renewed` are the variables of cells above that the cell makes anew; `remarks` say what of
    the cells above is left out, or would be another's: they explain a build that has failed."""

    text: str
    renewed: tuple[str, ...]
    remarks: tuple[str, ...]


class _Place(NamedTuple):
    """A piece of a cell, by the number of the cell, and its number among all pieces. The last cell
    is the one that runs."""

    at: int
    cell: int
    piece: CellPiece


class _UnitVariables:
    """The variables of all pieces by their names."""

    def __init__(self, places: Iterable[_Place]) -> None:
        self._by_name: dict[str, list[_Place]] = {}
        for place in places:
            for name in place.piece.defines:
                self._by_name.setdefault(name, []).append(place)

    def used_by(self, user: _Place) -> Iterator[_Place]:
        """Of each name the last definition before the piece that uses it."""
        for name in user.piece.uses:
            before = [place for place in self._by_name.get(name, ()) if place.at < user.at]
            if before:
                yield before[-1]


def lay_out(cells: Sequence[CodeAbove]) -> CellLines:
    lines: list[str] = []
    starts: list[int] = []
    sizes: list[int] = []
    for cell in cells:
        own = cell.code.split("\n")
        lines += [""] * (cell.first_line - len(lines))
        starts.append(len(lines))
        sizes.append(len(own))
        lines += own
    return CellLines("\n".join(lines) + "\n", tuple(starts), tuple(sizes))


def is_whole_program(code: str) -> bool:
    """Whether a cell has a `main` of its own: then it is compiled as it is, with nothing of other
    cells. Unavailable where cells cannot be split, and this one names no `main`."""
    if not _MAIN.search(code):
        return False
    try:
        return split(code).has_main
    except Unavailable:
        return True


def compose(
    above: Sequence[CodeAbove],
    cell: CodeAbove,
    layout: CellLines,
    path: str,
    preamble: str = "",
) -> CellProgram:
    """The program of `cell`; `layout` is that of all cells, kept in the file `path`.
    `preamble` stands first."""
    cells = [*above, cell]
    splits = [split(each.code) for each in cells]
    own = len(cells) - 1
    given = [at for at in range(own) if not splits[at].has_main]
    pieces = [(at, piece) for at in [*given, own] for piece in splits[at].pieces]
    places = [_Place(number, at, piece) for number, (at, piece) in enumerate(pieces)]
    kept = [place for place in places if place.cell == own or _is_carried(place.piece)]
    outside = _outside(kept)
    renewed = _renewed(kept, outside, own)
    writer = _Writer(splits, layout, path, own)
    for at in [*given, own]:
        writer.write(at, [p.piece for p in kept if p.cell == at and p.at in outside])
    writer.line("int main(int argc, char** argv) {")
    writer.line("(void)argc; (void)argv;")
    depth = 1
    for at in given:
        if variables := [p.piece for p in kept if p.cell == at and p.at in renewed]:
            writer.write(at, variables)
            writer.line("{")
            depth += 1
    writer.write(own, [p.piece for p in kept if p.cell == own and p.at not in outside])
    writer.end_at(own)
    writer.line("}" * depth)
    again = renewed | outside
    names = dict.fromkeys(
        name
        for place in kept
        if place.cell != own and place.at in again
        for name in sorted(place.piece.defines)
    )
    remarks = [*_left_out(places, cells, own), *_out_of_reach(kept, cells, splits, own)]
    return CellProgram(preamble + writer.text, tuple(names), tuple(remarks))


def _is_carried(piece: CellPiece) -> bool:
    return not piece.is_broken and piece.role != "statement"


def _outside(places: Sequence[_Place]) -> set[int]:
    """The numbers of the pieces that stand outside of main: declarations, variables that these
    use, and arrays, whose size may be too much for the stack."""
    variables = _UnitVariables(places)
    outside = {place.at for place in places if place.piece.role == "declaration"}
    users = [place for place in places if place.at in outside]
    arrays: set[str] = set()
    for place in places:
        piece = place.piece
        # Its size and its values must not depend on a variable that is changed.
        is_fixed = all(used.piece.is_constant for used in variables.used_by(place))
        if piece.is_array and not piece.is_late and is_fixed and not piece.defines & arrays:
            arrays |= piece.defines
            outside.add(place.at)
            users.append(place)
    while users:
        for used in variables.used_by(users.pop()):
            if used.at not in outside:
                outside.add(used.at)
                users.append(used)
    return outside


def _renewed(places: Sequence[_Place], outside: set[int], own: int) -> set[int]:
    """The numbers of the variables of cells above that have to be made anew in main. A late one
    depends on the statements of its cell, and is none of them."""
    reachable = [p for p in places if p.cell == own or not p.piece.is_late]
    variables = _UnitVariables(reachable)
    renewed: set[int] = set()
    users = [p for p in reachable if p.cell == own]
    # What a macro names is used where the macro is: take it for used by the cell.
    macros = [p._replace(at=sys.maxsize) for p in reachable if p.piece.is_macro]
    users += macros
    while users:
        for used in variables.used_by(users.pop()):
            if used.cell != own and used.at not in renewed and used.at not in outside:
                renewed.add(used.at)
                users.append(used)
    return renewed


def _left_out(places: Sequence[_Place], cells: Sequence[CodeAbove], own: int) -> list[str]:
    """What of the cells above has a syntax error."""
    remarks = []
    for _, cell, piece in places:
        if cell != own and piece.is_broken:
            line = cells[cell].first_line + piece.line + 1
            where = _name_of(cells[cell])
            remarks.append(f"Left out of {where}: what begins on line {line} has a syntax error.")
    return remarks


def _out_of_reach(
    kept: Sequence[_Place], cells: Sequence[CodeAbove], splits: Sequence[SplitCell], own: int
) -> list[str]:
    """Names that the cell uses and that a cell above defines where no other cell can have them."""
    used = frozenset().union(*(p.piece.uses for p in kept if p.cell == own))
    defined = frozenset().union(
        *(p.piece.defines for p in kept if p.cell == own or not p.piece.is_late)
    )
    remarks = []
    for cell in range(own):
        for piece in splits[cell].pieces:
            where = _name_of(cells[cell])
            if names := sorted(piece.defines & (used - defined)) if piece.is_late else []:
                remarks.append(
                    f"{', '.join(names)}: declared in {where} after its first statement, so other "
                    "cells do not have it. Declare it before the first statement there, or here."
                )
        if splits[cell].has_main:
            remarks.append(
                f"{_name_of(cells[cell])[0].upper()}{_name_of(cells[cell])[1:]} has a main of its "
                "own: a whole program, whose declarations other cells do not have."
            )
    return remarks


def _name_of(cell: CodeAbove) -> str:
    title = f" ({cell.title})" if cell.title else ""
    return f"the cell of line {cell.first_line + 1}{title}"


class _Writer:
    """Writes pieces with the lines that they have in the layout."""

    def __init__(self, splits: Sequence[SplitCell], layout: CellLines, path: str, own: int) -> None:
        self._splits = splits
        self._layout = layout
        self._path = path.replace("\\", "\\\\").replace('"', '\\"')
        self._own = own
        self._parts: list[bytes] = []

    @property
    def text(self) -> str:
        return b"".join(self._parts).decode("utf-8", "replace")

    def line(self, text: str) -> None:
        self._parts.append(text.encode() + b"\n")

    def write(self, cell: int, pieces: Sequence[CellPiece]) -> None:
        """Neighbouring pieces of a cell are written with what is between them."""
        split_cell = self._splits[cell]
        places = {piece: at for at, piece in enumerate(split_cell.pieces)}
        start = 0
        for at, piece in enumerate(pieces):
            following = pieces[at + 1] if at + 1 < len(pieces) else None
            if following is None or places[following] != places[piece] + 1:
                self._write_run(cell, pieces[start], piece)
                start = at + 1

    def _write_run(self, cell: int, first: CellPiece, last: CellPiece) -> None:
        self._mark(cell, self._layout.starts[cell] + first.line)
        text = self._splits[cell].source[first.start : last.end]
        self._parts += [b" " * first.column, text, b"\n"]
        if text.rstrip(b" \t\r\n").endswith(b"\\"):
            self._parts.append(b"\n")  # it would go on in our next line

    def end_at(self, cell: int) -> None:
        """What follows is told as of the last line of the cell."""
        self._mark(cell, self._layout.starts[cell] + self._layout.sizes[cell] - 1)

    def _mark(self, cell: int, line: int) -> None:
        flags = "" if cell == self._own else _SYSTEM
        self.line(f'# {line + 1} "{self._path}"{flags}')
