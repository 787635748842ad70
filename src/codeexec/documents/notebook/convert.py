"""Converts `.ipynb` to cells and back; unchanged parts of the JSON are written as they were.

https://nbformat.readthedocs.io/en/latest/format_description.html. Notebooks of format 4.x
keep their minor version; new notebooks are 4.5. Older formats are upgraded by nbformat, which is
imported only then: that takes longer than parsing a thousand cells.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from codeexec.documents.cell_language import NotebookLanguages, canonical
from codeexec.documents.model import Cell, CellKind
from codeexec.documents.notebook.matching import ELSEWHERE, contents, kind_of, match
from codeexec.documents.notebook.outputs import Json, clean_output, joined, split_lines
from codeexec.documents.notebook.raw_json import Piece
from codeexec.documents.notebook.shape import check_shape, upgrade
from codeexec.documents.notebook.source import (
    NotebookOutputs,
    NotebookSource,
    TooManyCells,
    edited,
)
from codeexec.documents.notebook.writing import Layout, notebook_pieces
from codeexec.documents.percent.attributes import read_attributes
from codeexec.documents.percent.separators import (
    Separator,
    comment,
    escape,
    parse_separator,
    uncomment,
    unescape,
)
from codeexec.domain.errors import DocumentError, NotFound
from codeexec.domain.text.parsing import load_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MINOR_WITH_IDS = 5
_BLANK_HEAD = 65_536
"""Bytes at the start of a file that are looked at for more than blanks."""


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook of format 4; `data` is its JSON and must not be changed in place."""

    data: Json
    layout: Layout = field(default_factory=Layout)
    source: NotebookSource | None = field(default=None, compare=False, repr=False)
    """The JSON of the file, for what was not changed."""

    @property
    def minor(self) -> int:
        return int(self.data.get("nbformat_minor", 0))

    @property
    def kernel(self) -> str:
        """The name of the notebook's kernelspec, else empty."""
        return str(self._metadata("kernelspec").get("name", ""))

    @property
    def language(self) -> str:
        """The language of the code in lower case, else empty."""
        named = self._metadata("language_info").get("name")
        return str(named or self._metadata("kernelspec").get("language", "")).lower()

    def _metadata(self, name: str) -> Json:
        value = (self.data.get("metadata") or {}).get(name)
        return value if isinstance(value, dict) else {}

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells; their lines are those of the text of `to_text`."""
        languages = self.languages
        return tuple(_cell(index, raw, languages) for index, raw in enumerate(self.data["cells"]))

    @property
    def languages(self) -> NotebookLanguages:
        """How its cells say their languages."""
        metadata = self.data.get("metadata")
        own = metadata if isinstance(metadata, dict) else {}
        return NotebookLanguages.of(own, self.language or "python")

    def outputs(self, index: int) -> tuple[Json, ...]:
        """The outputs of cell `index`, as in nbformat."""
        return tuple(self._raw(index).get("outputs") or ())

    def output_size(self, index: int) -> int:
        """Bytes of JSON of the outputs of cell `index`, without parsing them; 0 if it has none."""
        outputs = self._raw(index).get("outputs")
        if isinstance(outputs, NotebookOutputs):
            return len(outputs.piece)
        return len(json.dumps(outputs)) if outputs else 0

    def attachments(self, index: int) -> Json:
        """The attachments of cell `index` by name, as in nbformat."""
        attachments = self._raw(index).get("attachments")
        return attachments if isinstance(attachments, dict) else {}

    def execution_count(self, index: int) -> int | None:
        count = self._raw(index).get("execution_count")
        return count if isinstance(count, int) else None

    def _raw(self, index: int) -> Json:
        cells: list[Json] = self.data["cells"]
        if not 0 <= index < len(cells):
            raise NotFound(f"The notebook has no cell {index}.", f"It has {len(cells)} cells.")
        return cells[index]

    def _with_cells(self, cells: list[Json]) -> Notebook:
        return replace(self, data={**self.data, "cells": cells})

    def with_metadata(self, name: str, value: Json) -> Notebook:
        """A copy with one metadata entry (`kernelspec`, `language_info`) set."""
        metadata = {**(self.data.get("metadata") or {}), name: value}
        return replace(self, data={**self.data, "metadata": metadata})


def _title(raw: Json) -> str:
    metadata = raw.get("metadata")
    title = metadata.get("title") if isinstance(metadata, dict) else None
    # A line break in a title would end its separator line.
    return " ".join(str(title).split()) if title else ""


def cell_tags(raw: Json) -> tuple[str, ...]:
    """The tags of a cell, such as `skip-execution`."""
    tags = (raw.get("metadata") or {}).get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _cell(index: int, raw: Json, languages: NotebookLanguages) -> Cell:
    kind, source = kind_of(raw), joined(raw.get("source"))
    key = str(raw.get("id", "")) or f"n{index}"
    language = languages.own(raw.get("metadata")) if kind is CellKind.CODE else ""
    return Cell(index, kind, _title(raw), 0, 0, 0, source, key, language)


def parse_notebook(text: str | Piece, name: str = "The notebook") -> Notebook:
    """Parse the text of an `.ipynb`; empty text is a new notebook. Outputs stay unparsed.

    Raises DocumentError, with the line for invalid JSON.
    """
    piece = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if not bytes(piece[:_BLANK_HEAD]).strip():
        return new_notebook()
    try:
        source = _read_source(piece)
    except json.JSONDecodeError as error:
        conflict = "<<<<<<<" in error.doc and ">>>>>>>" in error.doc
        raise DocumentError(
            f"{name} is broken JSON in line {error.lineno}, column {error.colno}: {error.msg}.",
            "It has merge conflict marks: resolve them first."
            if conflict
            else f"Open it as text at line {error.lineno}, or restore an earlier version.",
        ) from error
    except TooManyCells as error:
        raise DocumentError(
            f"{name} cannot be edited: {error}.",
            "Split it with a program.",
        ) from error
    except ValueError as error:
        raise DocumentError(f"{name} cannot be read: {error}.", "Open it as text.") from error
    data = source.data if source is not None else {}
    version = data.get("nbformat")
    if not isinstance(version, int) or isinstance(version, bool):
        raise DocumentError(f"{name} is JSON, but no notebook.", "Open it as text.")
    if version > 4:
        raise DocumentError(
            f"{name} has format {version}, newer than the 4 that we know.",
            "Save it as format 4 with the program that wrote it.",
        )
    if version < 4:
        data, source = upgrade(bytes(piece).decode(), version, name), None
    if not isinstance(data.get("cells"), list):
        raise DocumentError(f"{name} has no list of cells.", "Open it as text.")
    check_shape(data, name)
    layout = Layout.of(piece)
    return Notebook(data, layout if source is not None else replace(layout, newline="\n"), source)


def _read_source(piece: Piece) -> NotebookSource | None:
    """The members of the notebook; None if the JSON is no object. ValueError."""
    match = re.match(rb"\s*", piece)
    if match is not None and piece[match.end() : match.end() + 1] == b"{":
        return NotebookSource(piece)
    load_json(bytes(piece))
    return None


def new_notebook(kernel: str = "", display_name: str = "", language: str = "") -> Notebook:
    """A notebook of format 4.5 without cells."""
    metadata: Json = {}
    if kernel:
        metadata["kernelspec"] = {
            "display_name": display_name or kernel,
            "language": language,
            "name": kernel,
        }
    if language:
        metadata["language_info"] = {"name": language}
    return Notebook(
        {"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": _MINOR_WITH_IDS}
    )


def dump_notebook(notebook: Notebook) -> str:
    """The text of the `.ipynb`: what was not changed is as it was, keys are in their order."""
    return b"".join(notebook_pieces(notebook)).decode("utf-8", "surrogatepass")


def with_outputs(
    notebook: Notebook,
    index: int,
    outputs: Sequence[Mapping[str, Any]],
    execution_count: int | None,
) -> Notebook:
    """A copy in which `outputs` replace those of code cell `index`.

    `outputs` are dicts as in nbformat; keys unknown to the format (such as `transient`) are
    dropped, and missing keys are added. Raises NotFound for an index
    beyond the end and DocumentError for a cell that is not code.
    """
    raw = notebook._raw(index)
    if kind_of(raw) is not CellKind.CODE:
        raise DocumentError(f"Cell {index} is not code.", "Only code has outputs.")
    cells = list(notebook.data["cells"])
    clean = [clean_output(output, execution_count) for output in outputs]
    own = raw.get("metadata") or {}  # the format wants it, and opens without
    values = {"metadata": own, "execution_count": execution_count, "outputs": clean}
    cells[index] = edited(raw, values)
    return notebook._with_cells(cells)


# A notebook as text with separators between cells, so that one editor handles both formats.


def to_text(notebook: Notebook, marker: str) -> str:
    """The notebook as a percent script, which `from_text` converts back."""
    lines: list[str] = []
    languages = notebook.languages
    for raw in notebook.data["cells"]:
        kind = kind_of(raw)
        source = joined(raw.get("source"))
        language = languages.own(raw.get("metadata")) if kind is CellKind.CODE else ""
        attributes = language_attribute(language)
        lines.append(Separator(kind, _safe_title(raw, marker), attributes).render(marker))
        if source:
            text = source if kind is CellKind.CODE else comment(source, marker)
            lines.extend(escape(line, marker) for line in text.split("\n"))
        lines.append("")
    return "\n".join(lines)


def language_attribute(language: str) -> str:
    """The attribute of a separator for a language; empty for that of the document."""
    return f'language="{language}"' if language else ""


def _safe_title(raw: Json, marker: str) -> str:
    """The title for the separator line; empty if it would be parsed differently."""
    title = _title(raw)
    if not title:
        return ""
    kind = kind_of(raw)
    separator = parse_separator(Separator(kind, title).render(marker), marker)
    return title if separator == Separator(kind, title) else ""


@dataclass(frozen=True, slots=True)
class _CellDraft:
    """A cell of the text: `exact` with blank lines at the end, `source` without. `language` is
    empty for that of the notebook."""

    kind: CellKind
    title: str
    exact: str
    source: str
    language: str = ""


def _drafts(text: str, marker: str) -> list[_CellDraft]:
    drafts: list[_CellDraft] = []
    separator: Separator | None = None
    body: list[str] = []

    def close() -> None:
        if separator is None and not any(line.strip() for line in body):
            return
        kind = separator.kind if separator else CellKind.CODE
        lines = body[:-1] if body and not body[-1] else body
        exact = "\n".join(unescape(line, marker) for line in lines)
        if kind is not CellKind.CODE:
            exact = uncomment(exact, marker)
        source = exact.rstrip("\n")
        title = separator.title if separator else ""
        drafts.append(_CellDraft(kind, title, exact, source, _language_of(separator)))

    for line in text.split("\n"):
        parsed = parse_separator(line, marker)
        if parsed is None:
            body.append(line)
            continue
        close()
        separator, body = parsed, []
    close()
    return drafts


def _language_of(separator: Separator | None) -> str:
    """The language that a separator of the text names."""
    if separator is None or separator.kind is not CellKind.CODE or not separator.attributes:
        return ""
    return canonical(read_attributes(separator.attributes).get("language"))


def from_text(
    notebook: Notebook,
    text: str,
    marker: str,
    origins: Sequence[int | Json | None] | None = None,
) -> Notebook:
    """The notebook with the cells of an edited text.

    `origins` maps each cell of the text to its index in `notebook`, or to the JSON of a cell that
    it continues and that is not in `notebook`; None for a new cell. If it is missing, cells are
    matched by kind and source. Matched cells and cells edited in place keep their id, metadata and
    outputs. New cells get new ids.
    """
    drafts = _drafts(text, marker)
    old: list[Json] = notebook.data["cells"]
    was = contents(old)
    old_sources = set(was)
    now = [(d.kind, d.exact if (d.kind, d.exact) in old_sources else d.source) for d in drafts]
    if origins is None or len(origins) != len(drafts):
        origins = [None] * len(drafts)
    places = match(was, now, [at if not isinstance(at, dict) else ELSEWHERE for at in origins])
    bases = [
        origin if isinstance(origin, dict) else (None if place is None else old[place])
        for origin, place in zip(origins, places, strict=True)
    ]
    languages = notebook.languages
    cells = [
        _merge(base, draft, content, notebook.minor, marker, languages)
        for base, draft, (_, content) in zip(bases, drafts, now, strict=True)
    ]
    foreign = {at for at, origin in enumerate(origins) if isinstance(origin, dict)}
    return notebook._with_cells(_with_own_ids(cells, foreign, notebook.minor) if foreign else cells)


def _with_own_ids(cells: list[Json], foreign: set[int], minor: int) -> list[Json]:
    """The cells, with new ids for those of `foreign` whose id is another's, or must be added."""
    ids = {str(cell["id"]) for at, cell in enumerate(cells) if at not in foreign and "id" in cell}
    unique = list(cells)
    for at in sorted(foreign):
        cell = cells[at]
        if minor < _MINOR_WITH_IDS:
            unique[at] = edited(cell, {}, without=("id",)) if "id" in cell else cell
        elif "id" not in cell or str(cell["id"]) in ids:
            unique[at] = edited(cell, {"id": new_id()})
        ids.add(str(unique[at].get("id")))
    return unique


