"""The session server with kernels in containers: whoever is killed, nothing journaled is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.events import ExecutionFinished, Recorded
from codeexec.domain.fold import apply
from codeexec.domain.outputs import iter_rows
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.environments.docker.engine import Engine
from support.containers import ENGINE, IMAGE, containers, give_away
from support.programs import Terminal
from support.servers import Apart, user, wait_until

pytestmark = pytest.mark.docker

FLOOD = (
    "import time\nfor i in range(100_000):\n    print('line', i, flush=True)\n    time.sleep(0.002)"
)


@pytest.fixture
def apart() -> Iterator[Apart]:
    with user(CODEEXEC_DOCKER_ENGINE=ENGINE, CODEEXEC_DOCKER_IMAGE=IMAGE) as found:
        give_away(found.work)
        yield found


class Watcher:
    """All that one client hears of a session, through every kill; the fold of it."""

    def __init__(self, session: SessionClient) -> None:
        self.heard: list[Recorded] = []
        self.snapshot = Snapshot()
        self.session = session
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for batch in self.session.events(0, "full"):
            self.heard += batch
            self.snapshot = apply(self.snapshot, batch)

    async def ended(self, execution_id: str) -> ExecutionView:
        def has_ended() -> bool:
            view = self.snapshot.executions.get(execution_id)
            return view is not None and not view.is_open

        await wait_until(has_ended, f"the end of {execution_id}")
        return self.snapshot.executions[execution_id]

    async def hears(self, count: int) -> None:
        await wait_until(lambda: len(self.heard) >= count, "what was heard before")

    async def run(self, code: str) -> ExecutionView:
        accepted = await self.session.call(q.Execute(code))
        return await self.ended(accepted.execution_id)

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


def shown(view: ExecutionView) -> list[str]:
    return [row.text for row in iter_rows(view.tail)]


async def no_container(session_id: str) -> float:
    """How long it took until none was left."""
    began = time.monotonic()
    await wait_until(lambda: not containers(session_id), "the container to end")
    return time.monotonic() - began


async def test_detached_attached_and_answered_by_another_client(apart: Apart) -> None:
    async with apart.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(apart.work), name="w", backend="docker"))
        session = host.session(opened.session_id)
        await session.call(q.Execute("print('hello', input('who? '))", execution_id="asks"))
        watcher = Watcher(session)
        await wait_until(lambda: watcher.snapshot.running is not None, "the question")
        await watcher.close()
    async with apart.client() as host:
        watcher = Watcher(host.session(opened.session_id))
        await wait_until(
            lambda: (
                (view := watcher.snapshot.executions.get("asks")) is not None
                and view.stdin is not None
            ),
            "the question",
        )
        request = watcher.snapshot.executions["asks"].stdin
        assert request is not None
        assert watcher.snapshot.kernel.kernel is not None
        assert watcher.snapshot.kernel.kernel.policy.startswith("locked · no network")
        await watcher.session.call(q.AnswerStdin(request.request_id, "you"))
        assert shown(await watcher.ended("asks"))[-1].endswith("hello you")
        await watcher.close()
        await host.call(q.StopHost(sessions=True))
    await no_container(opened.session_id)


async def test_a_killed_server_takes_its_container_along_and_says_so(apart: Apart) -> None:
    async with apart.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(apart.work), name="w", backend="docker"))
        watcher = Watcher(host.session(opened.session_id))
        await watcher.session.call(q.Execute(FLOOD, execution_id="flood"))
        await wait_until(
            lambda: (
                (view := watcher.snapshot.executions.get("flood")) is not None and view.total > 20
            ),
            "the first lines",
        )
        [before] = containers(opened.session_id)
        server = apart.pid
        assert server is not None
        os.kill(server, signal.SIGKILL)
        view = await watcher.ended("flood")  # by the next server, which the client starts
        assert view.status == "lost"
        assert "its container" in view.reason or "container ends with it" in view.reason
        assert watcher.snapshot.kernel.state == "dead"
        await no_container(opened.session_id)
        assert shown(await watcher.run("print(6 * 7)")) == ["42"]
        [after] = containers(opened.session_id)
        assert after != before
        page = await watcher.session.call(q.ReadRows("flood", 0, 5000))
        lines = [int(row.text.split()[1]) for row in iter_rows(page.runs)]
        assert lines == list(range(len(lines)))
        assert len(lines) > 20
        await watcher.close()
        await host.call(q.StopHost(sessions=True))


async def test_a_paused_container_of_a_killed_server_is_swept_by_the_next(apart: Apart) -> None:
    async with apart.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(apart.work), name="w", backend="docker"))
        watcher = Watcher(host.session(opened.session_id))
        await watcher.run("1")
        [name] = containers(opened.session_id)
        await Engine(ENGINE).call("pause", name)
        server = apart.pid
        assert server is not None
        os.kill(server, signal.SIGKILL)
        # The client starts the next server, which finds the session and looks for leftovers.
        await no_container(opened.session_id)
        await watcher.close()
        await host.call(q.StopHost(sessions=True))


def _cli_of(name: str) -> int | None:
    found = subprocess.run(["pgrep", "-f", f"name {name}"], capture_output=True, text=True)
    return int(found.stdout.split()[0]) if found.returncode == 0 else None


def _kernel_of(name: str) -> int | None:
    """The kernel's process as this machine numbers it: never the number that it has inside."""
    wanted = ("hpid", "args") if Path(ENGINE).name == "podman" else ("-eo", "pid,args")
    top = subprocess.run([ENGINE, "top", name, *wanted], capture_output=True, text=True)
    for line in top.stdout.splitlines()[1:]:
        number = line.split()[0]
        if "launch.py" in line and number.isdigit():
            status = Path(f"/proc/{number}/status").read_text()
            levels = status.partition("NSpid:")[2].splitlines()[0].split()
            assert len(levels) > 1, "a process of this machine is not the kernel in the container"
            return int(number)
    return None


