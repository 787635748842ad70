"""Runs of the editor while the console is on another tab: a peek, a badge, or a switch."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config.model import Console, Settings
from support.bench import open_bench

pytestmark = pytest.mark.slow

SCRIPT = """# %% one
for n in range(30): print("row", n)
# %% two
1 / 0
# %% three
silent = 1
"""


async def test_a_run_shows_its_last_rows_below_the_text(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": SCRIPT}, size=(80, 24)) as bench:
        assert "F2 console" not in bench.screen()
        await bench.editor.at("# %% one").run()
        await bench.sees("row 29")
        await bench.sees("── [1] ✓ ")
        await bench.sees("Console ●")
        lines = bench.screen().split("\n")
        assert [line.strip() for line in lines[-9:-1]] == [f"row {n}" for n in range(22, 30)]
        head = lines[-10]
        assert head.startswith("── [1] ✓ ") and head.rstrip().endswith("F2 console")
        assert "Console ●" in lines[0]
        await bench.editor.at("1 / 0").run()
        await bench.sees("ZeroDivisionError: division by zero")
        await bench.sees("[2] ✗")
        await bench.editor.at("silent = 1").run()
        await bench.sees("no output")
        # One key shows the console, and the same key leads back.
        await bench.press("f2")
        await bench.until(lambda: bench.workbench.pane_layout.here == "console", "the console")
        await bench.console.card(2).shows("ZeroDivisionError")
        await bench.press("f2")
        await bench.until(lambda: bench.workbench.pane_layout.here == "editor", "the editor")
        await bench.sees("silent = 1")
        await bench.sees_no_more("F2 console")
        await bench.until(lambda: "●" not in bench.screen().split("\n")[0], "no mark")
        # It leaves as soon as one writes on; a click on it shows the console.
        await bench.editor.at("# %% one").run()
        await bench.sees("row 29")
        await bench.write("#")
        await bench.sees_no_more("row 29")
        await bench.editor.at("silent = 1").run()
        await bench.sees("F2 console")
        await bench.click(bench.workbench.query_one("#peek"))
        await bench.until(lambda: bench.workbench.pane_layout.here == "console", "the console")


@pytest.mark.parametrize("hidden", ["switch", "badge"])
async def test_a_run_switches_or_marks_the_tab_where_that_is_set(
    tmp_path: Path, hidden: str
) -> None:
    settings = Settings(console=Console(hidden=hidden))  # type: ignore[arg-type]
    files = {"a.py": SCRIPT}
    async with open_bench(tmp_path, files, size=(80, 24), settings=settings) as bench:
        await bench.editor.at("# %% one").run()
        if hidden == "badge":
            await bench.sees("Console ●")
            await bench.is_idle(1)
            assert "row 29" not in bench.screen()
        else:
            await bench.until(lambda: bench.workbench.pane_layout.here == "console", "the console")
            await bench.sees("row 29")
            await bench.press("f2")
            await bench.until(lambda: bench.workbench.pane_layout.here == "editor", "the editor")
            await bench.until(lambda: "●" not in bench.screen().split("\n")[0], "no mark")


async def test_an_editor_alone_has_the_peek_too_and_a_wide_screen_needs_none(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, {"a.py": SCRIPT}, size=(140, 42)) as bench:
        await bench.editor.at("# %% one").run()
        await bench.is_idle(1)
        assert not bench.workbench.query("#peek")
        await bench.press("f11")
        await bench.editor.at("1 / 0").run()
        await bench.sees("ZeroDivisionError: division by zero")
        await bench.sees("F2 console")
        await bench.press("f11")
        await bench.sees_no_more("F2 console")


async def test_a_program_that_is_interrupted_is_seen_to_end(tmp_path: Path) -> None:
    script = "echo begun\nsleep 600\n"
    async with open_bench(tmp_path, {"a.sh": script}, size=(80, 24)) as bench:
        await bench.editor.at("echo begun").run()
        await bench.sees("begun")
        await bench.sees("── ▶")
        await bench.press("f9")
        await bench.sees_no_more("── ▶")
        await bench.sees("F2 console")
