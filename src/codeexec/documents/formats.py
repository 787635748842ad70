"""Opens and saves documents of all formats: plain text, percent scripts, notebooks."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from codeexec.documents.files import (
    FileText,
    PageRelease,
    new_file,
    read_file,
    read_json_file,
    release_pages,
    save_content,
    save_file,
)
from codeexec.documents.model import Document
from codeexec.documents.notebook.convert import (
    Notebook,
    dump_notebook,
    from_text,
    parse_notebook,
    to_text,
)
from codeexec.documents.notebook.writing import notebook_pieces
from codeexec.documents.percent.convert import read_script, write_script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from codeexec.documents.notebook.outputs import Json

NOTEBOOK_SUFFIX = ".ipynb"


def open_document(
    path: Path,
    marker: str = "#",
    encoding: str | None = None,
    *,
    create: bool = False,
    real: Path | None = None,
) -> Document:
    """Open `path`; the suffix tells notebooks. `marker` is the comment marker of its language.

    With `create` a missing file is an empty document, written at the first save. `real` is
    the resolved path of an earlier read. Raises NotFound, DocumentError and Denied.
    """
    is_new = create and not path.exists()
    if path.suffix.lower() != NOTEBOOK_SUFFIX:
        file = new_file(path, real=real) if is_new else read_file(path, encoding, real=real)
        return Document(file, file.text, marker)
    content: bytes | memoryview = b""
    if is_new:
        file = new_file(path, real=real)
    elif encoding is not None:
        file = read_file(path, encoding, real=real)
        file, content = replace(file, text=""), file.text.encode()
    else:
        file, content = read_json_file(path, real=real)
    notebook = parse_notebook(content, path.name)
    document = _notebook_document(file, notebook, marker)
    release_pages(content)
    return document


def open_as_text(path: Path, encoding: str | None = None, *, real: Path | None = None) -> Document:
    """Open a file as plain text, even a notebook, such as a damaged one."""
    file = read_file(path, encoding, real=real)
    return Document(file, file.text, "#")


def _notebook_document(file: FileText, notebook: Notebook, marker: str) -> Document:
    text = to_text(notebook, marker)
    return Document(file, text, marker, notebook)


def save_document(
    document: Document,
    text: str,
    *,
    overwrite: bool = False,
    origins: Sequence[int | Json | None] | None = None,
    sync: bool = True,
) -> Document:
    """Write `text` (that of the editor) to the document's file; returns the saved document.

    `origins` maps cells of the text to cells of the notebook, as in `from_text`; `sync` is that of
    `save_file`. Raises Conflict, StorageError and DocumentError as `save_file` does.
    """
    if document.notebook is None:
        file = save_file(document.file, text, overwrite=overwrite, sync=sync)
        return Document(file, text, document.marker)
    notebook = from_text(document.notebook, text, document.marker, origins)
    file = _save_notebook(document.file, notebook, overwrite=overwrite, sync=sync)
    return Document(file, text, document.marker, notebook)


def _save_notebook(
    file: FileText, notebook: Notebook, *, overwrite: bool, sync: bool = True
) -> FileText:
    if file.encoding == "utf-8" and notebook.source is not None:
        release = PageRelease(notebook.source.piece)
        content = chain((file.bom,), release.pieces(notebook_pieces(notebook)))
        written = save_content(file, content, overwrite=overwrite, sync=sync)
        release_pages(notebook.source.piece)
        return written
    saved = save_file(file, dump_notebook(notebook), overwrite=overwrite, sync=sync)
    return replace(saved, text="")


def save_as(document: Document, text: str, path: Path, *, overwrite: bool = False) -> Document:
    """Save under another name; the suffix decides between notebook and script.

    The text of the returned document differs from `text` if the format has changed.
    Raises Conflict when `path` exists and `overwrite` is not set.
    """
    file = replace(document.file, path=path, stamp=None, read_only="", real=None)
    if path.suffix.lower() == NOTEBOOK_SUFFIX:
        if document.notebook is not None:
            target = Document(file, text, document.marker, document.notebook)
            return save_document(target, text, overwrite=overwrite)
        made = read_script(text, document.marker)
        saved = _save_notebook(file, made, overwrite=overwrite)
        return _notebook_document(saved, made, document.marker)
    if document.notebook is not None:
        text = write_script(from_text(document.notebook, text, document.marker), document.marker)
    return save_document(Document(file, text, document.marker), text, overwrite=overwrite)
