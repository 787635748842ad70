"""`serve --isolate docker`: sessions of the service run in the operator's containers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codeexec.client.socket import SocketHost
from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.options import PROGRAMS, ExecuteOptions
from codeexec.domain.places.backends import CONTAINERS, LOCAL
from codeexec.domain.places.containers import ClassicLayout
from codeexec.environments.docker.policy import parse
from codeexec.environments.files import Folder
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.trust.store import TrustStore
from codeexec.kernels.base import KernelChoice, KernelEvent
from codeexec.kernels.factory import Kernels
from codeexec.server.service_settings import service_settings, with_isolation
from codeexec.session.settings import HostSettings
from support.servers import Here, output_of, serve_here, short_folder, terminal_output_of

SETTINGS = with_isolation(HostSettings(), service_settings({"SESSION_MAX_CPU": "1"}), "", "locked")


@asynccontextmanager
async def isolated() -> AsyncIterator[tuple[Here, Path]]:
    with short_folder() as folder:
        outside = folder / "outside"
        outside.touch()
        async with serve_here(folder, settings=SETTINGS) as here:
            yield here, outside


def test_limits_are_those_of_the_service_unless_the_policy_has_them() -> None:
    policy = parse(SETTINGS.isolate_policy)
    assert (policy.name.split(",")[0], policy.memory, policy.cpus) == ("locked", 2 * 2**30, 1.0)
    own = with_isolation(HostSettings(), service_settings({}), "i:1", "network memory=1GB")
    assert parse(own.isolate_policy).memory == 2**30
    assert (own.isolate_image, parse(own.isolate_policy).cpus) == ("i:1", 2.0)
    with pytest.raises(UsageError):
        with_isolation(HostSettings(), service_settings({}), "", "everything")


@pytest.mark.parametrize("backend", [LOCAL, CONTAINERS, PROGRAMS])
@pytest.mark.parametrize(
    "name", ["", "python3", "/usr/bin/python3", "docker:other", "bash", "k.json"]
)
def test_no_choice_of_a_user_leaves_the_container(tmp_path: Path, backend: str, name: str) -> None:
    choice = KernelChoice(
        str(tmp_path),
        name,
        backend=backend,
        policy="open",
        transport="ports",
        classic=ClassicLayout("/srv/all"),
        confined_policy="locked",
    )
    kernels = Kernels()

    def sink(events: Sequence[KernelEvent]) -> None:
        pass

    environment = kernels.environment(choice, Folder(tmp_path))
    assert not isinstance(environment, LocalEnvironment)
    ref = kernels.create(choice, sink).ref
    assert (ref.backend, ref.policy.split(" ")[0]) == (CONTAINERS, "locked")


@pytest.mark.docker
async def test_kernels_programs_and_terminals_of_a_user_run_in_a_container() -> None:
    async with isolated() as (here, outside), SocketHost(here.network) as remote:
        wide = q.OpenSession(kernel="python3", policy="open", backend="local")
        session = (await remote.call(wide)).session_id
        code = f"import os; print(os.path.exists('/.dockerenv'), os.path.exists('{outside}'))"
        assert await output_of(remote, session, code) == ["True False"]
        shell = f"test -e /.dockerenv && echo inside; test -e {outside} || echo confined"
        bash = ExecuteOptions(language="bash")
        assert await output_of(remote, session, shell, bash) == ["inside", "confined"]
        await remote.session(session).call(q.StartKernel("more", "python3"))
        more = ExecuteOptions(kernel="more")
        assert await output_of(remote, session, code, more) == ["True False"]
        seen = await terminal_output_of(remote, session, shell)
        assert seen[:2] == ["inside", "confined"]


def test_workspaces_of_the_service_are_given_to_containers_and_no_other_state(
    tmp_path: Path,
) -> None:
    store = TrustStore(environ={"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)})
    state = tmp_path / "codeexec-tui"
    workspace = state / "workspaces" / "user-1" / "workspace-1"
    workspace.mkdir(parents=True)
    store.record_mount(str(workspace))
    (state / "workspaces" / "link").symlink_to(state)
    for other in (state, state / "workspaces", state / "sessions", state / "workspaces" / "link"):
        with pytest.raises(UsageError, match="not given to a container"):
            store.record_mount(str(other))
