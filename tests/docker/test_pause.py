"""A container that stands still: what runs goes on afterwards, what is asked meanwhile waits."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.domain.errors import Conflict, UsageError
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import (
    Complete,
    Execute,
    Interrupt,
    ListSessions,
    OpenSession,
    PauseKernel,
    RefreshVariables,
    RestartKernel,
    StopSession,
    UnpauseKernel,
)
from codeexec.environments.docker.engine import Engine
from support.containers import ENGINE, IMAGE, containers, give_away
from support.programs import COMMAND
from support.servers import Apart, user
from support.sessions import finished, open_host, open_session, run, submit, text, until

pytestmark = pytest.mark.docker

STEPS = """
import os, time
for i in range(100):
    print(i, flush=True)
    while i == 50 and not os.path.exists("go"): time.sleep(0.01)
"""
"""Halts in the middle until a file is there."""


@pytest.fixture(autouse=True)
def in_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.sessions.BACKEND", "docker")


async def test_it_stands_still_and_goes_on_where_it_was(tmp_path: Path, workspace: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        counting = await submit(session, STEPS)
        await until(session, lambda s: s.executions[counting].total > 3)
        await session.call(PauseKernel())
        await session.call(PauseKernel())  # it is already
        [summary] = (await host.call(ListSessions())).sessions
        assert summary.state == "paused"
        later = await submit(session, "print('later')")
        with pytest.raises(Conflict, match="paused"):
            await session.call(Interrupt())
        with pytest.raises(Conflict, match="paused"):
            await session.call(Complete("pri", 3))
        with pytest.raises(Conflict, match="paused"):
            await session.call(RefreshVariables())
        assert [view.execution_id for view in session.snapshot.queue] == [later]
        assert session.snapshot.kernel.state == "busy"
        (workspace / "go").touch()
        await session.call(UnpauseKernel())
        view = await finished(session, counting)
        assert await text(session, view) == [str(i) for i in range(100)]
        assert await text(session, await finished(session, later)) == ["later"]
        assert not session.snapshot.kernel.paused


async def test_the_time_that_a_run_may_take_stands_still_as_well(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        await run(session, "import os, time")
        waits = "while not os.path.exists('go'): time.sleep(0.01)"
        taken = await session.call(Execute(waits, options=ExecuteOptions(timeout=6.0)))
        await until(session, lambda s: s.executions[taken.execution_id].started_at)
        await session.call(PauseKernel())
        await asyncio.sleep(6.2)  # longer than it may take
        (workspace / "go").touch()
        await session.call(UnpauseKernel())
        assert (await finished(session, taken.execution_id)).status == "ok"
        late = await session.call(Execute("while True: pass", options=ExecuteOptions(timeout=2.0)))
        await until(session, lambda s: s.executions[late.execution_id].started_at)
        await session.call(PauseKernel())
        await session.call(UnpauseKernel())
        assert (await finished(session, late.execution_id)).status == "timed_out"


async def test_a_restart_keeps_the_container_and_a_stop_leaves_none(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        await run(session, "x = 1")
        before = containers(session.session_id)
        await session.call(PauseKernel())
        await session.call(RestartKernel())
        assert containers(session.session_id) == before
        assert (await run(session, "x")).status == "error"
        await session.call(PauseKernel())
        await host.call(StopSession(session.session_id))
        assert containers(session.session_id) == []


async def test_a_paused_container_that_is_removed_is_told_as_dead(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        await run(session, "1")
        await session.call(PauseKernel())
        [name] = containers(session.session_id)
        await Engine(ENGINE).call("rm", "--force", name)
        snapshot = await until(session, lambda s: s.kernel.state == "dead")
        assert not snapshot.kernel.paused
        assert await text(session, await run(session, "print(6 * 7)")) == ["42"]


async def test_a_restart_under_another_policy_is_another_container(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        await run(session, "1")
        before = containers(session.session_id)
        with pytest.raises(UsageError):
            await session.call(RestartKernel(policy="loose"))
        assert containers(session.session_id) == before
        await session.call(RestartKernel(policy="network memory=1GB"))
        kernel = session.snapshot.kernel.kernel
        assert kernel is not None
        assert kernel.policy == "network, changed · network · 1 GB · 1 cpu"
        assert kernel.engine == Path(ENGINE).name
        assert not set(before) & set(containers(session.session_id))


async def test_a_kernel_of_this_machine_is_not_paused(tmp_path: Path, workspace: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, backend="local")
        await run(session, "1")
        with pytest.raises(UsageError, match="in a container"):
            await session.call(PauseKernel())
        with pytest.raises(UsageError, match="for containers"):
            await session.call(RestartKernel(policy="open"))
        await session.call(UnpauseKernel())
        assert (await run(session, "1")).status == "ok"


@pytest.fixture
def apart() -> Iterator[Apart]:
    with user(CODEEXEC_DOCKER_ENGINE=ENGINE, CODEEXEC_DOCKER_IMAGE=IMAGE) as found:
        give_away(found.work)
        yield found


async def test_from_the_command_line(apart: Apart) -> None:
    def told(*words: str) -> str:
        done = subprocess.run(
            [*COMMAND, *words], env=apart.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    async with apart.client() as host:
        opened = await host.call(OpenSession(cwd=str(apart.work), name="w", backend="docker"))
        session = host.session(opened.session_id)
        await session.call(Execute("1", execution_id="one"))
        async for batch in session.events(0, "tail"):
            if any(getattr(each.event, "status", "") == "ok" for each in batch):
                break
        assert await asyncio.to_thread(told, "sessions", "pause", "w") == "paused: w\n"
        listed = await asyncio.to_thread(told, "sessions", "list", "--json")
        assert json.loads(listed)["state"] == "paused"
        assert "paused" in await asyncio.to_thread(told, "sessions", "show", "w")
        words = ("sessions", "unpause", "w", "--json")
        assert json.loads(await asyncio.to_thread(told, *words)) == {"unpaused": ["w"]}
        [summary] = (await host.call(ListSessions())).sessions
        assert summary.state == "idle"
        await host.call(StopSession(opened.session_id))
