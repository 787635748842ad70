"""What other clients run on a session's kernel, as `jupyter console --existing` does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from codeexec.domain.requests import AnswerStdin, Interrupt
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.session.session import Session
from support.invariants import check_journal
from support.programs import Terminal
from support.sessions import finished, open_host, open_session, run, submit, text, until

pytestmark = pytest.mark.slow


@contextmanager
def connected(session: Session) -> Iterator[BlockingKernelClient]:
    kernel = session.slots.default.supervisor.kernel
    assert kernel is not None
    client = BlockingKernelClient(connection_file=f"{kernel.handle()['folder']}/kernel.json")
    client.load_connection_file()
    client.start_channels()
    try:
        yield client
    finally:
        client.stop_channels()


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[tuple[Session, BlockingKernelClient]]:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "x = 1")
        with connected(session) as client:
            yield session, client
        check_journal(session.folder, snapshot=session.snapshot)


def of_code(snapshot: Snapshot, code: str) -> ExecutionView | None:
    return next((v for v in snapshot.executions.values() if v.code == code), None)


async def seen(session: Session, code: str, status: str = "") -> ExecutionView:
    def holds(snapshot: Snapshot) -> bool:
        view = of_code(snapshot, code)
        return view is not None and (not status or view.status == status)

    view = of_code(await until(session, holds), code)
    assert view is not None
    return view


async def test_what_another_client_runs_appears_with_its_origin(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, client):
        client.execute("print('theirs', x)")
        view = await seen(session, "print('theirs', x)", "ok")
        assert view.origin.startswith("jupyter client")
        assert await text(session, view) == ["theirs 1"]
        assert view.count == 2
        client.execute("1 / 0")
        view = await seen(session, "1 / 0", "error")
        assert view.error is not None
        assert view.error.name == "ZeroDivisionError"
        client.execute("hidden = 1", silent=True)
        ours = await run(session, "print('ours')")
        assert await text(session, ours) == ["ours"]
        assert of_code(session.snapshot, "hidden = 1") is None


async def test_ours_waits_for_theirs_which_can_be_interrupted(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, client):
        code = "import time; print('on', flush=True); time.sleep(60)"
        client.execute(code)
        theirs = await seen(session, code, "running")
        await until(session, lambda s: s.executions[theirs.execution_id].total)
        ours = await submit(session, "print('next')")
        assert session.snapshot.executions[ours].status == "queued"
        await session.call(Interrupt())
        assert (await finished(session, theirs.execution_id)).status == "cancelled"
        assert (await finished(session, ours)).status == "ok"


async def test_theirs_that_begins_while_ours_runs_ends_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, client):
        ours = await submit(session, "print(input('? '))")
        asked = await until(session, lambda s: s.executions[ours].stdin is not None)
        client.execute("print('theirs after ours')")
        question = asked.executions[ours].stdin
        assert question is not None
        later = await submit(session, "print('later')")
        await session.call(AnswerStdin(question.request_id, "yes"))
        for each in (ours, later):
            assert (await finished(session, each)).status == "ok"
        await seen(session, "print('theirs after ours')", "ok")


async def test_theirs_ends_with_a_kernel_that_dies(tmp_path: Path) -> None:
    async with opened(tmp_path) as (session, client):
        code = "import os, time; time.sleep(0.2); os._exit(3)"
        client.execute(code)
        assert (await seen(session, code, "lost")).status == "lost"


async def test_a_real_console_shares_the_kernel_and_its_exit_is_told(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "x = 1")
        kernel = session.slots.default.supervisor.kernel
        assert kernel is not None
        words = ("--existing", f"{kernel.handle()['folder']}/kernel.json")
        command = (sys.executable, "-m", "jupyter_console")
        with Terminal(words, home=tmp_path, cwd=tmp_path, command=command, columns=120) as console:
            await asyncio.to_thread(console.shows, "In [1]:", 60)
            console.press("print('theirs', x + 1)\r")
            await asyncio.to_thread(console.shows, "theirs 2")
            view = await seen(session, "print('theirs', x + 1)", "ok")
            assert view.origin.startswith("jupyter client")
            assert await text(session, view) == ["theirs 2"]
            console.press("input('their question? ')\r")
            await asyncio.to_thread(console.shows, "\ntheir question?")
            console.press("answer\r")
            await seen(session, "input('their question? ')", "ok")
            ours = await run(session, "print('ours', x)")
            assert await text(session, ours) == ["ours 1"]
            await asyncio.to_thread(console.shows, "In [4]:")
            console.press("exit\r")
            await asyncio.to_thread(console.ends)
        # Its `exit`, as `%exit` of IPython has it, shuts down the kernel that it is connected to.
        death = (await until(session, lambda s: s.kernel.death is not None)).kernel.death
        assert death is not None
        assert "Another program" in death.message
        assert (await run(session, "print('anew')")).status == "ok"
        check_journal(session.folder, snapshot=session.snapshot)
