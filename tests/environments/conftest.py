"""Every environment there is, as one parametrised fixture: the contract is the same for all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from codeexec.domain.places.ssh import SshPlace
from codeexec.environments.base import Environment
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.ssh.environment import SshEnvironment
from support.containers import ENGINE, IMAGE, require_engine, workspace_in
from support.servers import short_folder
from support.ssh_server import SshServer, ssh_server


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return workspace_in(tmp_path)


@pytest.fixture(scope="session")
def ssh_machine() -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home").mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CODEEXEC_SSH", server.command)
            yield server


@pytest.fixture(
    params=[
        "local",
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("docker without a mount", marks=pytest.mark.docker),
        pytest.param("ssh", marks=pytest.mark.slow),
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
    if request.param == "ssh":
        request.getfixturevalue("ssh_machine")
        far = await SshEnvironment.create(SshPlace("bare", 0, str(workspace)))
        yield far
        assert await far.end()
        return
    require_engine()
    folder = workspace if request.param == "docker" else None
    plan = ContainerPlan(IMAGE, workspace=folder, engine=Engine(ENGINE), session="contract")
    container = await DockerEnvironment.create(plan)
    yield container
    await container.terminate()
