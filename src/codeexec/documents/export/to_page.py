"""A document as the page for browsers shows it: its prose, and its cells with their runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from codeexec.documents.displays.page_pictures import PagePictures
from codeexec.documents.model import Cell, CellKind
from codeexec.domain.requests import LessonPart, PageLesson


def page_document(
    cells: Sequence[Cell],
    document: str,
    title: str,
    folder: Path | None,
    name_of: Callable[[Cell], str] = lambda cell: f"cell {cell.index}",
    attachments_of: Callable[[Cell], Mapping[str, Any]] = lambda cell: {},
) -> PageLesson:
    """Cells of a document, as executions name it. `name_of` gives the name that runs of a cell
    have, `attachments_of` the attachments of a Markdown cell as nbformat has them. `folder` is
    where its pictures are; they are read."""
    pictures = PagePictures(folder)
    parts = []
    for cell in cells:
        if cell.is_blank:
            continue
        if cell.is_code:
            parts.append(LessonPart(cell.source, name_of(cell), cell.title))
        elif cell.kind is CellKind.MARKDOWN:
            parts.append(
                LessonPart(cell.source, pictures=pictures.of(cell.source, attachments_of(cell)))
            )
    return PageLesson(title, document, tuple(parts), is_document=True)
