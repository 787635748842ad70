"""Documents and cells as frozen values: text, file and the lines of each cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from codeexec.domain.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from codeexec.documents.files import FileText
    from codeexec.documents.notebook.convert import Notebook


class CellKind(StrEnum):
    """Kind of a cell; the values are those of `cell_type` in nbformat."""

    CODE = "code"
    MARKDOWN = "markdown"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a text.

    `start` is its first line (the separator, if it has one), `body` the first line of its
    source, `end` the line after its last; all count from 0. `source` is the text to run:
    without the separator and the blank lines at its end, and without comment markers for
    Markdown. `key` identifies the cell as long as it exists in an editor or notebook.
    `language` is its name in the catalog, or the word of the document where the catalog has none;
    empty: that of the document. `is_alone`: only a run of this cell runs it, no run of several.
    """

    index: int
    kind: CellKind
    title: str
    start: int
    body: int
    end: int
    source: str
    key: str = ""
    language: str = ""
    is_alone: bool = False

    @property
    def is_code(self) -> bool:
        return self.kind is CellKind.CODE

    @property
    def is_own_code(self) -> bool:
        """Whether it has code in the language of the document."""
        return self.is_code and not (self.is_blank or self.language)

    @property
    def is_blank(self) -> bool:
        return not self.source.strip()


@dataclass(frozen=True)
class Document:
    """A file as opened: its text with `\\n` between lines, its cells, and how to write it back.

    `file` keeps the encoding, newline and mode on disk; `notebook` is set when the text is
    a view of an `.ipynb`. `marker` is the comment marker that opens a separator line.
    """

    file: FileText
    text: str
    marker: str
    notebook: Notebook | None = field(default=None)

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def newline(self) -> str:
        return self.file.newline

    @property
    def encoding(self) -> str:
        return self.file.encoding

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells, computed at first use; an editor has its own index and does not use them."""
        from codeexec.documents.percent.cells import split_cells  # the format with cells

        return split_cells(self.text, self.marker, escaped=self.notebook is not None)

    @cached_property
    def line_count(self) -> int:
        """The number of lines; an empty text has one."""
        return self.text.count("\n") + 1

    def cell(self, key: int | str) -> Cell:
        """The cell with this index (negative counts from the end), title or key.

        Raises NotFound when there is none.
        """
        if isinstance(key, int):
            if -len(self.cells) <= key < len(self.cells):
                return self.cells[key]
            raise NotFound(
                f"{self.path.name} has {len(self.cells)} cells, not a cell {key}.",
                "Count cells from 0.",
            )
        for cell in self.cells:
            if key in (cell.title, cell.key):
                return cell
        titles = ", ".join(repr(cell.title) for cell in self.cells if cell.title)
        raise NotFound(
            f"{self.path.name} has no cell {key!r}.",
            f"Its titles are {titles}." if titles else "None of its cells has a title.",
        )
