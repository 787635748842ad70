"""Kernels in containers of a real engine, driven by jupyter_client as any Jupyter program would."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from codeexec import open_session
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.policy import Policy
from codeexec.kernels.docker.kernelspec import PROVISIONER
from codeexec.program import RunningSession
from support.containers import ENGINE, IMAGE, own_containers, require_engine, workspace_in
from support.docker_bench import Bench, StartBench


@pytest.fixture(scope="session", autouse=True)
def engine() -> Engine:
    """The engine, with our image on it; without one everything here is skipped."""
    require_engine()
    group = KernelProvisionerFactory.GROUP_NAME
    if not entry_points(group=group, name=PROVISIONER):  # a checkout that is not installed
        where = "codeexec.kernels.docker.provisioner:DockerProvisioner"
        factory = KernelProvisionerFactory.instance()
        factory.provisioners[PROVISIONER] = EntryPoint(PROVISIONER, where, group)
    return Engine(ENGINE)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return workspace_in(tmp_path)


@pytest.fixture
async def start(workspace: Path) -> AsyncIterator[StartBench]:
    """Start kernels in the workspace; at the end no container of them may be left."""
    benches: list[Bench] = []

    async def one(policy: Policy | None = None, *, mount: bool = True, **more: object) -> Bench:
        bench = Bench(f"test-{uuid.uuid4().hex[:8]}")
        benches.append(bench)
        await bench.start(policy or Policy(), workspace if mount else None, **more)
        return bench

    yield one
    for bench in benches:
        await bench.close()
    assert [name for bench in benches for name in bench.left] == []


@pytest.fixture
async def locked_session(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningSession]:
    """A session under `locked`, whose environment has a secret; its containers end with it."""
    monkeypatch.setenv("SECRET_OF_THE_HOST", "word")
    async with open_session(
        "built", cwd=workspace, backend="docker", image=IMAGE, policy="locked"
    ) as opened:
        yield opened
    assert own_containers(opened.session_id) == []
