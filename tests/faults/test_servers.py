"""The server process among full disks and `kill -9` at random moments."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal

import pytest

from codeexec.client.socket import SocketHost
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, StorageError
from codeexec.domain.events import Recorded
from codeexec.domain.fold import apply
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.snapshot import Snapshot
from support.disks import small_disk
from support.invariants import check_journal
from support.servers import Apart, short_folder, wait_until

pytestmark = pytest.mark.slow

CODES = (
    "1 + 1",
    "for i in range(200): print('line', i)",
    "import time\nfor i in range(30):\n    print('tick', i, flush=True)\n    time.sleep(0.01)",
    "1 / 0",
)


async def test_a_full_disk_is_told_by_the_server_and_outlived() -> None:
    with short_folder() as folder, small_disk(folder, 16) as disk:
        apart = Apart(folder)
        apart.environ["XDG_STATE_HOME"] = str(disk.path)
        try:
            async with apart.client() as host:
                opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
                session = host.session(opened.session_id)
                await session.call(q.Execute("x = 42", execution_id="first"))
                before = await _finished(session.events(0, "tail"), "first")
                disk.fill()
                with pytest.raises(StorageError) as caught:
                    while True:
                        await session.call(q.Execute("1 #" + "x" * 2**16))
                assert "full" in caught.value.message
                assert caught.value.next_step
                pid = apart.pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                # No server can do anything now; who asks is told why.
                with pytest.raises(CodeexecError) as told:
                    async with asyncio.timeout(90):
                        while True:
                            await host.call(q.OpenSession(cwd=str(apart.work), name="other"))
                assert "full" in str(told.value) or "space" in str(told.value)
                assert told.value.next_step
            disk.free()
            async with apart.client() as host:
                async with asyncio.timeout(90):
                    while not (await host.call(q.ListSessions())).sessions:  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                session = host.session(opened.session_id)
                await session.call(q.Execute("print(x)", execution_id="last"))
                after = await _finished(session.events(0, "tail"), "last")
                assert after.executions["last"].tail[0].text == "42"
                assert after.kernel.pid == before.kernel.pid
                await host.call(q.StopHost(sessions=True))
            await wait_until(lambda: not apart.processes(), "all processes to end")
            check_journal(apart.paths.state / "sessions" / opened.session_id)
        finally:
            apart.clean_up()


async def test_a_disk_that_is_full_from_the_start_is_told() -> None:
    with short_folder() as folder, small_disk(folder, 1) as disk:
        disk.fill()
        apart = Apart(folder)
        apart.environ["XDG_STATE_HOME"] = str(disk.path)
        try:
            async with apart.client() as host:
                with pytest.raises(CodeexecError) as told:
                    await host.call(q.GetHostInfo())
            assert "no space is left" in told.value.message
            assert told.value.next_step
            disk.free()
            async with apart.client() as host:
                assert (await host.call(q.GetHostInfo())).pid == apart.pid
                await host.call(q.StopHost())
            await wait_until(lambda: not apart.processes(), "the server to end")
        finally:
            apart.clean_up()


async def _finished(events: object, execution_id: str) -> Snapshot:
    snapshot = Snapshot()
    async with asyncio.timeout(90):
        async for batch in events:  # type: ignore[attr-defined]
            snapshot = apply(snapshot, batch)
            view = snapshot.executions.get(execution_id)
            if view is not None and not view.is_open:
                return snapshot
    raise AssertionError(f"{execution_id} has never ended")


@pytest.mark.slow
async def test_a_server_killed_at_random_moments_loses_nothing_that_it_took() -> None:
    with short_folder() as folder:
        apart = Apart(folder)
        try:
            async with apart.client() as host:
                await _storm(apart, host)
            await wait_until(lambda: not apart.processes(), "all processes to end")
        finally:
            apart.clean_up()


async def _storm(apart: Apart, host: SocketHost) -> None:
    chance = random.Random(11)
    opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
    session = host.session(opened.session_id)
    heard: list[Recorded] = []
    taken: list[str] = []

    async def listen() -> None:
        async for batch in session.events(0, "full"):
            heard.extend(batch)

    async def ask() -> None:
        for number in range(80):
            options = ExecuteOptions(stop_on_error=False)
            request = q.Execute(chance.choice(CODES), f"e{number}", options=options)
            taken.append((await session.call(request)).execution_id)
            if number % 25 == 24:
                with contextlib.suppress(CodeexecError):  # the line may drop meanwhile
                    await session.call(q.RestartKernel())
            await asyncio.sleep(chance.uniform(0, 0.15))

    listening = asyncio.create_task(listen())
    asking = asyncio.create_task(ask())
    kills = 0
    while not asking.done():
        await asyncio.wait({asking}, timeout=chance.uniform(0.3, 2.0))
        pid = apart.pid
        if pid is not None and kills < 8 and not asking.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                kills += 1
    await asking
    assert kills >= 3
    await session.call(q.Execute("print('calm')", "calm"))
    snapshot = await _finished(session.events(0, "tail"), "calm")
    assert snapshot.executions["calm"].tail[0].text == "calm"
    assert set(taken) <= snapshot.executions.keys()
    folded = check_journal(apart.paths.state / "sessions" / opened.session_id)
    # What was heard over all the servers is what the journal holds, each event once.
    await wait_until(lambda: len(heard) >= folded.seq, "the listener to catch up")
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    check_journal(apart.paths.state / "sessions" / opened.session_id, heard=heard)
    await host.call(q.StopHost(sessions=True))
