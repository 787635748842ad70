"""Opening a stranger's folder: nothing of it is executed until one key says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config.trust import Standing, examine
from codeexec.environments.trust.store import TrustStore
from codeexec.tui.screens.trust_question import TrustQuestion
from support.bench import Bench, open_bench
from support.servers import Apart, user, wait_for
from support.strangers import StrangeFolder
from support.tty import Tty

QUESTION = "Trust this folder?"

ASK_PYTHON = "import sys; print('runs', sys.executable)"


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StrangeFolder:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return StrangeFolder(tmp_path / "work", tmp_path / "marks")


async def is_asked(bench: Bench) -> None:
    await bench.until(
        lambda: isinstance(bench.program.screen, TrustQuestion) and QUESTION in bench.screen(),
        "the question",
    )


@pytest.mark.slow
async def test_one_key_trusts_and_starts_the_kernel_of_the_folder(
    tmp_path: Path, strange: StrangeFolder
) -> None:
    python = str(strange.plant_python())
    async with open_bench(tmp_path) as bench:
        await is_asked(bench)
        assert "Trusted, it chooses what is executed" in bench.screen()
        told = bench.program._notifications
        assert not any("is not used" in one.message for one in told)  # that is the question
        assert strange.marks == []
        await bench.until(lambda: bench.snapshot.kernel.kernel, "a kernel")
        assert bench.snapshot.kernel.kernel is not None
        assert bench.snapshot.kernel.kernel.path != python
        await bench.press("t")

        def uses_it() -> bool:
            ref = bench.snapshot.kernel.kernel
            return ref is not None and ref.path == python

        await bench.until(uses_it, "the folder's kernel")
        await bench.until(lambda: "restricted" not in bench.screen(), "no mark")
        assert not examine(strange.folder).is_restricted


@pytest.mark.slow
async def test_a_no_is_a_mark_that_asks_again_when_it_is_clicked(
    tmp_path: Path, strange: StrangeFolder
) -> None:
    strange.plant_python()
    async with open_bench(tmp_path) as bench:
        await is_asked(bench)
        await bench.press("n")
        await bench.until(lambda: bench.program.screen is bench.workbench, "the workbench")
        await bench.sees("restricted")
        await bench.console.run(ASK_PYTHON)
        await bench.is_idle(1)
        assert strange.marks == []
        column = bench.screen().split("\n")[-1].index("restricted")
        await bench.click(bench.workbench.status, column, 0)
        await is_asked(bench)
        await bench.press("t")
        await bench.sees("Restart with the kernel of the folder?")
        await bench.press("n")
        await bench.sees_no_more("restricted")
    async with open_bench(tmp_path) as bench:
        await bench.is_idle()
        await bench.choose("trust this folder")
        await bench.sees("Stop trusting this folder?")
        await bench.press("r")
        await bench.sees("restricted")
    assert examine(strange.folder).is_trusted is False


@pytest.mark.slow
async def test_there_is_no_question_where_the_command_line_or_nothing_chooses(
    tmp_path: Path, strange: StrangeFolder
) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.is_idle()
        await bench.workbench.trust.begin()
        assert not (await bench.workbench.trust.examine()).is_question
        assert "restricted" not in bench.screen()


def examined(apart: Apart) -> Standing:
    return examine(apart.folder / "strange", None, apart.environ)


@pytest.mark.slow
def test_opening_a_strange_folder_by_its_name_executes_nothing_of_it() -> None:
    with user() as apart:
        strange = StrangeFolder(apart.folder / "strange", apart.folder / "marks")
        python = strange.plant_python()
        strange.plant_settings(f'[kernel]\nname = "{python}"\n[editor]\ntab_sise = 2\n')
        strange.plant_modules("json", "random", "asyncio", "textual", "pandas", "sitecustomize")
        tmux = strange.folder / "tmux"
        tmux.write_text(f'#!/bin/sh\ntouch "{apart.folder}/marks/tmux"\n')
        tmux.chmod(0o755)
        env = {
            **apart.environ,
            "VIRTUAL_ENV": "",
            "PATH": f".:{apart.environ['PATH']}",
            "TMUX": "/nowhere,1,0",
        }
        for cwd, words in ((strange.folder, ()), (apart.work, (str(strange.folder),))):
            terminal = Tty(words, home=apart.folder, cwd=cwd, columns=80, lines=24, env=env)
            with terminal:
                terminal.shows(QUESTION)
                terminal.shows("kernel.name")  # settings of the folder that was named
                assert strange.marks == []
                terminal.press("\x1b")
                wait_for(lambda: examined(apart).is_trusted is False, "the answer to be kept")
                terminal.shows(" restricted ")
                terminal.press("\x11")
                terminal.ends()
            assert TrustStore(environ=apart.environ).forget(str(strange.folder))
        assert strange.marks == []