def _kill(victim: str, apart: Apart, session_id: str) -> None:
    [name] = containers(session_id)
    pid: int | None = None
    match victim:
        case "server":
            pid = apart.pid
        case "engine's client":
            pid = _cli_of(name)
        case "kernel":
            pid = _kernel_of(name)
        case _:
            subprocess.run([ENGINE, "kill", name], capture_output=True, check=True)
            return
    assert pid is not None, victim
    os.kill(pid, signal.SIGKILL)


def _kill_workbench(apart: Apart, seconds: float) -> None:
    """One that has attached and shows what runs, so many seconds later."""
    with Terminal(
        ("attach", "w"), home=apart.folder, cwd=apart.work, env=apart.environ
    ) as terminal:
        terminal.shows("▶ busy")
        time.sleep(seconds)
        os.killpg(terminal.pid, signal.SIGKILL)
        assert terminal.ends() == -signal.SIGKILL


VICTIMS = ("server", "engine's client", "container", "kernel", "client", "workbench")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_fifty_kills_at_random_moments_lose_nothing_that_was_journaled(apart: Apart) -> None:
    chance = random.Random(4)
    slowest = 0.0
    async with apart.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(apart.work), name="w", backend="docker"))
        session_id = opened.session_id
        watcher = Watcher(host.session(session_id))
        await watcher.run("1")
        for turn in range(50):
            victim = VICTIMS[turn % len(VICTIMS)]
            execution = f"flood-{turn}"
            await watcher.session.call(q.Execute(FLOOD, execution_id=execution))
            await asyncio.sleep(chance.random() * 1.2)  # a moment that differs
            if victim == "workbench":
                await asyncio.to_thread(_kill_workbench, apart, chance.random())
                assert watcher.snapshot.executions[execution].status == "running"
                await watcher.session.call(q.RestartKernel())
            elif victim == "client":  # who listens goes away in the middle, and comes back
                await watcher.close()
                known = watcher.heard
                watcher = Watcher(host.session(session_id))
                await watcher.hears(len(known))
                assert watcher.heard[: len(known)] == known
                await watcher.session.call(q.RestartKernel())
            else:
                before, began = containers(session_id), time.monotonic()
                _kill(victim, apart, session_id)
                if victim != "kernel":
                    await wait_until(
                        lambda names=before: not set(names) & set(containers(session_id)),  # type: ignore[misc]
                        "the container to end",
                    )
                    slowest = max(slowest, time.monotonic() - began)
            view = watcher.snapshot.executions.get(execution)
            if view is None or view.is_open:
                view = await watcher.ended(execution)
            assert view.status in ("lost", "cancelled"), (turn, victim, view)
            assert view.reason
            again = await watcher.run("print(6 * 7)")
            assert shown(again) == ["42"], (turn, victim, again)
            assert len(containers(session_id)) == 1
        await watcher.close()
        replay = Watcher(host.session(session_id))
        await replay.hears(len(watcher.heard))
        await replay.close()
        # What was heard live is what the journal has, each event once and in order.
        assert replay.heard[: len(watcher.heard)] == watcher.heard
        assert [r.seq for r in replay.heard] == list(range(1, len(replay.heard) + 1))
        ends = Counter(
            record.event.execution_id
            for record in replay.heard
            if isinstance(record.event, ExecutionFinished)
        )
        assert set(ends.values()) == {1}
        assert len(ends) == 101
        for turn in range(50):
            page = await replay.session.call(q.ReadRows(f"flood-{turn}", 0, 5000))
            numbers = [
                int(m.group(1))
                for row in iter_rows(page.runs)
                if (m := re.fullmatch(r"line (\d+)", row.text))
            ]
            assert numbers == list(range(len(numbers)))
        await host.call(q.StopHost(sessions=True))
    print(json.dumps({"container gone after at most": round(slowest, 2)}))
    await no_container(session_id)
