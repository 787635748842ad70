"""What leaves a shell asks here; what would lose variables asks too."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config.model import Console, Settings
from codeexec.tui.options import OpenOptions
from support.bench import open_bench

pytestmark = pytest.mark.slow


async def test_exit_and_ctrl_d_ask_and_ctrl_c_clears(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        prompt = bench.workbench.console_pane.prompt
        await bench.console.run("a = 1")
        await bench.is_idle(1)
        await bench.write("one")
        await bench.press("alt+enter")
        await bench.write("two")
        await bench.press("ctrl+c")
        await bench.until(lambda: prompt.text == "", "an empty prompt")
        assert not bench.program._notifications
        for keys in (["ctrl+d"], [*"exit", "enter"], [*"quit", "enter"]):
            await bench.press(*keys)
            await bench.sees("Leave it running")
            await bench.press("escape")
            await bench.sees_no_more("Leave it running")
        assert len(bench.snapshot.executions) == 1
        assert bench.snapshot.kernel.generation == 1
        await bench.press("ctrl+d")
        await bench.sees("Leave it running")
        await bench.press("enter")
        await bench.until(lambda: bench.program._exit, "it has left")


@pytest.mark.parametrize("asks", [True, False])
async def test_a_restart_that_loses_variables_asks_where_that_is_set(
    tmp_path: Path, asks: bool
) -> None:
    settings = Settings(console=Console(confirm_restart=asks))
    async with open_bench(tmp_path, settings=settings) as bench:
        await bench.console.run("a = 1")
        await bench.until(lambda: bench.snapshot.kernel.variables, "the variables")
        await bench.press("shift+f9")
        if asks:
            await bench.sees("1 variable is lost.")
            await bench.press("escape", "shift+f9")
            await bench.sees("1 variable is lost.")
            assert bench.snapshot.kernel.generation == 1
            await bench.press("enter")
        await bench.until(lambda: bench.snapshot.kernel.generation == 2, "another kernel")
        await bench.sees("── kernel restarted · ")


@pytest.mark.parametrize("leave", ["ctrl+q", "alt+w"])
async def test_what_waits_for_a_name_goes_on_once_the_name_is_given(
    tmp_path: Path, leave: str
) -> None:
    async with open_bench(tmp_path, {"old.py": "x = 1\n"}) as bench:
        await bench.press("ctrl+t")
        await bench.sees("untitled-1.py")
        await bench.write("y = 2")
        await bench.press(leave)
        await bench.sees("Discard")
        await bench.press("enter")
        await bench.sees("Save as")
        await bench.press("ctrl+u")
        await bench.write("named.py")
        await bench.press("enter")
        if leave == "ctrl+q":
            await bench.until(lambda: bench.program._exit, "it has left")
        else:
            named = bench.folder / "named.py"
            await bench.until(lambda: named.exists() and named.read_text() == "y = 2", "saved")
            await bench.sees_no_more("named.py ×")
        assert (bench.folder / "named.py").read_text() == "y = 2"


async def test_leaving_with_a_file_that_has_changed_on_disk_settles_that_first(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, {"old.py": "x = 1\n"}) as bench:
        await bench.press("y", "equals_sign", "2")
        (bench.folder / "old.py").write_text("x = 3  # by another program\n")
        await bench.press("ctrl+q")
        await bench.sees("Discard")
        await bench.press("enter")
        await bench.sees("“old.py” has changed on disk.")
        await bench.press("s")
        await bench.until(lambda: bench.program._exit, "it has left")
        assert (bench.folder / "old.py").read_text() == "y=2x = 1\n"


@pytest.mark.parametrize("names", [("a.py",), ("a.py", "b.py")])
async def test_a_start_without_files_leaves_the_keys_to_the_prompt(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    state = tmp_path / "state"
    async with open_bench(tmp_path, dict.fromkeys(names, "x = 1\n"), state=state) as bench:
        await bench.until(lambda: bench.workbench.state.is_set_up, "the start")
        bench.workbench.layout_store.save()
    async with open_bench(tmp_path, state=state, options=OpenOptions()) as bench:
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        documents = bench.workbench.documents
        await bench.until(
            lambda: [sheet.title for sheet in documents.sheets] == list(names), "the files"
        )
        assert bench.workbench.documents.sheet is bench.workbench.documents.sheets[0]
        await bench.write("7 * 6")
        prompt = bench.workbench.console_pane.prompt
        await bench.until(lambda: prompt.text == "7 * 6", "at the prompt")
