"""What an execution has written as plain text: stdout, stderr and the value of its last line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from codeexec.domain import requests as q
from codeexec.domain.outputs import plain
from codeexec.domain.snapshot import ExecutionView
from codeexec.server.rest.routes import client
from codeexec.session.session import Session

_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class OutputText:
    """Without styles, with each newline that was written, and none that was not. `result` is
    None where the execution had no value."""

    stdout: str
    stderr: str
    result: str | None = None


async def read_output(session: Session, view: ExecutionView) -> OutputText:
    """All of it so far, however long it is."""
    texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
    result: str | None = None
    handled = 0
    for run in session.recorder.journal.iter_rows(view.execution_id):
        if run.kind in texts:
            # Rows are written with a newline each, but the last one that is still open.
            texts[run.kind].append(plain(run.text) + ("" if run.open else "\n"))
        elif run.display is not None and run.display.role == "result":
            part = run.display.part("text/plain")
            result = None if part is None else await _content(session, part.text, part.blob)
        handled += run.rows
        if handled > _ROWS_AT_ONCE:
            handled = 0
            await asyncio.sleep(0)
    return OutputText("".join(texts["stdout"]), "".join(texts["stderr"]), result)


async def _content(session: Session, text: str | None, blob: str | None) -> str:
    if not blob:
        return text or ""
    answer = await session.call(q.ReadBlob(blob), client())
    return answer.data.decode("utf-8", "replace")
