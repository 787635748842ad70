"""Where the blocks of the cells of a page stand: below code, in place of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codeexec.documents.model import Cell, CellKind
from codeexec.tui.panes.editor.text.blocks import Block
from codeexec.tui.panes.editor.text.model import EditorModel

_FEW = 8
"""Cells that are looked up one by one."""


def places_of(model: EditorModel, cell_keys: Sequence[str]) -> Mapping[str, int | None]:
    """The index of each of these cells; of cells that are gone none."""
    if len(cell_keys) <= _FEW:
        return {key: model.cells.index_of(key) for key in cell_keys}
    return {key: index for index, key in enumerate(model.cells.keys)}


def last_line(model: EditorModel, index: int) -> int:
    """The last line of a cell that is not blank; of a blank cell its first."""
    start, end = model.cells.span(index)
    line = end - 1
    while line > start and not model.lines[line].strip():
        line -= 1
    return line


def fold_key(cell_key: str) -> str:
    """Key of the block in place of the section of a heading."""
    return f"fold {cell_key}"


def output_block(model: EditorModel, index: int, height: int) -> Block:
    """The block below the code of a cell."""
    return Block(output_key(model.cells.key(index)), last_line(model, index), height)


def text_block(model: EditorModel, index: int, height: int) -> Block:
    """The block in place of a Markdown cell, its separator too; blank lines after it are shown."""
    start, _ = model.cells.span(index)
    line = last_line(model, index)
    return Block(text_key(model.cells.key(index)), line, height, line + 1 - start)


def output_key(cell_key: str) -> str:
    return f"output {cell_key}"


def text_key(cell_key: str) -> str:
    return f"text {cell_key}"


def cell_key_of(block_key: str) -> tuple[str, str]:
    """`output`, `text` or `fold`, and the key of the cell."""
    kind, _, cell_key = block_key.partition(" ")
    return kind, cell_key


def is_markdown(model: EditorModel, index: int) -> bool:
    """Whether a cell is Markdown."""
    return model.cells.kind(index) is CellKind.MARKDOWN


def by_distance(cells: Sequence[Cell], line: int) -> list[Cell]:
    """Cells in the order in which they are to be read, those around `line` first."""
    return sorted(cells, key=lambda cell: abs(cell.start - line))
