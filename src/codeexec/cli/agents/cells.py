"""Cells of a document for agents: by id, with a hash of their text; reads and edits the file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from codeexec.documents.fenced.cells import FencedCells
from codeexec.documents.formats import open_document, save_document
from codeexec.documents.model import Cell, CellKind, Document
from codeexec.documents.percent.separators import comment, escape
from codeexec.domain.errors import Conflict, Denied, NotFound, UsageError
from codeexec.languages.catalog import by_file, running_language


@dataclass(frozen=True, slots=True)
class NamedCell:
    """A cell with its id: that of the notebook, or its place in a script (`c0`, `c1` …)."""

    id: str
    cell: Cell

    @property
    def hash(self) -> str:
        return hash_of(self.cell.source)


def hash_of(source: str) -> str:
    return hashlib.blake2s(source.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()


@dataclass(frozen=True, slots=True)
class AgentDocument:
    """A file of the session's folder, opened; `language` is that of its code."""

    document: Document
    cells: tuple[NamedCell, ...]
    language: str
    is_fenced: bool = False

    @property
    def path(self) -> Path:
        return self.document.path

    def cell(self, cell_id: str) -> NamedCell:
        """NotFound, with the ids that there are."""
        named = next((named for named in self.cells if named.id == cell_id), None)
        if named is None:
            ids = ", ".join(named.id for named in self.cells[:50])
            raise NotFound(f"{self.path.name} has no cell {cell_id}.", f"Its cells: {ids}.")
        return named


def open_in(folder: Path, name: str) -> AgentDocument:
    """Open a file below the folder. Denied outside of it; NotFound, DocumentError."""
    if "\0" in name:
        raise UsageError(f"{name!r} is no name of a file.", "Check the name.")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Denied(f"{name} is not in the session's folder.", f"Name a file below {folder}.")
    language = by_file(path.name)
    document = open_document(path, (language.comment if language is not None else "") or "#")
    if document.notebook is not None:
        return _notebook(document)
    first_line = document.text.partition("\n")[0]
    language = by_file(path.name, first_line) or language
    if language is not None and language.name == "markdown":
        lines = document.text.split("\n")
        index = FencedCells(lines, running_language)
        cells = index.cells(lines)
        names = [index.language_at(cell.body) for cell in cells if cell.is_code]
        code = names[0] if names else ""
        return AgentDocument(document, _named(cells), code, is_fenced=True)
    return AgentDocument(document, _named(document.cells), language.name if language else "")


def _notebook(document: Document) -> AgentDocument:
    assert document.notebook is not None
    raw = document.notebook.data["cells"]
    named = tuple(
        NamedCell(str(raw[cell.index].get("id") or f"c{cell.index}"), cell)
        for cell in document.cells
    )
    return AgentDocument(document, named, document.notebook.language or "python")


def _named(cells: tuple[Cell, ...]) -> tuple[NamedCell, ...]:
    return tuple(NamedCell(f"c{cell.index}", cell) for cell in cells)


def edit(opened: AgentDocument, cell_id: str, read_hash: str, source: str) -> NamedCell:
    """Write a new source of a cell to the file. Conflict with the cell's present text when it is
    not the one that was read; StorageError."""
    named = opened.cell(cell_id)
    if read_hash != named.hash:
        raise Conflict(
            f"Cell {cell_id} has changed since it was read: its hash is {named.hash} now. "
            f"Its text is:\n{named.cell.source}",
            "Edit this text, and give this hash.",
        )
    if opened.document.file.read_only:
        raise UsageError(f"{opened.path.name} is read-only: {opened.document.file.read_only}.")
    text = _with_source(opened, named.cell, source)
    save_document(opened.document, text)
    written = open_in(opened.path.parent, opened.path.name)
    return next((each for each in written.cells if each.id == cell_id), named)


def _with_source(opened: AgentDocument, cell: Cell, source: str) -> str:
    """The text of the document with another source of this cell."""
    marker = opened.document.marker
    lines = opened.document.text.split("\n")
    source = source.rstrip("\n")
    if cell.kind is not CellKind.CODE and not opened.is_fenced:
        source = comment(source, marker)
    new = source.split("\n") if source else []
    if opened.document.notebook is not None:
        new = [escape(line, marker) for line in new]
    end = cell.body + (cell.source.count("\n") + 1 if cell.source else 0)
    return "\n".join([*lines[: cell.body], *new, *lines[end:]])
