"""A session as a file: a notebook that Jupyter opens, a script of cells, text, or its events.

Made piece by piece, so that a session with millions of rows needs no memory for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from codeexec.documents.notebook.kernel import kernelspec, language_info
from codeexec.documents.notebook.row_outputs import outputs_of
from codeexec.domain.content.mime import text_of as text_of_blob
from codeexec.domain.errors import NotFound
from codeexec.domain.outputs import MimePart, Run, plain
from codeexec.domain.result import error_text
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.text.printable import printable, printable_row
from codeexec.domain.wire.codec import encode
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.output.display_text import display_text
from codeexec.session.storage.journal import Journal

FORMS = {
    "ipynb": "application/x-ipynb+json",
    "py": "text/x-python; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "jsonl": "application/x-ndjson",
}
"""Each form with its MIME type."""

_BATCH = 2000


def export(form: str, journal: Journal, snapshot: Snapshot, blobs: BlobStore) -> Iterator[bytes]:
    """The pieces of a file in one of `FORMS`, up to the snapshot's last event."""
    match form:
        case "ipynb":
            return _notebook(journal, snapshot, blobs)
        case "py":
            return _script(journal, snapshot)
        case "txt":
            return _text(journal, snapshot, blobs)
        case _:
            return _events(journal, snapshot.seq)


def _shown(journal: Journal, snapshot: Snapshot) -> Iterator[ExecutionView]:
    return journal.runs.iter_views(snapshot.executions_total) if snapshot.seq else iter(())


def _events(journal: Journal, upto: int) -> Iterator[bytes]:
    cursor = 0
    while cursor < upto and (records := journal.read(cursor, min(_BATCH, upto - cursor), "full")):
        yield b"".join(encode(record) + b"\n" for record in records if record.seq <= upto)
        cursor = records[-1].seq


def _script(journal: Journal, snapshot: Snapshot) -> Iterator[bytes]:
    for number, view in enumerate(_shown(journal, snapshot)):
        # On one line: what follows a line break would be code.
        title = printable(view.cell.title) if view.cell else ""
        between = "\n" if number else ""
        head, code = f"# %% {title}".rstrip(), view.code.rstrip()
        if language := _other_language(snapshot, view):
            # As jupytext has cells of other languages in a script.
            head += f' language="{language}"'
            code = "\n".join(f"# {line}".rstrip() for line in code.splitlines())
        yield f"{between}{head}\n{code}\n".encode()


def _text(journal: Journal, snapshot: Snapshot, blobs: BlobStore) -> Iterator[bytes]:
    for view in _shown(journal, snapshot):
        code = printable(view.code, lines=True).replace("\n", "\n...   ")
        yield f"In [{view.count or ' '}]: {code}\n".encode()
        for run in journal.iter_rows(view.execution_id):
            yield f"{_as_text(run, blobs)}\n".encode("utf-8", "replace")
        reason = printable(view.reason, lines=True)
        yield f"({reason})\n\n".encode() if reason else b"\n"


def _as_text(run: Run, blobs: BlobStore) -> str:
    return plain(printable_row(_text_of(run, blobs)))


def _text_of(run: Run, blobs: BlobStore) -> str:
    if run.error is not None:
        return error_text(run.error)
    if run.display is not None:
        return display_text(run.display, blobs)
    return run.text


def _notebook(journal: Journal, snapshot: Snapshot, blobs: BlobStore) -> Iterator[bytes]:
    def text_of(part: MimePart) -> str:
        if part.text is not None:
            return part.text
        try:
            content = blobs.read(part.blob or "")
        except NotFound:
            return "null" if part.mime.endswith("json") else ""  # gone, to keep the quota
        return text_of_blob(part.mime, content)

    yield b'{"cells": ['
    for number, view in enumerate(_shown(journal, snapshot)):
        cell: dict[str, object] = {
            "cell_type": "code",
            "id": f"cell-{number + 1}",
            "metadata": _cell_metadata(snapshot, view),
            "source": view.code,
            "execution_count": view.count,
        }
        head = json.dumps(cell)[:-1]
        yield f'{"," if number else ""}\n{head}, "outputs": ['.encode()
        between = ""
        for output in outputs_of(journal.iter_rows(view.execution_id), text_of):
            yield f"{between}{json.dumps(output)}".encode()
            between = ",\n"
        yield b"]}"
    tail = {"metadata": _metadata(snapshot), "nbformat": 4, "nbformat_minor": 5}
    yield f"\n], {json.dumps(tail)[1:]}\n".encode()


def _other_language(snapshot: Snapshot, view: ExecutionView) -> str:
    """The language of a cell that is not in that of the default kernel; empty where it is."""
    language = re.sub(r"[^\w+#.-]", "", snapshot.kernel_of(view).language)
    return language if snapshot.kernel_of(view).language != snapshot.kernel.language else ""


def _cell_metadata(snapshot: Snapshot, view: ExecutionView) -> dict[str, object]:
    """Which kernel of the session ran the cell, where it is not the notebook's."""
    return {"codeexec": {"kernel": view.kernel}} if view.kernel != snapshot.default_kernel else {}


def _metadata(snapshot: Snapshot) -> dict[str, object]:
    view = snapshot.kernel
    language = view.language or "python"
    info = language_info(language, view.version, view.language_info)
    metadata: dict[str, object] = {"language_info": info}
    if view.kernel is not None:
        metadata["kernelspec"] = kernelspec(view.kernel.name, view.kernel.display_name, language)
    return metadata
