"""Reads what an execution has put out, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codeexec.client.api import SessionClient
from codeexec.domain.outputs import Run, Runs
from codeexec.domain.requests import ReadRows

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
