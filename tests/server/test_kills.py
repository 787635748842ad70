"""Done when: what was printed is what arrives, whoever is killed with -9 in between."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.events import ExecutionFinished, Recorded
from codeexec.domain.fold import apply
from codeexec.domain.outputs import iter_rows
from codeexec.domain.snapshot import Snapshot
from support.servers import Apart, poll, user, wait_until

pytestmark = pytest.mark.slow

LISTENER = Path(__file__).parents[1] / "support" / "listener.py"

LINES = 600
CODE = """
import time
for i in range({lines}):
    print('line', i, flush=True)
    time.sleep(0.01)
"""


def received(path: Path) -> list[int]:
    """The numbers of the lines that the listener wrote down; a torn last line does not count."""
    whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [int(n) for n in re.findall(r"^\d+ line (\d+)$", whole, re.MULTILINE)]


def listen(apart: Apart, session: str, path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(LISTENER), str(apart.paths.socket), session, str(path)],
        env=apart.environ,
    )


async def facts_until_end(session: SessionClient, execution_id: str) -> list[Recorded]:
    heard: list[Recorded] = []
    async with asyncio.timeout(90):
        async for batch in session.events(0, "full"):
            heard += batch
            for record in batch:
                event = record.event
                if isinstance(event, ExecutionFinished) and event.execution_id == execution_id:
                    return heard
    raise AssertionError("the events ended before the execution")


@pytest.mark.slow
async def test_twenty_kills_of_the_client_lose_no_line_and_double_none() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            path = apart.folder / "received"
            chance = random.Random(7)
            code = CODE.format(lines=LINES)
            await session.call(q.Execute(code, execution_id="flood"))
            for _ in range(20):
                before = len(received(path))
                listener = listen(apart, opened.session_id, path)
                wanted = before + chance.randrange(1, 20)
                await wait_until(
                    lambda wanted=wanted: len(received(path)) >= min(wanted, LINES),  # type: ignore[misc]
                    "the listener to hear some lines",
                )
                listener.kill()
                listener.wait()
            await facts_until_end(session, "flood")
            listener = listen(apart, opened.session_id, path)
            await wait_until(lambda: received(path)[-1] == LINES - 1, "the last line")
            listener.kill()
            listener.wait()
            assert received(path) == list(range(LINES))


@pytest.mark.slow
async def test_a_killed_server_loses_no_journaled_line_and_its_kernel_is_adopted() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            heard: list[Recorded] = []

            async def listen_throughout() -> None:
                async for batch in session.events(0, "full"):
                    heard.extend(batch)

            listening = asyncio.create_task(listen_throughout())
            code = CODE.format(lines=LINES)
            await session.call(q.Execute(code, execution_id="flood"))

            def shown() -> list[int]:
                view = apply(Snapshot(), heard).executions.get("flood")
                rows = [row.text for row in iter_rows(view.tail)] if view else []
                return [int(row.split()[1]) for row in rows if row.startswith("line ")]

            await wait_until(lambda: len(shown()) > 50, "the first lines")
            kernel = apply(Snapshot(), heard).kernel.pid
            before = len(heard)

            server = apart.pid
            assert server is not None
            os.kill(server, signal.SIGKILL)
            await wait_until(lambda: len(heard) > before + 5, "events from the next server")
            again = await facts_until_end(session, "flood")
            assert apart.pid != server
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
            snapshot = apply(Snapshot(), again)
            assert snapshot.kernel.pid == kernel
            assert snapshot.executions["flood"].status == "ok"
            # What was heard live is what the journal has, each event once and in order.
            assert [r.seq for r in again] == list(range(1, len(again) + 1))
            assert heard == again[: len(heard)]
            # The kernel kept what it printed while no server listened.
            assert await all_lines(session, "flood") == list(range(LINES))
            accepted = await session.call(q.Execute("i"))
            after = apply(Snapshot(), await facts_until_end(session, accepted.execution_id))
            part = after.executions[accepted.execution_id].displays[0].part("text/plain")
            assert part is not None
            assert part.text == str(LINES - 1)


async def all_lines(session: SessionClient, execution_id: str) -> list[int]:
    page = await session.call(q.ReadRows(execution_id, 0, 5000))
    assert page.total <= 5000
    rows = [row.text for row in iter_rows(page.runs)]
    return [int(row.split()[1]) for row in rows if row.startswith("line ")]


async def test_no_process_is_left_when_all_is_stopped() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            code = "import subprocess; subprocess.Popen(['sleep', '600']); 1"
            await session.call(q.Execute(code, execution_id="e"))
            await facts_until_end(session, "e")
            assert len(apart.processes()) >= 3
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")


async def test_a_server_told_to_terminate_leaves_its_kernels_to_the_next() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            await session.call(q.Execute("x = 42", execution_id="first"))
            kernel = apply(Snapshot(), await facts_until_end(session, "first")).kernel.pid
        server = apart.pid
        assert server is not None
        os.kill(server, signal.SIGTERM)
        await wait_until(lambda: apart.pid is None, "the server to end")
        assert kernel in [process.pid for process in apart.processes()]
        async with apart.client() as host:
            session = host.session("work")
            accepted = await session.call(q.Execute("x"))
            heard = await facts_until_end(session, accepted.execution_id)
            after = apply(Snapshot(), heard)
            assert after.kernel.pid == kernel
            part = after.executions[accepted.execution_id].displays[0].part("text/plain")
            assert part is not None
            assert part.text == "42"


async def test_a_server_that_nobody_needs_ends_by_itself() -> None:
    with user(CODEEXEC_SESSIONS_IDLE_HOST="0.5") as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), start_kernel=False))
            await host.call(q.StopSession(opened.session_id))
            assert len(apart.processes()) == 1
        await wait_until(lambda: not apart.processes(), "the server to end")
        assert not apart.paths.socket.exists()


async def test_a_killed_client_leaves_the_session_running() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work)))
            session = host.session(opened.session_id)
            listener = listen(apart, opened.session_id, apart.folder / "received")

            async def clients() -> int:
                return len((await session.call(q.GetUsage())).clients)

            await poll(clients, lambda count: count == 1, "the client")  # no event tells it
            listener.kill()
            listener.wait()
            await poll(clients, lambda count: count == 0, "its end")
            await session.call(q.Execute("1", execution_id="e"))
            heard = await facts_until_end(session, "e")
            assert apply(Snapshot(), heard).executions["e"].status == "ok"
