"""Backends of other distributions, found by their entry point, in sessions like ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codeexec.domain.errors import KernelUnavailable, Unavailable, UsageError
from codeexec.domain.requests import (
    Complete,
    Inspect,
    InspectVariable,
    ListKernels,
    PauseKernel,
    ReadTable,
    RefreshVariables,
    Request,
    RestartKernel,
    WriteFile,
)
from codeexec.kernels.base import KernelChoice
from codeexec.kernels.factory import Kernels
from support.sessions import open_host, open_session, run, text, until

GUIDE = Path(__file__).parents[2] / "docs" / "extending.md"
BACKEND = GUIDE.read_text().partition("```python\n")[2].partition("```")[0]
"""The example of the guide is the backend `echo` of these tests."""


def install(folder: Path, module: str, source: str, *entry_points: str) -> None:
    """A distribution as pip leaves it, with entry points `NAME = MODULE:OBJECT`."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = "\n".join(["[codeexec.backends]", *entry_points])
    (info / "entry_points.txt").write_text(f"{lines}\n")


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of distributions; one of them has the backend `echo`."""
    folder = tmp_path / "site"
    install(folder, "echo_backend", BACKEND, "echo = echo_backend:Echo")
    monkeypatch.syspath_prepend(folder)
    yield folder


@pytest.mark.slow
async def test_it_runs_code_in_a_session_and_is_changed_for_others(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="echo:loud")
        view = await run(session, "hello")
        assert (view.status, view.count, await text(session, view)) == ("ok", 1, ["HELLO"])
        await session.call(WriteFile("sub/new.txt", b"1"))  # the place is this machine's
        assert (tmp_path / "sub" / "new.txt").read_text() == "1"
        kernel = session.snapshot.kernel
        assert kernel.kernel is not None
        assert (kernel.kernel.name, kernel.kernel.backend) == ("echo:loud", "echo")
        assert kernel.capabilities == ()
        await session.call(RestartKernel("echo:quiet"))
        assert await text(session, await run(session, "hello")) == ["hello"]
        await session.call(RestartKernel("python3"))
        await run(session, "x = 6 * 7")
        assert "pausing" not in session.snapshot.kernel.capabilities
        assert {"variables", "completion"} < set(session.snapshot.kernel.capabilities)
        await session.call(RestartKernel("echo:loud"))
        assert (await run(session, "again")).count == 1


async def test_what_a_kernel_cannot_do_is_refused_in_words(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, backend="echo", kernel="loud")
        await until(session, lambda s: s.kernel.state == "idle")
        questions: list[Request[Any]] = [
            Complete("a", 1),
            Inspect("a", 1),
            RefreshVariables(),
            InspectVariable("a"),
            ReadTable("a"),
        ]
        for request in questions:
            with pytest.raises(Unavailable):
                await session.call(request)
        with pytest.raises(UsageError, match="cannot be paused"):
            await session.call(PauseKernel())
        with pytest.raises(UsageError, match="policy is for containers"):
            await session.call(RestartKernel(policy="open"))


async def test_a_kernel_that_cannot_be_adopted_ends_with_its_server(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state", leave_kernels=True) as host:
        session = await open_session(host, tmp_path, kernel="echo:loud")
        await run(session, "hello")
        name = session.session_id
    async with open_host(tmp_path / "state") as host:
        session = host.session(name)
        snapshot = await until(session, lambda s: s.kernel.state == "dead")
        assert snapshot.kernel.death is not None
        assert snapshot.kernel.death.message == "An echo dies away."
        assert (await run(session, "fresh")).status == "ok"


async def test_its_kernels_are_offered_and_one_that_is_broken_hides_no_others(
    tmp_path: Path, site: Path
) -> None:
    install(site, "broken", "raise ValueError('half installed')", "broken = broken:make")
    install(site, "usurper", BACKEND, "docker = usurper:Echo", "local = usurper:Echo")
    async with open_host(tmp_path / "state") as host:
        listed = (await host.call(ListKernels(str(tmp_path)))).kernels
    by_name = {info.name: info for info in listed}
    assert by_name["echo:loud"].display_name == "Loud echo"
    assert "half installed" in by_name["broken:"].problem
    assert any(name.startswith("docker:") for name in by_name)
    assert any(info.is_default for info in listed)


def test_a_backend_that_is_broken_or_unknown_says_what_to_do(tmp_path: Path, site: Path) -> None:
    install(site, "broken", "raise ValueError('half installed')", "broken = broken:make")
    with pytest.raises(KernelUnavailable, match="half installed") as raised:
        Kernels().create(KernelChoice(str(tmp_path), "broken:x"), lambda events: None)
    assert raised.value.next_step == "Update or remove the package broken."
    with pytest.raises(KernelUnavailable, match="no backend 'moon'") as raised:
        Kernels().create(KernelChoice(str(tmp_path), backend="moon"), lambda events: None)
    names = "broken, docker, echo, local, programs, remote, ssh"
    assert raised.value.next_step == f"There are: {names}."
