"""Targets of "go to" lists in a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codeexec.documents.model import Cell, CellKind
from codeexec.documents.outline import cell_name
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.render.kernel_words import language_title

_KINDS = {"constant": "variable"}
"""Kinds of symbols that grammars call otherwise: each assignment is a constant there."""


@dataclass(frozen=True, slots=True)
class PlaceToGo:
    """A line, from 0, by a title and quiet words on it."""

    title: str
    line: int
    detail: str = ""


def cell_places(cells: Sequence[Cell]) -> list[PlaceToGo]:
    """Each cell by its number and its title, heading or first line of code; where it has a title,
    its first line of code stands beside, and its language where it has one of its own."""
    digits = len(str(len(cells)))
    return [
        PlaceToGo(f"{cell.index + 1:>{digits}}  {cell_name(cell)}", cell.start, _detail(cell))
        for cell in cells
    ]


def symbol_places(editor: CodeEditor) -> list[PlaceToGo]:
    """Each definition, with its kind."""
    return [
        PlaceToGo(symbol.name, symbol.line, _KINDS.get(symbol.kind, symbol.kind))
        for symbol in editor.symbols()
    ]


def _detail(cell: Cell) -> str:
    if cell.kind is not CellKind.CODE:
        return cell.kind.value
    if cell.language:
        return language_title(cell.language)
    if not cell.title:
        return ""
    lines = (line.strip() for line in cell.source.split("\n"))
    return next((line for line in lines if line), "")
