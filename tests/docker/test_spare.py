"""A container kept ready: taken by the next session of its folder, and never left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan
from codeexec.environments.docker.policy import parse
from codeexec.kernels.docker.warm_pool import WarmPool
from codeexec.session.host import Host
from support.containers import ENGINE, IMAGE, container_kernels, own_containers, until
from support.sessions import open_session, run, text

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeexec.kernels.docker.warm_pool.AFTER", 0.0)


async def one_waits() -> bool:
    return len(own_containers("spare")) == 1


async def test_the_next_session_of_a_folder_takes_it(tmp_path: Path, workspace: Path) -> None:
    host = Host(tmp_path / "state", container_kernels(spare=True))
    await host.start()
    try:
        first = await open_session(host, workspace, backend="docker")
        await run(first, "x = 1")
        await until(one_waits)
        [waiting] = own_containers("spare")
        second = await open_session(host, workspace, backend="docker")
        view = await run(second, "print('x' in dir())")
        assert await text(second, view) == ["False"]
        assert waiting in own_containers("spare")

        async def another_waits() -> bool:
            return len(own_containers("spare")) == 2

        await until(another_waits)
    finally:
        await host.close(leave_kernels=False)
    assert own_containers("spare") == []


async def test_it_is_for_its_plan_alone_and_does_not_wait_for_ever(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(ENGINE)
    plan = ContainerPlan(IMAGE, workspace=workspace, engine=engine, session="mine")
    other = ContainerPlan(IMAGE, parse("network"), workspace, engine, "mine")
    engine_info = await engine.info()
    spare = WarmPool()
    await spare.make(plan, engine_info)
    await until(one_waits)
    assert spare.take(other) is None
    [before] = own_containers("spare")
    await spare.make(other, engine_info)
    assert before not in own_containers("spare")
    await until(one_waits)
    await spare.close()
    assert own_containers("spare") == []

    monkeypatch.setattr("codeexec.kernels.docker.warm_pool.KEPT", 0.2)
    await spare.make(plan, engine_info)
    making = spare.making
    assert making is not None
    await making
    assert spare.is_ready

    async def nobody_waits() -> bool:
        return own_containers("spare") == []

    await until(nobody_waits)
    assert not spare.is_ready


async def test_an_image_that_is_not_there_is_no_disaster(workspace: Path) -> None:
    engine = Engine(ENGINE)
    spare = WarmPool()
    await spare.make(ContainerPlan("codeexec-none:1", workspace=workspace), await engine.info())
    making = spare.making
    assert making is not None
    await making
    assert not spare.is_ready
    await spare.close()
