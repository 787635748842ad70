"""Programs of a session go on when its server is killed: all output once, and how they ended."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.fold import apply
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import iter_rows
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.environments.processes import identify
from support.servers import Apart, user, wait_until

pytestmark = pytest.mark.slow

DEADLINE = 90.0
COUNT = 20_000
PRINTER = f"""\
i=0
while [ $i -lt {COUNT} ]; do i=$((i+1)); echo "line $i"; done
while [ ! -e go ]; do sleep 0.02; done
echo "ünd $((6 * 7))"
exit 3
"""


async def start(session: SessionClient, code: str, language: str) -> None:
    options = ExecuteOptions(language=language)
    await session.call(q.Execute(code, execution_id="program", options=options))


async def all_rows(session: SessionClient, total: int) -> list[str]:
    rows: list[str] = []
    while len(rows) < total:
        page = await session.call(q.ReadRows("program", len(rows), 5_000))
        rows += [row.text for row in iter_rows(page.runs)]
    return rows


async def until(session: SessionClient, holds: Callable[[Snapshot], object]) -> Snapshot:
    snapshot = Snapshot()
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events():
            snapshot = apply(snapshot, batch)
            if holds(snapshot):
                return snapshot
    raise AssertionError("the events ended before")


def text_of(snapshot: Snapshot, name: str) -> str:
    view = snapshot.executions.get(name)
    return "" if view is None else "".join(run.text for run in view.tail)


async def ended(session: SessionClient) -> ExecutionView:
    snapshot = await until(
        session, lambda s: "program" in s.executions and not s.executions["program"].is_open
    )
    return snapshot.executions["program"]


async def kill_while_it_prints(apart: Apart) -> str:
    async with apart.client() as host:
        opened = await host.call(
            q.OpenSession(cwd=str(apart.work), name="work", start_kernel=False)
        )
        session = host.session(opened.session_id)
        await start(session, PRINTER, "bash")
        await until(session, lambda s: "line" in text_of(s, "program"))
        server = apart.pid
    assert server is not None
    os.kill(server, signal.SIGKILL)
    return opened.session_id


@pytest.mark.parametrize("ends_before", [False, True])
async def test_the_output_of_a_program_is_whole_after_a_crash(ends_before: bool) -> None:
    with user() as apart:
        session_id = await kill_while_it_prints(apart)
        if ends_before:
            (apart.work / "go").touch()
            await wait_until(lambda: not apart.processes(), "the end of the program")
        async with apart.client() as host:
            session = host.session(session_id)
            (apart.work / "go").touch()
            view = await ended(session)
            assert view.status == "error"
            assert view.error is not None
            assert (view.error.name, view.error.value) == ("SystemExit", "3")
            assert [(step.name, step.code) for step in view.steps] == [("run", 3)]
            expected = [*(f"line {number}" for number in range(1, COUNT + 1)), "ünd 42"]
            assert await all_rows(session, view.total) == expected
            # The kernel goes on, and nothing is left of the program.
            await session.call(
                q.Execute("echo next", execution_id="next", options=ExecuteOptions(kernel="bash"))
            )
            await until(session, lambda s: text_of(s, "next") == "next")
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")


async def test_a_build_is_begun_again_after_a_crash(tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    shim, seen = tmp_path / "g++", tmp_path / "seen"
    shim.write_text(
        f'#!/bin/sh\n[ -e {seen} ] && exec {compiler} "$@"\necho begun >&2\n'
        f"echo $$ > {seen}.new; mv {seen}.new {seen}\nexec sleep 600\n"
    )
    shim.chmod(0o755)
    with user(PATH=f"{tmp_path}:{os.environ['PATH']}") as apart:
        async with apart.client() as host:
            opened = await host.call(
                q.OpenSession(cwd=str(apart.work), name="work", start_kernel=False)
            )
            session = host.session(opened.session_id)
            await start(session, "int main() { return 5; }", "cpp")
            await until(session, lambda s: "begun" in text_of(s, "program"))
            await wait_until(seen.exists, "the compiler")
            server = apart.pid
        assert server is not None
        os.kill(server, signal.SIGKILL)
        async with apart.client() as host:
            session = host.session(opened.session_id)
            view = await ended(session)
            assert view.error is not None
            assert (view.error.name, view.error.value) == ("SystemExit", "5")
            assert identify(int(seen.read_text())) is None
            assert view.total == 0
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")
