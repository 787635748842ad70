"""Fences of Markdown run on a kernel of their language: one cell, a line, all on a fresh kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.options import OpenOptions
from support.bench import Bench, open_bench
from support.kernelspecs import BASH, install

pytestmark = pytest.mark.slow

NOTES = "# Notes\n\n```{bash}\nx=$((x + 1)); echo in-$0-$x\n```\n\n```python\nprint('snake')\n```\n"


@pytest.fixture(autouse=True)
def bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    install(tmp_path / "jupyter", "bash", BASH, display_name="Bash")


def kernels(bench: Bench) -> dict[str, int]:
    return {name: kernel.generation for name, kernel in bench.snapshot.kernels.items()}


async def test_each_way_to_run_uses_the_kernel_of_the_fence(tmp_path: Path) -> None:
    options = OpenOptions(files=("notes.md",))

    def run(bench: Bench, scope: str) -> None:
        sheet = bench.workbench.documents.sheet
        assert sheet is not None
        sheet.editor.action_run_cells(scope)

    async with open_bench(tmp_path, {"notes.md": NOTES}, options=options) as bench:
        await bench.until(lambda: bench.editor.text == NOTES, "the file")
        await bench.console.run("y = 1")
        await bench.is_idle(1)
        # All of it on a fresh kernel, before there is one: the kernel of Python stays.
        editor = bench.editor.at("x=$((x + 1)); echo in-$0-$x")
        run(bench, "restart")
        await bench.console.card(2).shows("-1")
        await bench.console.card(2).ends("ok")
        assert kernels(bench) == {"python": 1, "bash": 1}
        await editor.run()
        await bench.console.card(3).shows("-2")
        await bench.console.card(3).ends("ok")
        run(bench, "restart")
        await bench.console.card(4).shows("-1")
        await bench.console.card(4).ends("ok")
        assert kernels(bench) == {"python": 1, "bash": 2}
        # A line in a fence of another language, which is no cell of this document.
        bench.editor.at("print('snake')")
        run(bench, "selection")
        await bench.console.card(5).shows("snake")
        view = bench.console.card(5).view
        assert view is not None
        assert view.kernel == "python"
