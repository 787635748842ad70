"""Every environment there is, as one parametrised fixture: the contract is the same for all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec.environments.base import Environment
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.local import LocalEnvironment
from support.containers import ENGINE, IMAGE, require_engine, workspace_in


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return workspace_in(tmp_path)


@pytest.fixture(
    params=[
        "local",
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("docker without a mount", marks=pytest.mark.docker),
    ]
)
async def environment(
    request: pytest.FixtureRequest, workspace: Path
) -> AsyncIterator[Environment]:
    if request.param == "local":
        local = LocalEnvironment(workspace)
        yield local
        await local.terminate()
        return
    require_engine()
    folder = workspace if request.param == "docker" else None
    plan = ContainerPlan(IMAGE, workspace=folder, engine=Engine(ENGINE), session="contract")
    container = await DockerEnvironment.create(plan)
    yield container
    await container.terminate()
