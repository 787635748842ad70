"""Reads a file into a document: its language, its encoding, and what the user should know of it."""

from __future__ import annotations

from pathlib import Path

from codeexec.documents.formats import open_as_text, open_document
from codeexec.documents.model import Document
from codeexec.documents.notebook.source import TooManyCells
from codeexec.domain.errors import DocumentError, NotFound
from codeexec.languages.catalog import by_file, by_name, text
from codeexec.languages.model import Language


def language_of(document: Document, name: str = "") -> Language:
    """By its name (`name` where it has no file yet), its first line, or what its notebook says."""
    if document.notebook is not None:
        try:
            return by_name(document.notebook.language or "python")
        except NotFound:
            return text()  # there are more languages than we know
    first, _, _ = document.text.partition("\n")
    return by_file(name or document.path.name, first) or text()


def read(path: Path, real: Path | None = None) -> Document:
    """Open a file, or begin one of that name. A broken notebook opens as the text that it is,
    and what is not in its encoding as latin-1, in which every byte has a meaning. `real` is where
    the path led when it was opened before."""
    language = by_file(path.name)
    marker = (language.comment if language is not None else "") or "#"
    try:
        return open_document(path, marker, create=True, real=real)
    except DocumentError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            return open_document(path, marker, "latin-1", real=real)
        if path.suffix != ".ipynb" or isinstance(error.__cause__, TooManyCells):
            raise  # as text it would be one line of many megabytes
        return open_as_text(path, real=real)


def file_note(document: Document, untitled: str = "") -> str:
    """Note about the file for the user before the first edit; empty if there is none."""
    file = document.file
    if file.stamp is None and not untitled:
        folder = document.path.parent
        if folder.is_dir():
            return "New file. Ctrl+S writes it."
        return f"New file in a folder that does not exist: {folder}. Ctrl+S makes both."
    if file.read_only:
        return f"Read only: {file.read_only}."
    if document.path.suffix == ".ipynb" and document.notebook is None and file.text:
        return "This is no valid notebook: here is the text of the file."
    if file.encoding == "latin-1":
        return "Not UTF-8: each byte is shown as a character of latin-1, and saved as it was."
    if file.mixed_newlines:
        return "Its lines end in different ways: a save makes them all alike."
    return ""