def _merge(
    old: Json | None,
    draft: _CellDraft,
    source: str,
    minor: int,
    marker: str,
    languages: NotebookLanguages,
) -> Json:
    cell = new_cell(draft.kind, minor) if old is None else _ofkind_of(old, draft.kind)
    values: Json = {}
    if joined(cell.get("source")) != source:
        values["source"] = split_lines(source)
    if draft.title != (_safe_title(old, marker) if old is not None else ""):
        metadata = {k: v for k, v in (cell.get("metadata") or {}).items() if k != "title"}
        values["metadata"] = {**metadata, "title": draft.title} if draft.title else metadata
    if draft.kind is CellKind.CODE:
        own: Json = values.get("metadata") or cell.get("metadata") or {}
        language = "" if draft.language == languages.main else draft.language
        if language != languages.own(own):
            values["metadata"] = languages.with_own(own, language)
    return edited(cell, values) if values else cell


def _ofkind_of(cell: Json, kind: CellKind) -> Json:
    """The cell as one of this kind: code has no attachments, and nothing else has outputs."""
    if kind_of(cell) is kind:
        return cell
    if kind is CellKind.CODE:
        values: Json = {"cell_type": str(kind), "execution_count": None, "outputs": []}
        return edited(cell, values, without=("attachments",))
    return edited(cell, {"cell_type": str(kind)}, without=("execution_count", "outputs"))


def new_id() -> str:
    """A new id of a cell."""
    return os.urandom(4).hex()


def new_cell(kind: CellKind, minor: int) -> Json:
    """An empty cell for format 4 with this minor version."""
    cell: Json = {"cell_type": str(kind)}
    if kind is CellKind.CODE:
        cell["execution_count"] = None
    if minor >= _MINOR_WITH_IDS:
        cell["id"] = new_id()
    cell["metadata"] = {}
    if kind is CellKind.CODE:
        cell["outputs"] = []
    cell["source"] = []
    return cell
