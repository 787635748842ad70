"""A kernel is started when a folder is opened: nothing of the folder is executed by that."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from codeexec.domain.errors import KernelUnavailable
from codeexec.domain.events import KernelDied, KernelReady, NoticeGiven
from codeexec.domain.requests import Complete, Inspect, RefreshVariables
from codeexec.environments.trust.store import TrustStore
from codeexec.kernels.base import KernelChoice
from codeexec.kernels.early import EarlyKernel
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter.discover import find_specs
from codeexec.program import RunningSession, open_session
from support.bare_python import make_bare_python
from support.servers import serve_here, wait_until
from support.sessions import until
from support.strangers import StrangeFolder

MODULES = (
    *("json", "random", "pandas", "matplotlib", "jedi", "ipykernel", "IPython", "tornado", "zmq"),
    *("sitecustomize", "usercustomize", "colorsys", "ipython_config", "ipython_kernel_config"),
)

E = TypeVar("E", KernelDied, KernelReady, NoticeGiven)


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StrangeFolder:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return StrangeFolder(tmp_path / "strange", tmp_path / "marks")


async def first_event(session: RunningSession, kind: type[E]) -> E:
    async for record in session.events():
        if isinstance(record.event, kind):
            return record.event
    raise AssertionError(f"the session ended without a {kind.__name__}")


@pytest.mark.slow
async def test_a_kernel_imports_nothing_of_its_folder_before_code_is_run(
    strange: StrangeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange.plant_modules(*MODULES)
    (strange.folder / "mine.py").write_text("answer = 42\n")
    (strange.folder / "lib").mkdir()
    (strange.folder / "lib" / "deep.py").write_text("answer = 43\n")
    path = os.pathsep.join(("", ".", "lib", str(strange.folder)))
    monkeypatch.setenv("PYTHONPATH", path)
    async with open_session(cwd=strange.folder) as session:
        await first_event(session, KernelReady)
        await session.call(RefreshVariables())
        await session.call(Complete("from colorsys import ", 21))
        await session.call(Complete("import pand", 11))
        await session.call(Inspect("print", 5))
        assert strange.marks == []
        code = "import os, sys, mine, deep; print(mine.answer, deep.answer, os.getcwd())"
        done = await session.run(f"{code}; print(os.environ['PYTHONPATH'])")
        assert done.stdout == [f"42 43 {strange.folder}", path]


async def test_a_session_in_a_strange_folder_uses_our_interpreter_and_says_so(
    strange: StrangeFolder,
) -> None:
    python = strange.plant_python()
    async with open_session(cwd=strange.folder) as session:
        done = await session.run("import sys; print(sys.executable)")
        assert done.stdout == [sys.executable]
        assert strange.marks == []
        notice = await first_event(session, NoticeGiven)
    assert notice.title == "Restricted"
    assert str(python) in notice.message
    assert notice.next_step == f"If you trust it: codeexec-tui trust {strange.folder}"


@pytest.mark.slow
async def test_a_session_that_a_program_opens_over_the_network_is_restricted_too(
    strange: StrangeFolder, tmp_path: Path
) -> None:
    strange.plant_python()
    strange.plant_settings('[kernel]\nname = ".venv"\n')
    async with serve_here(tmp_path) as here:
        headers = {"Authorization": f"Bearer {here.token}"}
        async with httpx.AsyncClient(base_url=here.url, headers=headers, timeout=60) as client:
            answer = await client.post("/v1/sessions", json={"cwd": str(strange.folder)})
            assert answer.is_success
            session_id = answer.json()["session_id"]
            kernels = await client.get("/v1/kernels", params={"cwd": str(strange.folder)})
        session = here.host.session(session_id)
        await until(session, lambda snapshot: snapshot.kernel.state == "idle")
        assert session.snapshot.kernel.kernel is not None
        assert session.snapshot.kernel.kernel.path == sys.executable
        assert kernels.json()["kernels"][0]["problem"].startswith("Not examined")
    assert strange.marks == []


@pytest.mark.slow
async def test_a_program_may_answer_for_its_folder(strange: StrangeFolder) -> None:
    strange.plant_python()
    async with open_session(cwd=strange.folder, trust=True) as session:
        assert (await session.run("1")).is_success
    assert strange.marks == [".venv"]


def test_the_first_kernel_of_a_server_is_not_one_of_a_strange_folder(
    strange: StrangeFolder,
) -> None:
    strange.plant_python()
    EarlyKernel.start({"cwd": str(strange.folder)}).end()
    TrustStore().record_mount(str(strange.folder))
    EarlyKernel.start({"cwd": str(strange.folder), "kernel": ".venv"}).end()
    assert strange.marks == []


def test_an_interpreter_that_a_container_could_change_is_not_started_by_name(
    strange: StrangeFolder,
) -> None:
    python = str(strange.plant_python())
    choice = KernelChoice(str(strange.folder), python)
    assert Kernels().create(choice, lambda kernel_events: None).ref.path == python
    TrustStore().record_mount(str(strange.folder))
    with pytest.raises(KernelUnavailable, match="could be changed") as caught:
        Kernels().create(choice, lambda kernel_events: None)
    assert caught.value.next_step == f"If you trust it: codeexec-tui trust {strange.folder}"
    TrustStore().decide(str(strange.folder), is_trusted=True)
    assert Kernels().create(choice, lambda kernel_events: None).ref.path == python
    assert strange.marks == []


def test_a_folder_that_is_not_there_is_no_place_for_a_kernel(tmp_path: Path) -> None:
    from codeexec.kernels.jupyter.launch import spawn_here

    with pytest.raises(FileNotFoundError):
        spawn_here(str(tmp_path / "gone"))


def install(root: Path, name: str, *argv: str, language: str = "python") -> None:
    folder = root / "kernels" / name
    folder.mkdir(parents=True)
    spec = {"argv": argv, "display_name": name, "language": language}
    (folder / "kernel.json").write_text(json.dumps(spec))


async def test_an_ipykernel_with_options_is_started_by_our_launcher(
    strange: StrangeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = (sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")
    install(tmp_path / "data", "with-options", *argv, "--IPKernelApp.exec_lines=['extra = 7']")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    strange.plant_modules("ipykernel_launcher", "ipykernel", "runpy", "pandas", "json")
    async with open_session(cwd=strange.folder, kernel="with-options") as session:
        await first_event(session, KernelReady)
        assert strange.marks == []
        assert (await session.run("print(extra)")).stdout == ["7"]


@pytest.mark.slow
async def test_a_kernel_without_ipykernel_imports_nothing_of_the_folder_until_the_first_run(
    strange: StrangeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = make_bare_python(tmp_path / "bare")
    names = ("json", "asyncio", "traceback", "getpass", "pprint", "sitecustomize", "timeit")
    strange.plant_modules(*names)
    inner = strange.folder / "inner"
    inner.mkdir()
    (inner / "beside.py").write_text("word = 'found'")
    monkeypatch.setenv("PYTHONPATH", "inner")
    async with open_session(cwd=strange.folder, kernel=python) as session:
        await first_event(session, KernelReady)
        assert strange.marks == []
        code = "import beside, os; print(beside.word, os.environ['PYTHONPATH'])"
        assert (await session.run(code)).stdout == ["found inner"]


async def test_a_kernel_of_others_is_started_by_the_first_run(
    strange: StrangeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its program may read files of the folder as it starts, as R does with .Rprofile."""
    started = tmp_path / "marks" / "started"
    program = tmp_path / "other"
    program.write_text(f'#!/bin/sh\ntouch "{started}"\nexec sleep 600\n')
    program.chmod(0o755)
    install(tmp_path / "data", "other", str(program), "{connection_file}", language="r")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    async with open_session(cwd=strange.folder, kernel="other") as session:
        notice = await first_event(session, NoticeGiven)
        assert "starts with the first run" in notice.message
        assert strange.marks == []
        execution = asyncio.create_task(session.run("1"))
        await wait_until(lambda: strange.marks == ["started"], "the kernel to start")
        execution.cancel()
    started.unlink()
    TrustStore().decide(str(strange.folder), is_trusted=True)
    async with open_session(cwd=strange.folder, kernel="other"):
        await wait_until(lambda: strange.marks == ["started"], "the kernel to start")


def test_kernelspecs_of_the_current_folder_are_none(
    strange: StrangeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(strange.folder, "evil", "/bin/sh", "{connection_file}")
    monkeypatch.chdir(strange.folder)
    monkeypatch.setenv("JUPYTER_PATH", f":{os.pathsep}.")
    assert "evil" not in find_specs()


async def test_a_restart_looks_again_whether_a_container_could_change_the_program(
    strange: StrangeFolder,
) -> None:
    python = strange.plant_python()
    async with open_session(cwd=strange.folder, kernel=str(python)) as session:
        await first_event(session, KernelReady)
        strange.clear()
        TrustStore().record_mount(str(strange.folder))
        await session.restart()
        died = await first_event(session, KernelDied)
    assert "could be changed by code in a container" in died.death.message
    assert strange.marks == []
