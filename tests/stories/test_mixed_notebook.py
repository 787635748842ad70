"""A notebook in Python, bash, C++ and R: worked in, saved, reopened, restarted in part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.documents.document_view import DocumentView
from support.bench import Bench, engine_in, open_bench

pytestmark = pytest.mark.slow


def code(key: str, source: str, **metadata: object) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": key,
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }


BASH = {"languageId": "shellscript"}
CELLS = [
    {"cell_type": "markdown", "id": "m", "metadata": {"own": 1}, "source": "# Title"},
    code("py", "x = 41\nprint('py', x)"),
    code("sh", "y=7\necho bash-$((y * 3))", vscode=BASH, tags=["kept"]),
    code("cc", '#include <cstdio>\nint main() { puts("c" "pp"); }', vscode={"languageId": "cpp"}),
    code("rr", "z <- 2 + 3\ncat('R', z, '\\n')", vscode={"languageId": "r"}),
    code("magic", "%%bash\necho magic"),
    code("last", "print(x + 1)"),
]
NOTEBOOK = {
    "cells": CELLS,
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "own": {"a": [1]},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}


def run(bench: Bench, scope: str) -> None:
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    sheet.editor.action_run_cells(scope)


async def opened(bench: Bench) -> DocumentView:
    """The document in front, with the keys in its editor."""
    await bench.until(lambda: bench.workbench.documents.sheet, "the notebook")
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    bench.workbench.pane_layout.go("editor")
    await bench.until(lambda: bench.program.focused is sheet.editor, "the keys")
    return sheet


def enter(bench: Bench, line: str) -> None:
    bench.editor.at(line)


def generations(bench: Bench) -> dict[str, int]:
    return {name: kernel.generation for name, kernel in bench.snapshot.kernels.items()}


async def test_a_notebook_in_four_languages(tmp_path: Path) -> None:
    host = engine_in(tmp_path / "state")
    options = OpenOptions(files=("a.ipynb",))
    files = {"a.ipynb": json.dumps(NOTEBOOK, indent=1) + "\n"}
    path = tmp_path / "work" / "a.ipynb"
    async with (
        host,
        open_bench(tmp_path, files, options=options, host=host, size=(150, 90)) as bench,
    ):
        sheet = await opened(bench)
        enter(bench, "y=7")
        # Before there is a kernel for a cell nothing is restarted in its place.
        await bench.press("shift+f9")
        await bench.is_told("No kernel runs Shell yet")
        run(bench, "all")
        await bench.is_idle(6)
        console = bench.console
        for number, words in enumerate(("py 41", "bash-21", "cpp", "R 5", "magic", "42"), 1):
            await console.card(number).shows(words)
            await console.card(number).ends("ok")
        assert set(generations(bench)) == {"python", "bash", "cpp", "r"}
        # The kernel of the cell with the cursor has the keys.
        enter(bench, "z <- 2 + 3")
        await bench.until(lambda: bench.snapshot.default_kernel == "r", "the focus on R")
        await bench.until(
            lambda: [variable.name for variable in bench.snapshot.kernel.variables] == ["z"],
            "the variables of R",
        )
        await bench.press("shift+f9", "enter")
        await bench.until(lambda: generations(bench)["r"] == 2, "a fresh R")
        assert generations(bench) == {"python": 1, "bash": 1, "cpp": 1, "r": 2}
        enter(bench, "print(x + 1)")
        await bench.until(lambda: bench.snapshot.default_kernel == "python", "the focus on Python")
        await bench.press("f5")
        await console.card(7).shows("42")
        # Saved: nothing but the outputs is another, and other readers take it.
        await bench.press("ctrl+s")
        expected_texts = {"sh": "bash-21", "cc": "cpp", "rr": "R 5", "last": "42"}

        def texts() -> dict[str, str]:
            return {
                cell["id"]: "".join("".join(one["text"]) for one in cell.get("outputs", [])).strip()
                for cell in json.loads(path.read_text("utf-8"))["cells"]
            }

        # An earlier save may have written some of the outputs.
        await bench.until(lambda: texts().items() >= expected_texts.items(), "all outputs")
        saved = json.loads(path.read_text("utf-8"))
        nbformat.validate(saved)
        for cell in saved["cells"]:
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
            cell["source"] = "".join(cell["source"])
        expected = [
            {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")}
            for cell in CELLS
        ]
        assert saved["cells"] == expected
        assert saved["metadata"]["own"] == {"a": [1]}
        assert saved["metadata"]["kernelspec"]["name"] == "python3"
        # Another language for a cell, and back by undo.
        text = sheet.editor.text
        await bench.press("alt+colon")
        await bench.sees("The language of the cell")
        await bench.write("Shell")
        await bench.press("enter")
        await bench.until(lambda: 'language="bash"\nprint(x' in sheet.editor.text, "the mark")
        await bench.until(lambda: bench.snapshot.default_kernel == "bash", "the focus on bash")
        await bench.press("ctrl+z")
        await bench.until(lambda: sheet.editor.text == text, "the undo")
        await bench.until(lambda: bench.snapshot.default_kernel == "python", "the focus back")
    # Opened again, by another workbench: the cells have their languages.
    state = tmp_path / "other"
    async with open_bench(tmp_path, {}, options=options, state=state) as bench:
        sheet = await opened(bench)
        languages = [cell.language for cell in sheet.editor.cells()]
        assert languages == ["", "", "bash", "cpp", "r", "", ""]
        before = path.read_bytes()
        await bench.press("ctrl+s")
        await bench.until(lambda: not sheet.is_changed, "a save")
        assert path.read_bytes() == before


async def test_documents_that_take_no_other_language_say_why(tmp_path: Path) -> None:
    options = OpenOptions(files=("a.json",))
    async with open_bench(tmp_path, {"a.json": "{}\n"}, options=options) as bench:
        sheet = await opened(bench)
        await bench.press("alt+colon")
        await bench.is_told("A document of JSON has no cells of other languages.")
        sheet.editor.model.read_only = True
        await bench.press("alt+colon")
        await bench.is_told("This document is read-only.")
        assert sheet.editor.text == "{}\n"


async def test_a_language_without_a_toolchain_ends_a_run_of_all(tmp_path: Path) -> None:
    cells = [
        code("a", "print('one')"),
        code("b", "println(1)", vscode={"languageId": "julia"}),
        code("c", "print('two')"),
        code("d", "T | count", vscode={"languageId": "kusto"}),
        code("e", "print('three')"),
    ]
    files = {"a.ipynb": json.dumps({**NOTEBOOK, "cells": cells})}
    options = OpenOptions(files=("a.ipynb",))
    async with open_bench(tmp_path, files, options=options) as bench:
        await bench.until(lambda: bench.workbench.documents.sheet, "the notebook")
        run(bench, "all")
        await bench.console.card(1).ends("ok")
        await bench.console.card(2).ends("error")
        await bench.console.card(3).ends("cancelled")
        await bench.console.card(4).ends("cancelled")
        await bench.console.card(5).ends("cancelled")
        view = bench.console.card(2).view
        assert view is not None
        assert view.error is not None
        assert "julia, which is not installed. Install it: " in view.error.value
        enter(bench, "T | count")
        run(bench, "below")
        await bench.console.card(6).ends("cancelled")
        await bench.sees("kusto is no kernel that is installed")
        await bench.console.card(7).ends("cancelled")
        enter(bench, "print('two')")
        run(bench, "cell")
        await bench.console.card(8).shows("two")
