"""Notebooks as Markdown with fenced code, and Markdown with fenced code as notebooks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from codeexec.documents.export.outputs import RenderedOutput, attachment_uris, shown_outputs
from codeexec.documents.fenced.cells import FencedCells
from codeexec.documents.model import Cell, CellKind
from codeexec.documents.notebook.convert import new_cell, new_notebook
from codeexec.documents.notebook.outputs import joined, split_lines
from codeexec.domain.outputs import plain

if TYPE_CHECKING:
    from codeexec.documents.notebook.convert import Notebook
    from codeexec.documents.notebook.outputs import Json

_BACKTICKS = re.compile(r"^[^\S\n]*(`{3,})", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`\s{]*).*")
NO_METADATA: Mapping[str, object] = MappingProxyType({})
_ATTACHED = re.compile(r"(\]\(\s*<?)attachment:([^)>\s]+)")


def to_markdown(notebook: Notebook) -> str:
    """Markdown cells as they are, code and text outputs in fences, pictures as data URIs."""
    language = notebook.language or "python"
    languages = notebook.languages
    parts = [
        part
        for cell in notebook.data["cells"]
        for part in _cell(cell, languages.own(cell.get("metadata")) or language)
    ]
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def _cell(cell: Mapping[str, Any], language: str) -> Iterator[str]:
    source = joined(cell.get("source"))
    if cell.get("cell_type") == "markdown":
        yield prose_of(cell)
    elif cell.get("cell_type") == "code":
        yield fenced(source, language)
        yield from map(_output, shown_outputs(cell))
    else:
        yield fenced(source, "")


def prose_of(cell: Mapping[str, Any]) -> str:
    """The Markdown of a cell, its attachments as data URIs."""
    uris = attachment_uris(cell)
    source = joined(cell.get("source"))
    return _ATTACHED.sub(lambda match: match[1] + uris.get(match[2], match[2]), source)


def _output(shown: RenderedOutput) -> str:
    if shown.kind == "picture":
        alt = re.sub(r"[\[\]\n]", " ", shown.alt[:100]).strip()
        return f"![{alt}]({shown.content})"
    if shown.kind == "markdown":
        return shown.content
    if shown.kind == "latex":
        return (
            shown.content if shown.content.lstrip().startswith("$") else f"$$\n{shown.content}\n$$"
        )
    if shown.kind == "html":
        return fenced(shown.alt, "text") if shown.alt else fenced(shown.content, "html")
    return fenced(plain(shown.content).removesuffix("\n"), "text")


def fenced(text: str, language: str) -> str:
    """The text in a fence that is longer than any in it."""
    longest = max((len(match[1]) for match in _BACKTICKS.finditer(text)), default=2)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def from_markdown(text: str, language_of: Callable[[str], str] = lambda _: "") -> Notebook:
    """A notebook of the prose and the fenced code. `language_of` returns the language that runs
    for a word after a fence, or an empty string: each such fence is a cell. Where there is none,
    the language is that of the first fence that names one, and others stay in the prose."""
    lines = text.split("\n")
    index = FencedCells(lines, language_of)
    if index.language:
        return _of_cells(index.cells(lines), index.language)
    blocks = list(_blocks(text))
    language = next((name for name, _ in blocks if name), "python")
    notebook = new_notebook(language=language)
    cells: list[Json] = []
    prose: list[str] = []
    for name, lines in [*blocks, ("", [])]:
        if name == language:
            _add(cells, CellKind.MARKDOWN, "\n".join(prose).strip("\n"))
            _add(cells, CellKind.CODE, "\n".join(lines[1:-1]))
            prose = []
        else:
            prose += lines
    _add(cells, CellKind.MARKDOWN, "\n".join(prose).strip("\n"))
    notebook.data["cells"].extend(cells)
    return notebook


def _of_cells(parts: Sequence[Cell], language: str) -> Notebook:
    """A notebook of the cells of a Markdown file; prose between two cells of code is one cell."""
    notebook = new_notebook(language=language)
    languages, cells, prose = notebook.languages, notebook.data["cells"], list[str]()
    for part in parts:
        if not part.is_code:
            prose.append(part.source)
            continue
        _add(cells, CellKind.MARKDOWN, "\n\n".join(prose).strip("\n"))
        _add(cells, CellKind.CODE, part.source, languages.with_own({}, part.language))
        prose = []
    _add(cells, CellKind.MARKDOWN, "\n\n".join(prose).strip("\n"))
    return notebook


def _add(
    cells: list[Json], kind: CellKind, source: str, metadata: Mapping[str, object] = NO_METADATA
) -> None:
    if source.strip():
        cell = {**new_cell(kind, 5), "metadata": dict(metadata)}
        cells.append({**cell, "source": split_lines(source)})


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Runs of lines: prose with an empty name, fenced code with its language."""
    block: list[str] = []
    fence, language = "", ""
    for line in text.split("\n"):
        mark = _FENCE.fullmatch(line)
        if not fence and mark is not None:
            yield "", block
            block, fence, language = [line], mark[1], mark[2].lower()
        elif fence and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            yield language, [*block, line]
            block, fence, language = [], "", ""
        else:
            block.append(line)
    yield "", block  # also a fence without an end
