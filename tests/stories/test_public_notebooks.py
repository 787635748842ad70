"""Notebooks of other programs worked in as pages: every cell command, undo, run stale, save."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from codeexec.config.model import Editor, Settings
from support.bench import Bench, open_bench
from support.public_notebooks import ALL

pytestmark = pytest.mark.slow

SIZES = {"old.ipynb": (80, 24), "vscode.ipynb": (200, 50), "colab.ipynb": (80, 24)}
SAVED = {
    "old.ipynb": ("Falling bodies", "9.81 m/s", "29.43"),
    "vscode.ipynb": ("Prices", "NameError", "price"),
    "colab.ipynb": ("Letters", "<a>", "In [2]"),
}
"""What is seen of each before anything has run."""
SOURCES = {
    "old.ipynb": "g = 9.81",
    "vscode.ipynb": "prices = [7]",
    "colab.ipynb": 'count = 3 #@param {type:"integer"}',
}
"""The line in which the first code cell begins, or its last."""


def cells_of(bench: Bench) -> list[tuple[str, str]]:
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    return [(cell.kind.value, cell.source) for cell in sheet.editor.cells()]


async def _try_every_command(bench: Bench) -> None:
    """Each cell command at the last cell, by its keys; undo takes it back."""
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    before, text = cells_of(bench), sheet.editor.text
    last = len(before) - 1
    sheet.go_to(len(sheet.editor.model.lines) - 1)
    await bench.press("escape")
    await bench.sees("CELLS")
    changes: dict[tuple[str, ...], Callable[[list[tuple[str, str]]], bool]] = {
        ("a",): lambda now: len(now) == last + 2 and now[last + 1] == before[last],
        ("b",): lambda now: len(now) == last + 2 and now[last] == before[last],
        ("d", "d"): lambda now: now == before[:-1],
        ("x",): lambda now: now == before[:-1],
        ("c", "v"): lambda now: now == [*before, before[-1]],
        ("V",): lambda now: now == [*before, before[-1]],
        ("alt+up",): lambda now: now == [*before[:-2], before[-1], before[-2]],
        ("m",): lambda now: now[last][0] == "markdown",
        ("r",): lambda now: now[last][0] == "raw",
        ("up", "M"): lambda now: len(now) == last,
    }

    async def is_changed(is_done: Callable[[list[tuple[str, str]]], bool], what: str) -> None:
        await bench.until(lambda: is_done(cells_of(bench)), what)

    for keys, is_done in changes.items():
        await bench.press(*keys)
        unchanged = before[last][0] == {"m": "markdown", "r": "raw"}.get(keys[0])
        await is_changed(is_done, str(keys))
        if not unchanged:
            await bench.press("z")
            await bench.until(lambda: sheet.editor.text == text, f"undo of {keys}")
        await bench.press("end")
    await bench.press("enter")
    await bench.sees_no_more("CELLS")


@pytest.mark.parametrize("name", ALL)
async def test_a_notebook_of_another_program_is_worked_in(tmp_path: Path, name: str) -> None:
    settings = Settings(editor=Editor(notebook="page"))
    files = {name: ALL[name]}
    async with open_bench(tmp_path, files, settings=settings, size=SIZES[name]) as bench:
        bench.workbench.pane_layout.go("editor")
        sheet = bench.workbench.documents.sheet
        assert sheet is not None
        await bench.until(lambda: sheet.editor.has_focus, "the keys")
        page = bench.workbench.documents.pages.page_of(sheet.editor)
        assert page is not None
        for words in SAVED[name]:
            sheet.go_to(0)
            while words not in bench.screen():
                place = sheet.editor.model.cursor, sheet.editor.scroll_offset.y
                await bench.press("down")
                if place == (sheet.editor.model.cursor, sheet.editor.scroll_offset.y):
                    sheet.go_to(0)  # what was still to be drawn stands above the last line
        await _try_every_command(bench)

        # A cell is run, changed and stale; another is added below it and run.
        await bench.editor.at(SOURCES[name]).run()
        await bench.is_idle(1)
        await bench.editor.at(SOURCES[name]).bench.press("end", "space", "f5")
        await bench.is_idle(2)
        await bench.press("escape", "b", "enter", *"4*5", "f5")
        await bench.is_idle(3)
        await bench.sees("→ 20")
        bench.editor.at(SOURCES[name].rstrip() + " ")
        await bench.press("end", "backspace")
        await bench.sees("stale")
        sheet.editor.action_page("run_stale")
        await bench.until(lambda: not bench.workbench.documents.pages.stale(sheet), "none stale")
        await bench.is_idle(5)

        await bench.press("ctrl+s")
        path = tmp_path / "work" / name

        def has_output() -> bool:
            cells = json.loads(path.read_text("utf-8"))["cells"]
            return any("20" in json.dumps(cell.get("outputs", [])[:1]) for cell in cells)

        await bench.until(lambda: not sheet.is_changed and has_output(), "saved")
        after = json.loads(path.read_text("utf-8"))
    nbformat.validate(after)
    before: dict[str, Any] = json.loads(ALL[name])
    added = next(cell for cell in after["cells"] if "".join(cell["source"]) == "4*5")
    after["cells"].remove(added)
    ran = next(index for index, cell in enumerate(before["cells"]) if cell["cell_type"] == "code")
    # Cells that did not run, and all metadata, are as they were.
    for book in (before, after):
        for key in ("outputs", "execution_count"):
            del book["cells"][ran][key]
    assert after == before
