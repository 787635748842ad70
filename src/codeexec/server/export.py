"""A session as a file: a notebook that Jupyter opens, plain text, or its facts as JSON lines.

Written piece by piece, so that a session with millions of rows needs no memory for them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

from codeexec.domain import requests as q
from codeexec.domain.codec import encode
from codeexec.domain.outputs import Display, MimePart, Run, plain
from codeexec.domain.snapshot import ExecutionView
from codeexec.session.session import Session

EXPORTS = {
    "ipynb": "application/x-ipynb+json",
    "txt": "text/plain; charset=utf-8",
    "jsonl": "application/x-ndjson",
}

_PAGE = 5000
_TEXTUAL = ("image/svg+xml", "application/javascript")


def export(session: Session, form: str) -> AsyncIterator[bytes]:
    """The pieces of a file in one of `EXPORTS`."""
    if form == "ipynb":
        return _notebook(session)
    return _text(session) if form == "txt" else _facts(session)


async def _facts(session: Session) -> AsyncIterator[bytes]:
    upto = session.snapshot.seq
    async for records in session.events(0, "full"):
        yield b"".join(encode(record) + b"\n" for record in records if record.seq <= upto)
        if records[-1].seq >= upto:
            return


async def _text(session: Session) -> AsyncIterator[bytes]:
    for view in session.snapshot.executions.values():
        code = view.code.replace("\n", "\n...   ")
        yield f"In [{view.count or ' '}]: {code}\n".encode()
        async for run in _runs(session, view):
            yield _as_text(run).encode("utf-8", "replace")
        if view.reason:
            yield f"({view.reason})\n".encode()
        yield b"\n"


def _as_text(run: Run) -> str:
    if run.error is not None:
        lines = run.error.traceback or (f"{run.error.name}: {run.error.value}",)
        return plain("\n".join(lines)) + "\n"
    if run.display is not None:
        shown = run.display.part("text/plain")
        kinds = ", ".join(part.mime for part in run.display.parts)
        return (shown.text if shown and shown.text is not None else f"<{kinds}>") + "\n"
    return plain(run.text) + "\n"


async def _runs(session: Session, view: ExecutionView) -> AsyncIterator[Run]:
    start = 0
    while True:
        page = await session.call(q.ReadRows(view.execution_id, start, _PAGE, whole=True))
        for run in page.runs:
            yield run
        read = sum(run.rows for run in page.runs)
        start += read
        if read == 0 or start >= page.total:
            return


# -- notebooks -------------------------------------------------------------------------


async def _notebook(session: Session) -> AsyncIterator[bytes]:
    snapshot = session.snapshot
    kernel = snapshot.kernel
    language = kernel.language or "python"
    metadata: dict[str, object] = {"language_info": {"name": language, "version": kernel.version}}
    if kernel.kernel is not None:
        metadata["kernelspec"] = {
            "name": "python3" if language == "python" else kernel.kernel.name,
            "display_name": kernel.kernel.display_name or kernel.kernel.name,
            "language": language,
        }
    yield b'{"cells": ['
    shown = [view for view in snapshot.executions.values() if not view.silent]
    for number, view in enumerate(shown):
        cell: dict[str, object] = {
            "cell_type": "code",
            "id": f"cell-{number + 1}",
            "metadata": {},
            "source": view.code,
            "execution_count": view.count,
        }
        head = json.dumps(cell)[:-1]
        yield ((",\n" if number else "\n") + head + ', "outputs": [').encode()
        between = b""
        async for run in _runs(session, view):
            yield between + json.dumps(_output(session, view, run)).encode()
            between = b",\n"
        yield b"]}"
    rest = {"metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    yield ("\n], " + json.dumps(rest)[1:] + "\n").encode()


def _output(session: Session, view: ExecutionView, run: Run) -> dict[str, object]:
    if run.error is not None:
        return {
            "output_type": "error",
            "ename": run.error.name,
            "evalue": run.error.value,
            "traceback": list(run.error.traceback),
        }
    if run.display is not None:
        shown: dict[str, object] = {
            "output_type": "display_data",
            "data": _data(session, run.display),
            "metadata": run.display.metadata,
        }
        if run.display.role == "result":
            shown |= {"output_type": "execute_result", "execution_count": view.count}
        return shown
    return {"output_type": "stream", "name": run.kind, "text": run.text + "\n"}


def _data(session: Session, display: Display) -> dict[str, object]:
    return {part.mime: _value(session, part) for part in display.parts}


def _value(session: Session, part: MimePart) -> object:
    """As Jupyter has it: text, base64, or a JSON value."""
    mime = part.mime
    is_json = mime == "application/json" or mime.endswith("+json")
    text = part.text
    if text is None:
        data = session.blobs.read(part.blob or "")
        is_text = is_json or mime.startswith("text/") or mime in _TEXTUAL
        text = data.decode("utf-8", "replace") if is_text else base64.b64encode(data).decode()
    return json.loads(text) if is_json else text
