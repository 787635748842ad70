"""A kernel is started when a folder is opened: nothing of the folder is executed by that."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TypeVar

import pytest

from codeexec.domain.errors import KernelUnavailable
from codeexec.domain.events import KernelReady, NoticeGiven
from codeexec.domain.requests import Complete, Inspect, RefreshVariables
from codeexec.environments.trust import TrustStore
from codeexec.kernels.base import KernelChoice
from codeexec.kernels.early import EarlyKernel
from codeexec.kernels.factory import Kernels
from codeexec.program import RunningSession, open_session
from support.strangers import StrangeFolder

MODULES = (
    *("json", "random", "pandas", "matplotlib", "jedi", "ipykernel", "IPython", "tornado", "zmq"),
    *("sitecustomize", "usercustomize", "colorsys", "ipython_config", "ipython_kernel_config"),
)

E = TypeVar("E", KernelReady, NoticeGiven)


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
    assert Kernels().create(choice, lambda facts: None).ref.path == python
    TrustStore().record_mount(str(strange.folder))
    with pytest.raises(KernelUnavailable, match="could be changed") as caught:
        Kernels().create(choice, lambda facts: None)
    assert caught.value.next_step == f"If you trust it: codeexec-tui trust {strange.folder}"
    TrustStore().decide(str(strange.folder), is_trusted=True)
    assert Kernels().create(choice, lambda facts: None).ref.path == python
    assert strange.marks == []


def test_a_folder_that_is_not_there_is_no_place_for_a_kernel(tmp_path: Path) -> None:
    from codeexec.kernels.jupyter.launch import spawn_here

    with pytest.raises(FileNotFoundError):
        spawn_here(str(tmp_path / "gone"))
