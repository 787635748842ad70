"""A session's kernel in a container, by the Life that needs no jupyter_client."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from codeexec.domain.errors import KernelUnavailable
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan
from codeexec.kernels.docker.life import ContainerLife
from codeexec.kernels.docker.process import ContainerKernel, KernelCommand
from codeexec.kernels.jupyter.life import KernelProcess
from support.containers import ENGINE, IMAGE, own_containers, until

pytestmark = pytest.mark.docker


async def test_it_lives_through_restarts_and_leaves_nothing(workspace: Path) -> None:
    plan = ContainerPlan(IMAGE, workspace=workspace, engine=Engine(ENGINE), session="test-life")
    life = ContainerLife(plan)
    as_seen: KernelProcess = life
    first = await as_seen.launch()
    assert as_seen.is_alive
    container = own_containers("test-life")
    await as_seen.kill(restart=True)
    assert not as_seen.is_alive
    assert await as_seen.launch() == first
    assert own_containers("test-life") == container

    async def known() -> bool:
        return (as_seen.usage().rss or 0) > 1 << 20

    await until(known)
    assert await as_seen.signal(signal.SIGKILL)
    await asyncio.wait_for(as_seen.wait(), 90)
    death = await as_seen.explain()
    assert death.signal == signal.SIGKILL
    assert "SIGKILL" in death.message
    await as_seen.kill()
    assert own_containers("test-life") == []


async def test_an_image_that_is_not_there(workspace: Path) -> None:
    life = ContainerLife(ContainerPlan("codeexec-no-such-image:1", workspace=workspace))
    with pytest.raises(KernelUnavailable) as caught:
        await life.launch()
    assert "docker build" in caught.value.next_step


async def test_an_image_without_ipykernel_is_named(workspace: Path) -> None:
    plan = ContainerPlan(IMAGE, workspace=workspace, engine=Engine(ENGINE), session="test-life")
    life = ContainerLife(plan, KernelCommand(("python3", "-IS", "-m", "ipykernel_launcher")))
    await life.launch()
    await asyncio.wait_for(life.wait(), 90)
    assert "has no ipykernel" in (await life.explain()).message
    assert "ipykernel" in life.last_words()
    await life.kill()


async def test_a_limit_that_the_engine_ignores_is_told_once(workspace: Path) -> None:
    engine = Engine(ENGINE)
    plan = ContainerPlan(IMAGE, workspace=workspace, engine=engine, session="test-life")
    # As an engine that is rootless on cgroup v1 describes itself.
    engine_info = replace(await engine.info(), limits_memory=False, limits_pids=False)

    async def make() -> ContainerKernel:
        return ContainerKernel(plan, engine_info=engine_info)

    told: list[str] = []
    life = ContainerLife(plan, tell=lambda title, message: told.append(message), make=make)
    await life.launch()
    await life.kill(restart=True)
    await life.launch()
    await life.kill()
    assert [message.partition(":")[0] for message in told] == [
        "This engine does not enforce the limit of memory",
        "This engine does not enforce the limit of processes",
    ]
    assert own_containers("test-life") == []
