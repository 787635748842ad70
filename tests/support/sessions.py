"""Real sessions on real kernels, and waiting for what they come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from codeexec.domain.outputs import Run, iter_rows, plain
from codeexec.domain.requests import Execute, OpenSession, ReadRows
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.wire.upgrade import nest_options
from codeexec.session.host import Host
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings
from support.containers import container_kernels, give_away

DEADLINE = 90.0
BACKEND = "local"
"""Where sessions run that do not say it; a fixture changes it for tests that hold everywhere."""


@asynccontextmanager
async def open_host(
    state: Path, settings: HostSettings | None = None, *, leave_kernels: bool = False
) -> AsyncIterator[Host]:
    # The watch would record events of its own, some seconds later.
    settings = settings or HostSettings(watch_files=False)
    host = Host(state, container_kernels(), settings=settings)
    await host.start()
    try:
        yield host
    finally:
        await host.close(leave_kernels=leave_kernels)


async def open_session(host: Host, cwd: Path, **fields: object) -> Session:
    if fields.setdefault("backend", BACKEND) == "docker":
        give_away(cwd)
    request = OpenSession(cwd=str(cwd), **fields)  # type: ignore[arg-type]  # names are checked by msgspec
    summary = await host.call(request)
    return host.session(summary.session_id)


async def until(session: Session, holds: Callable[[Snapshot], object]) -> Snapshot:
    """Wait until the snapshot is as described; an error says what it was instead."""
    if holds(session.snapshot):
        return session.snapshot
    try:
        async with asyncio.timeout(DEADLINE):
            async for _ in session.events(session.snapshot.seq, "tail"):
                if holds(session.snapshot):
                    break
    except TimeoutError:
        raise AssertionError(f"never came: {session.snapshot}") from None
    return session.snapshot


async def submit(session: Session, code: str, **fields: object) -> str:
    """Queue code; `fields` are those of `Execute` and of its options."""
    request = msgspec.convert(nest_options({"code": code, **fields}), Execute)
    return (await session.call(request)).execution_id


async def finished(session: Session, execution_id: str) -> ExecutionView:
    snapshot = await until(session, lambda s: not s.executions[execution_id].is_open)
    return snapshot.executions[execution_id]


async def run(session: Session, code: str, **fields: object) -> ExecutionView:
    return await finished(session, await submit(session, code, **fields))


async def rows(session: Session, view: ExecutionView) -> list[Run]:
    found: list[Run] = []
    while len(found) < view.total:
        page = await session.call(ReadRows(view.execution_id, len(found), 5000, whole=True))
        found += iter_rows(page.runs)
    return found


async def text(session: Session, view: ExecutionView, kind: str = "stdout") -> list[str]:
    return [plain(row.text) for row in await rows(session, view) if row.kind == kind]
