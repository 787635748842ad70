"""The cells of its language above a cell: what they declare is part of one that is a program."""

from __future__ import annotations

from collections.abc import Iterable

from codeexec.documents.model import Cell
from codeexec.domain.options import CodeAbove


def cells_above(cells: Iterable[Cell], cell: Cell, document_language: str) -> tuple[CodeAbove, ...]:
    """Their code, in order. `cell` may be a part of one."""
    language = cell.language or document_language
    return tuple(
        CodeAbove(other.source, other.body, other.title)
        for other in cells
        if other.is_code and not other.is_blank and other.end <= cell.body
        if (other.language or document_language) == language
    )
