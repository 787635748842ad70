"""Cases of tests/cases as the workbench shows them: what its README says that `W` must show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from codeexec.documents.formats import open_document
from support.bench import Bench, open_bench

pytestmark = pytest.mark.slow

CASES = Path(__file__).parents[1] / "cases"

Check = Callable[[Bench], Awaitable[None]]


async def _open(bench: Bench, name: str, content: str | None = None) -> None:
    path = bench.folder / name
    if content is None:
        shutil.copyfile(CASES / name, path)
    else:
        path.write_text(content, "utf-8")
    assert await bench.workbench.documents.opener.open(path) is not None
    bench.workbench.pane_layout.go("editor")


async def _run_all(bench: Bench, cells: int) -> None:
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    sheet.editor.action_run_cells("all")
    await bench.is_idle(cells)


def _outputs(bench: Bench, name: str) -> list[list[str]]:
    """The text of the saved outputs of each code cell."""
    cells = json.loads((bench.folder / name).read_text("utf-8"))["cells"]
    return [
        ["".join(output.get("text", "")) for output in cell["outputs"]]
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def _notebook(*sources: str, outputs: str = "") -> str:
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": 7 if outputs else None,
            "id": f"c{number}",
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": [outputs]}]
            if outputs
            else [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


async def c08_a_bar_of_tqdm_auto_moves_to_its_end(bench: Bench) -> None:
    await _open(bench, "c08_tqdm_auto.py")
    count = len([cell for cell in open_document(CASES / "c08_tqdm_auto.py").cells if cell.source])
    await _run_all(bench, count)
    await bench.sees("auto: 100%")
    assert "0%|" not in bench.screen().replace("100%|", "")


async def c27_a_group_of_exceptions_leads_to_its_line(bench: Bench) -> None:
    source = "def f():\n    raise ExceptionGroup('two', [KeyError('a')])\n\nf()\n"
    await _open(bench, "group.py", source)
    await bench.choose("as a program")
    await bench.is_idle(1)
    card = bench.console.card(1)
    await card.shows("ExceptionGroup: two (1 sub-exception)")
    view = bench.workbench.console_pane.view
    y = next(y for y in range(view.size.height) if "line 2, in f" in view.render_line(y).text)
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    sheet.go_to(3)
    await bench.click(view, 8, y)
    await bench.until(lambda: bench.editor.line.strip().startswith("raise"), "the line")
    # The line is marked with the program's error, and `s` on the card leads there too.
    marks = sheet.editor.painter
    await bench.until(
        lambda: any(
            one.message == "ExceptionGroup: two (1 sub-exception)"
            for one in marks.diagnostics.values()
        ),
        "the mark",
    )
    sheet.go_to(3)
    bench.workbench.pane_layout.go("console")
    await bench.press("escape", "s")
    await bench.until(lambda: bench.editor.line.strip().startswith("raise"), "the line")


async def c28_an_interrupt_ends_an_await_and_keeps_the_variables(bench: Bench) -> None:
    await bench.console.run("import asyncio; kept = 1")
    await bench.is_idle(1)
    await bench.console.run("print('sleeping'); await asyncio.sleep(600)")
    await bench.console.card(2).shows("sleeping")
    await bench.press("f9")
    await bench.console.card(2).ends("cancelled")
    await bench.console.run("print('kept', kept)")
    await bench.console.card(3).shows("kept 1")
    assert bench.snapshot.kernel.generation == 1


async def c35_brackets_in_names_are_no_markup(bench: Bench) -> None:
    for name in ("c35_[bold]brackets[0].py", "w[lr=1e-3,bs=32].py"):
        await _open(bench, name)
        await bench.write("#")
        await bench.press("ctrl+s")
        await bench.is_told(name)
        assert (bench.folder / name).read_text("utf-8").startswith("#")
    await bench.console.run(
        "x = '[bold]no[/bold] [@click=app.quit]'\nexec(compile('1/0', '/gone[/dir]/x.py', 'exec'))"
    )
    await bench.console.card(1).shows("x = '[bold]no[/bold] [@click=app.quit]'")
    await bench.console.card(1).shows("ZeroDivisionError: division by zero")
    bench.workbench.pane_layout.go("console")
    await bench.press("escape", "s")
    assert bench.program.is_running


async def c59_control_characters_are_shown_and_do_nothing(bench: Bench) -> None:
    await _open(bench, "c59.py", "# %% \x1b]0;title\x07 first\nprint('\x1b[2Jend\x07')\n")
    await bench.editor.at("print('\x1b[2Jend\x07')").run()
    await bench.console.card(1).shows("end")
    assert not any(sign in bench.screen() for sign in "\x1b\x07")
    await bench.console.run("input('\x1b]0;title\x07name? ')")
    await bench.sees("name?")
    assert not any(sign in bench.screen() for sign in "\x1b\x07")
    await bench.write("ann")
    await bench.press("enter")
    await bench.is_idle(2)


async def c62_equal_cells_have_their_own_outputs(bench: Bench) -> None:
    source = "print('n')"
    await _open(bench, "same.ipynb", _notebook(source, source))
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    lines = sheet.editor.model.lines
    sheet.go_to(len(lines) - 1 - lines[::-1].index(source))
    await bench.press("f5")
    await bench.is_idle(1)
    await bench.workbench.documents.outputs.wait()
    await bench.until(lambda: _outputs(bench, "same.ipynb") == [[], ["n\n"]], "the second's")


async def c63_a_cell_that_ends_in_blanks_has_its_outputs(bench: Bench) -> None:
    await _open(bench, "blanks.ipynb", _notebook("print('n')\n   \n  "))
    await _run_all(bench, 1)
    await bench.until(lambda: _outputs(bench, "blanks.ipynb") == [["n\n"]], "its outputs")


async def c79_a_notebook_shows_the_outputs_that_its_file_holds(bench: Bench) -> None:
    await _open(bench, "done.ipynb", _notebook("print('n')", outputs="from the file\n"))
    await bench.sees("from the file")
    await bench.sees("stored")
    await bench.sees_no_more("Nothing has run yet")
    assert not bench.snapshot.executions


@pytest.mark.parametrize(
    "check",
    [
        c08_a_bar_of_tqdm_auto_moves_to_its_end,
        c27_a_group_of_exceptions_leads_to_its_line,
        c28_an_interrupt_ends_an_await_and_keeps_the_variables,
        c35_brackets_in_names_are_no_markup,
        c59_control_characters_are_shown_and_do_nothing,
        c62_equal_cells_have_their_own_outputs,
        c63_a_cell_that_ends_in_blanks_has_its_outputs,
        c79_a_notebook_shows_the_outputs_that_its_file_holds,
    ],
    ids=lambda check: check.__name__,
)
async def test_the_workbench_shows_what_a_case_must(tmp_path: Path, check: Check) -> None:
    async with open_bench(tmp_path) as bench:
        await check(bench)
