"""Every environment there is, as one parametrised fixture: the contract is the same for all."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codeexec.domain.places.ssh import SshPlace
from codeexec.environments.base import Environment
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.ssh.environment import SshEnvironment
from support.containers import ENGINE, IMAGE, require_engine, workspace_in
from support.jupyter_servers import SERVER_SECONDS, TestServer, jupyter_server, served_place
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


@pytest.fixture(scope="session")
def served_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestServer, Path]]:
    """A Jupyter server, and the folder whose files it serves."""
    root = tmp_path_factory.mktemp("served")
    folder = tmp_path_factory.mktemp("contents-server")
    with jupyter_server(folder, root=root) as server:
        yield server, root


ENVIRONMENTS = (
    "local",
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("docker without a mount", marks=pytest.mark.docker),
    pytest.param("ssh", marks=pytest.mark.slow),
)
SERVED = pytest.param("server", marks=[pytest.mark.slow, pytest.mark.timeout(SERVER_SECONDS)])


@pytest.fixture(params=ENVIRONMENTS)
async def environment(
    request: pytest.FixtureRequest, workspace: Path
) -> AsyncIterator[Environment]:
    """Where commands run, and no link is followed."""
    async with environment_of(request, workspace) as environment:
        yield environment


@pytest.fixture(params=[*ENVIRONMENTS, SERVED])
async def place(request: pytest.FixtureRequest, workspace: Path) -> AsyncIterator[Environment]:
    """Where files are. Commands of "server" are of this machine, in the folder that is served."""
    async with environment_of(request, workspace) as environment:
        yield environment


@asynccontextmanager
async def environment_of(
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
    if request.param == "server":
        server, root = request.getfixturevalue("served_folder")
        for path in root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        async with served_place(server, root) as served:
            yield served
        return
    require_engine()
    folder = workspace if request.param == "docker" else None
    plan = ContainerPlan(IMAGE, workspace=folder, engine=Engine(ENGINE), session="contract")
    container = await DockerEnvironment.create(plan)
    yield container
    await container.terminate()
