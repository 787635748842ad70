"""A notebook worked in as a page, by keys: outputs, cell commands, stale cells, saving."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from codeexec.config.model import Editor, Settings
from support.bench import open_bench

pytestmark = pytest.mark.slow

SAVED = {"output_type": "stream", "name": "stdout", "text": "kept as it was\n"}
OTHER = {
    "output_type": "display_data",
    "metadata": {"a": 1},
    "data": {"application/x-own+json": {"b": 2}},
}


def notebook() -> dict[str, object]:
    def code(source: str, *outputs: object) -> dict[str, object]:
        return {
            "cell_type": "code",
            "metadata": {"own": source[:1]},
            "execution_count": 9 if outputs else None,
            "source": source,
            "outputs": list(outputs),
        }

    title = {"cell_type": "markdown", "metadata": {}, "source": "# The **title**"}
    cells = [title, code("x = 4"), code("print('x is', x)"), code("y", SAVED, OTHER)]
    return {"cells": cells, "metadata": {"own": [1]}, "nbformat": 4, "nbformat_minor": 4}


async def test_a_notebook_is_worked_in_as_a_page(tmp_path: Path) -> None:
    settings = Settings(editor=Editor(notebook="page"))
    files = {"a.ipynb": json.dumps(notebook())}
    async with open_bench(tmp_path, files, settings=settings, size=(80, 24)) as bench:
        bench.workbench.pane_layout.go("editor")
        sheet = bench.workbench.documents.sheet
        assert sheet is not None
        await bench.until(lambda: sheet.editor.has_focus, "the keys")
        await bench.editor.at("x = 4").run()
        await bench.is_idle(1)
        await bench.sees("In [1]")
        await bench.editor.at("print('x is', x)").run()
        await bench.is_idle(2)
        await bench.sees("kept as it was")
        await bench.sees("  x is 4")
        # The output stands once: below its cell, and not below the text as well.
        assert "F2 console" not in bench.screen()
        await bench.sees_no_more("**")  # a thread lays out how Markdown reads

        bench.editor.at("x = 4")
        await bench.press("end", "2", "f5")
        await bench.is_idle(3)
        await bench.sees("stale")
        await bench.press("escape")
        await bench.sees("CELLS")
        await bench.press("b", "enter", *"z=5", "f5")
        await bench.is_idle(4)
        await bench.press("escape", "d", "d")
        await bench.sees_no_more("z=5")
        sheet.editor.action_page("run_stale")
        await bench.is_idle(5)
        await bench.sees("  x is 42")
        await bench.sees_no_more("stale")

        await bench.press("ctrl+s")
        await bench.until(lambda: not sheet.is_changed, "saved")
        path = tmp_path / "work" / "a.ipynb"

        def outputs() -> list[object]:
            cells = json.loads(path.read_text())["cells"]
            return [cell.get("outputs") for cell in cells]

        stream = {"output_type": "stream", "name": "stdout", "text": ["x is 42\n"]}
        await bench.until(lambda: outputs() == [None, [], [stream], [SAVED, OTHER]], "outputs")
        data = json.loads(path.read_text())
        nbformat.validate(data)
        assert data["metadata"]["own"] == [1]
        assert [cell["metadata"].get("own") for cell in data["cells"]] == [None, "x", "p", "y"]
