"""Pairs of a notebook and a percent script with the same cells, as jupytext has them.

https://jupytext.readthedocs.io/en/latest/paired-notebooks.html. Which files are a pair says the
option `formats` in the metadata of either, such as `ipynb,py:percent`; only pairs of these two
formats in the same folder are saved in step.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codeexec.documents.files import encode, new_file, read_file, read_json_file, save_content
from codeexec.documents.notebook.convert import (
    Notebook,
    dump_notebook,
    from_text,
    new_notebook,
    parse_notebook,
    to_text,
)
from codeexec.documents.notebook.outputs import joined
from codeexec.documents.notebook.writing import notebook_pieces
from codeexec.documents.percent.convert import read_script, write_script
from codeexec.documents.percent.header import read_formats, read_header, write_header
from codeexec.domain.errors import Conflict

if TYPE_CHECKING:
    from codeexec.documents.model import Document

FORMATS = "ipynb,py:percent"
_NOTEBOOK, _SCRIPT = ".ipynb", ".py"


def formats_of(document: Document) -> str:
    """The option `formats` of a document; empty if it is in no pair."""
    if document.notebook is None:
        is_script = document.path.suffix == _SCRIPT
        return read_formats(document.text, document.marker) if is_script else ""
    return notebook_formats(document.notebook)


def notebook_formats(notebook: Notebook) -> str:
    options = (notebook.data.get("metadata") or {}).get("jupytext")
    formats = options.get("formats") if isinstance(options, dict) else None
    return formats if isinstance(formats, str) else ""


def counterpart(document: Document) -> Path | None:
    """The other file of the pair; None if the document is in none that is saved in step."""
    suffix = document.path.suffix
    entries = [entry.strip() for entry in formats_of(document).split(",")]
    if sorted(entries) != sorted(FORMATS.split(",")) or suffix not in (_NOTEBOOK, _SCRIPT):
        return None
    return document.path.with_suffix(_SCRIPT if suffix == _NOTEBOOK else _NOTEBOOK)


def paired(document: Document) -> Document:
    """The document with the option that makes it one of a pair."""
    if document.notebook is not None:
        options = (document.notebook.data.get("metadata") or {}).get("jupytext")
        own = options if isinstance(options, dict) else {}
        notebook = document.notebook.with_metadata("jupytext", {**own, "formats": FORMATS})
        return replace(document, notebook=notebook)
    header, body = read_header(document.text, document.marker)
    return replace(document, text=write_header(header.metadata, document.marker, FORMATS) + body)


def save_counterpart(before: Document, now: Document) -> Path | None:
    """Write the cells of a document that was saved to the other file of its pair, if it has one.

    `before` is the document as it was in its file before. Raises Conflict, and writes nothing, if
    the other file has other cells than `before` and `now`: it was changed by itself. Raises
    DocumentError if it cannot be read, and StorageError if it cannot be written.
    """
    path = counterpart(now)
    if path is None:
        return None
    cells = _contents(before), _contents(now)
    if now.notebook is not None:
        _save_script(now.notebook, path, now.marker, cells)
    else:
        _save_notebook(now, path, cells)
    return path


_Contents = list[tuple[str, str]]


def _contents(document: Document) -> _Contents:
    notebook = document.notebook
    return _cells(notebook or read_script(document.text, document.marker))


def _cells(notebook: Notebook) -> _Contents:
    """Kind and source of each cell as they can be in both formats."""
    script = read_script(write_script(notebook))
    return [
        (str(cell.get("cell_type")), joined(cell.get("source")).rstrip())
        for cell in script.data["cells"]
    ]


def _check(path: Path, found: _Contents, known: tuple[_Contents, _Contents]) -> None:
    if found not in known:
        raise Conflict(
            f"{path.name} is paired with this file and was changed by itself: it was not written.",
            "Open it and save it to take over its cells, or remove it and save again.",
        )


def _save_script(
    notebook: Notebook, path: Path, marker: str, known: tuple[_Contents, _Contents]
) -> None:
    formats = notebook_formats(notebook)
    body = read_header(write_script(notebook, marker), marker)[1]
    header = write_header(_metadata(notebook), marker, formats)
    if path.exists():
        file = read_file(path)
        found, old_body = read_header(file.text, marker)
        _check(path, _cells(read_script(file.text, marker)), known)
        if not found.rest:
            header = file.text[: len(file.text) - len(old_body)] or header
    else:
        file = new_file(path)
    text = header + body
    if file.stamp is None or text != file.text:
        save_content(file, encode(file, text))


def _save_notebook(script: Document, path: Path, known: tuple[_Contents, _Contents]) -> None:
    made = read_script(script.text, script.marker)
    if path.exists():
        file, content = read_json_file(path)
        base = parse_notebook(content, path.name)
        _check(path, _cells(base), known)
    else:
        file = new_file(path)
        metadata = {**_metadata(made), "jupytext": {"formats": formats_of(script)}}
        base = new_notebook()
        base = replace(base, data={**base.data, "metadata": metadata})
    notebook = from_text(base, to_text(made, script.marker), script.marker)
    if notebook.data["cells"] == base.data["cells"] and file.stamp is not None:
        return
    if file.encoding == "utf-8" and notebook.source is not None:
        save_content(file, [file.bom, *notebook_pieces(notebook)])
    else:
        save_content(file, encode(file, dump_notebook(notebook)))


def _metadata(notebook: Notebook) -> dict[str, Any]:
    return notebook.data.get("metadata") or {}
