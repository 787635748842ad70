"""Reads what an execution has put out: its rows, page by page, and its result."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from codeexec.client.api import SessionClient
from codeexec.domain.events import Variable
from codeexec.domain.outputs import Run, Runs
from codeexec.domain.requests import ReadBlob, ReadRows
from codeexec.domain.result import ExecutionResult, make_result
from codeexec.domain.snapshot import ExecutionView

PAGE = 5000
"""Rows that are asked for at once: as many as a session gives."""


async def read_pages(session: SessionClient, execution_id: str) -> AsyncIterator[Runs]:
    """All rows of an execution, whole, from the first on, also those that come meanwhile. Raises
    CodeexecError."""
    start, total = 0, 1
    while start < total:
        page = await session.call(ReadRows(execution_id, start, PAGE, whole=True))
        count = sum(run.rows for run in page.runs)
        if not count:
            return
        yield page.runs
        start, total = start + count, page.total


async def read_rows(session: SessionClient, execution_id: str) -> list[Run]:
    """All rows of an execution that has ended, whole. Raises CodeexecError."""
    return [run async for runs in read_pages(session, execution_id) for run in runs]


async def read_result(
    session: SessionClient, view: ExecutionView, variables: Iterable[Variable] = ()
) -> ExecutionResult:
    """The result of an execution that has ended, with the variables that are known after it. Raises
    CodeexecError."""
    rows = await read_rows(session, view.execution_id)
    parts = [part for row in rows if row.display is not None for part in row.display.parts]
    mimes: dict[str, set[str]] = {}
    for part in parts:
        if part.blob is not None:
            mimes.setdefault(part.blob, set()).add(part.mime)
    blobs = {digest: await _blob(session, digest, kinds) for digest, kinds in mimes.items()}
    return make_result(variables, view, rows, blobs)


async def _blob(session: SessionClient, digest: str, mimes: set[str]) -> str:
    from codeexec.domain.content.mime import text_of

    data = (await session.call(ReadBlob(digest))).data
    # The same content under two types, such as text/plain and text/x-log, has the same text.
    return text_of(min(mimes, default="text/plain"), data)
