"""Kernels of a server are kept by its holder: over the death of either, to their exit code."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.events import NoticeGiven
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from support.servers import Apart, user, wait_until

pytestmark = pytest.mark.slow

DEADLINE = 90.0


async def until(session: SessionClient, holds: Callable[[Snapshot], object]) -> Snapshot:
    snapshot = Snapshot()
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events():
            snapshot = apply(snapshot, batch)
            if holds(snapshot):
                return snapshot
    raise AssertionError("the events ended before")


async def run(session: SessionClient, name: str, code: str) -> Snapshot:
    await session.call(q.Execute(code, execution_id=name))
    return await until(session, lambda s: name in s.executions and not s.executions[name].is_open)


def holders(apart: Apart) -> list[psutil.Process]:
    found = []
    for process in apart.processes():
        try:
            if "guest/holder.py" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def text_of(snapshot: Snapshot, name: str) -> str:
    view = snapshot.executions.get(name)
    return "" if view is None else "".join(run.text for run in view.tail)


async def test_all_kernels_of_a_server_are_children_of_one_holder(tmp_path: Path) -> None:
    with user() as apart:
        async with apart.client() as host:
            parents = set()
            for name in ("one", "two"):
                opened = await host.call(q.OpenSession(cwd=str(apart.work), name=name))
                snapshot = await run(host.session(opened.session_id), "e", "pass")
                assert snapshot.kernel.pid is not None
                parents.add(psutil.Process(snapshot.kernel.pid).ppid())
            assert parents == {each.pid for each in holders(apart)}
            assert len(parents) == 1
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")


async def test_the_next_server_is_told_how_an_adopted_kernel_ends() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            kernel = (await run(session, "first", "x = 41")).kernel.pid
            (holder,) = holders(apart)
            server = apart.pid
            assert server is not None
            os.kill(server, signal.SIGKILL)
            snapshot = await run(session, "second", "import os\nprint(x + 1)")
            assert text_of(snapshot, "second") == "42"
            assert (snapshot.kernel.pid, snapshot.kernel.generation) == (kernel, 1)
            assert apart.pid != server
            assert [each.pid for each in holders(apart)] == [holder.pid]
            # Of a process that is not a child of the server only the holder knows the code.
            await session.call(q.Execute("os._exit(7)", execution_id="exit"))
            ended = await until(session, lambda s: s.kernel.state == "dead")
            assert ended.kernel.death is not None
            assert ended.kernel.death.exit_code == 7
            assert text_of(await run(session, "third", "print('fresh')"), "third") == "fresh"
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")


async def test_how_a_kernel_ended_while_no_server_ran_is_told() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            code = (
                "import os, time\nprint('on', flush=True)\n"
                "while not os.path.exists('go'): time.sleep(0.01)\nos._exit(9)"
            )
            await session.call(q.Execute(code, execution_id="exit"))
            running = await until(session, lambda s: text_of(s, "exit"))
            kernel = running.kernel.pid
            assert kernel is not None
        server = apart.pid
        assert server is not None
        os.kill(server, signal.SIGKILL)
        (apart.work / "go").touch()
        await wait_until(lambda: not psutil.pid_exists(kernel), "the end of the kernel")
        await wait_until(lambda: not holders(apart), "the end of the holder")
        async with apart.client() as host:
            session = host.session(opened.session_id)
            ended = await until(session, lambda s: s.kernel.state == "dead")
            assert not ended.executions["exit"].is_open
            notices: list[str] = []
            async with asyncio.timeout(DEADLINE):
                async for batch in session.events():
                    events = [record.event for record in batch]
                    notices += [e.message for e in events if isinstance(e, NoticeGiven)]
                    if any("exited with code 9" in each for each in notices):
                        break
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")


async def test_kernels_live_on_when_their_holder_is_killed() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            kernel = (await run(session, "first", "x = 41")).kernel.pid
            (holder,) = holders(apart)
            holder.kill()
            await wait_until(lambda: not holders(apart), "the end of the holder")
            snapshot = await run(session, "second", "print(x + 1)")
            assert (text_of(snapshot, "second"), snapshot.kernel.pid) == ("42", kernel)
            # The next kernel has a holder again.
            await session.call(q.RestartKernel())
            snapshot = await run(session, "third", "print('fresh')")
            assert text_of(snapshot, "third") == "fresh"
            (fresh,) = holders(apart)
            assert snapshot.kernel.pid is not None
            assert psutil.Process(snapshot.kernel.pid).ppid() == fresh.pid
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")
