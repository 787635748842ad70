"""A session out of its journal: as a notebook, a script of cells, or its facts."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

from codeexec.documents.files import write_atomic
from codeexec.documents.notebook import dump_notebook, from_text, new_notebook, with_outputs
from codeexec.domain.codec import encode
from codeexec.domain.errors import NotFound
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.session.artifacts import BlobStore, is_base64
from codeexec.session.journal import Journal

BATCH = 2000

Writer = Callable[[Journal, Snapshot, Path, Path], None]
"""Journal, what it folds to, the session's folder, the file to write."""


def write_facts(journal: Journal, snapshot: Snapshot, folder: Path, out: Path) -> None:
    """All facts, one JSON object a line."""
    lines: list[bytes] = []
    after = 0
    while records := journal.read(after, BATCH, "full"):
        lines += [encode(record) + b"\n" for record in records]
        after = records[-1].seq
    write_atomic(out.absolute(), b"".join(lines))


def write_script(journal: Journal, snapshot: Snapshot, folder: Path, out: Path) -> None:
    """What was run, as cells."""
    cells = (
        f"# %% {view.cell.title if view.cell else ''}".rstrip() + f"\n{view.code.rstrip()}\n"
        for view in _runs(snapshot)
    )
    write_atomic(out.absolute(), "\n".join(cells).encode())


def write_notebook(journal: Journal, snapshot: Snapshot, folder: Path, out: Path) -> None:
    """What was run, with its outputs, as nbformat 4.5."""
    blobs = BlobStore(folder / "blobs")
    views = _runs(snapshot)
    kernel = snapshot.kernel
    name = kernel.kernel.name if kernel.kernel and "/" not in kernel.kernel.name else "python3"
    display = kernel.kernel.display_name if kernel.kernel else ""
    notebook = new_notebook(name, display, kernel.language or "python")
    text = "\n".join(f"# %%\n{view.code}\n" for view in views)
    notebook = from_text(notebook, text, "#")
    for number, view in enumerate(views):
        outputs = _outputs(journal, view, blobs)
        notebook = with_outputs(notebook, number, outputs, view.count)
    write_atomic(out.absolute(), dump_notebook(notebook).encode())


def _runs(snapshot: Snapshot) -> list[ExecutionView]:
    return [view for view in snapshot.executions.values() if not view.silent]


def _outputs(journal: Journal, view: ExecutionView, blobs: BlobStore) -> list[Mapping[str, object]]:
    outputs: list[Mapping[str, object]] = []
    texts: list[str] = []
    kind = ""

    def close() -> None:
        if texts:
            text = "\n".join(texts) + "\n"
            outputs.append({"output_type": "stream", "name": kind, "text": text})
            texts.clear()

    for run in journal.iter_rows(view.execution_id):
        if run.kind != kind or not run.is_text:
            close()
        kind = run.kind
        if run.is_text:
            texts.append(run.text)
        elif run.error is not None:
            error = run.error
            outputs.append(
                {
                    "output_type": "error",
                    "ename": error.name,
                    "evalue": error.value,
                    "traceback": list(error.traceback),
                }
            )
        elif run.display is not None:
            outputs.append(_display(run.display, blobs))
    close()
    return outputs


def _display(display: Display, blobs: BlobStore) -> Mapping[str, object]:
    data = {part.mime: _value(part, blobs) for part in display.parts}
    common = {"data": data, "metadata": dict(display.metadata)}
    if display.role == "result":
        return {"output_type": "execute_result", "execution_count": display.count, **common}
    return {"output_type": "display_data", **common}


def _value(part: MimePart, blobs: BlobStore) -> object:
    text = part.text
    if text is None:
        try:
            content = blobs.read(part.blob or "")
        except NotFound:
            return ""  # let go to keep within the quota
        binary = is_base64(part.mime)
        text = b64encode(content).decode() if binary else content.decode("utf-8", "replace")
    is_json = part.mime == "application/json" or part.mime.endswith("+json")
    return json.loads(text) if is_json else text


WRITERS: Mapping[str, Writer] = {
    ".ipynb": write_notebook,
    ".py": write_script,
    ".jsonl": write_facts,
}
"""By the suffix of the file."""
