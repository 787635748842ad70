"""A whole day by the mouse alone: only what goes into the text is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.client.embedded import EmbeddedHost
from codeexec.documents.formats import open_document
from codeexec.tui.options import OpenOptions
from codeexec.tui.screens.tables.table_screen import TableScreen
from codeexec.tui.widgets.table import DataTableView
from support.bench import open_bench
from support.mouse import MENU, Mouse

pytestmark = pytest.mark.slow

LOAD = """\
# %% load
import pandas as pd
import matplotlib.pyplot as plt
df = pd.DataFrame({"name": list("cab"), "size": [2.5, 10.0, 1.25]})
plt.plot(df["size"])
plt.show()
"""
FAIL = """\
# %% fail
def invert(x):
    return 1 / x

invert(0)
"""


async def test_a_day_by_the_mouse_alone(tmp_path: Path) -> None:
    host = EmbeddedHost(tmp_path / "sessions")
    try:
        folder = OpenOptions(files=(".",))
        async with open_bench(tmp_path, host=host, options=folder, size=(150, 46)) as bench:
            mouse = Mouse(bench)
            (bench.folder / "notes.md").write_text("# Notes\n", "utf-8")
            await bench.is_idle()

            # A new file with two cells, run by their marks; the plot appears.
            await mouse.click("begin a new one")
            await bench.sees("untitled-1.py")
            sheet = bench.workbench.documents.sheet
            assert sheet is not None
            sheet.editor.insert(LOAD + FAIL)
            await mouse.click("▷")
            await bench.is_idle(1)
            await bench.sees("▣ [1] load")

            # The data frame as a table, sorted by a click on the name of a column.
            await mouse.click("df     DataFrame", times=2)
            await bench.until(lambda: isinstance(bench.program.screen, TableScreen), "the table")
            await bench.sees("1.25")
            await mouse.click("size")
            await bench.sees("size ↑")
            table = bench.program.screen.query_one(DataTableView)
            await bench.until(
                lambda: table.render_line(2).text.split()[1:2] == ["b"], "sorted rows"
            )
            await mouse.click("close")
            await bench.until(lambda: bench.program.screen is bench.workbench, "no table")

            # The picture on the whole screen, and back.
            await mouse.click("▣ [1] load", times=2)
            await bench.sees("zoom")
            await mouse.click("close")
            await bench.sees("Variables")

            # A traceback leads to its line.
            await mouse.click("▷")
            await bench.console.card(2).ends("error")
            await mouse.click("# %% load")
            await mouse.click("line 2, in invert(x)")
            await bench.until(lambda: bench.editor.line == "    return 1 / x", "the failing line")

            # An answer to input(), sent by the mouse.
            sheet.editor.load("# %% ask\nname = input('Who? ')\nprint('hello', name)\n")
            await mouse.click("▷")
            await mouse.click("⌨ waiting for an answer")
            await bench.write("Ada")
            await mouse.click("⏎")
            await bench.console.card(3).shows("hello Ada")
            await bench.console.card(3).shows("⌨ Who? Ada")

            # A loop, interrupted.
            sheet.editor.load("# %% loop\nwhile True: pass\n")
            await mouse.click("▷")
            await mouse.click("▶ busy", right=2)
            await bench.console.card(4).shows("KeyboardInterrupt")
            await bench.is_idle(4)

            # Restart and run all.
            sheet.editor.load(LOAD + "# %% count\nprint('rows', len(df))\n")
            await mouse.menu("# %% count", "Restart and run all")
            await bench.console.card(6).shows("rows 3")
            assert bench.snapshot.kernel.generation == 2

            # Saved as a notebook.
            await mouse.click("^P commands")
            await bench.sees("what do you want to do?")
            await bench.write("save as")
            await mouse.click("Save as…")
            await bench.sees("enter ok")
            await bench.press("end", "ctrl+u")
            await bench.write("day.ipynb")
            await mouse.click("ok")
            await bench.sees("day.ipynb ×")
            name = bench.snapshot.name
            notebook = open_document(bench.folder / "day.ipynb")
            assert [cell.title for cell in notebook.cells] == ["load", "count"]
            await bench.workbench.documents.outputs.wait()
            saved = open_document(bench.folder / "day.ipynb").notebook
            assert saved is not None
            assert [output["output_type"] for output in saved.outputs(0)] == ["display_data"]
            assert "image/png" in saved.outputs(0)[0]["data"]
            assert saved.outputs(1)[0]["text"] == ["rows 3\n"]
            assert saved.execution_count(1) == 2
            assert (saved.kernel, saved.language) == ("python3", "python")
            await bench.sees("✓  1")

            # Quit.
            await mouse.click("^P commands")
            await bench.write("quit and let")
            await mouse.click("Quit, and let the session go on")
            await bench.until(lambda: bench.program._exit, "the end")

        # Attached again, everything is where it was.
        again = OpenOptions(session=name, attach=True)
        async with open_bench(tmp_path, host=host, options=again, size=(150, 46)) as bench:
            mouse = Mouse(bench)
            await bench.sees("day.ipynb ×")
            await bench.console.card(6).shows("rows 3")
            await bench.sees("▣ [1] load")
            await bench.sees("df     DataFrame")
    finally:
        await host.close()


async def test_every_pane_tells_by_the_right_button_what_can_be_done(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"day.py": LOAD, "notes.md": "# Notes\n"}) as bench:
        mouse = Mouse(bench)
        await bench.is_idle()
        await mouse.click("▷")
        await bench.is_idle(1)
        await mouse.click("df     DataFrame", times=2)
        await bench.sees("1.25")
        await mouse.click("close")
        await bench.until(lambda: bench.program.screen is bench.workbench, "no table")
        for words, nth, command in [
            ("notes.md", 2, "Rename…"),
            ("import pandas", 1, "Run cell"),
            ("✓", 2, "Copy its code"),
            ("▣ [1]", 1, "Pin on top"),
            ("df     DataFrame", 1, "Open as a table"),
        ]:
            _, y = await mouse.click(words, nth, button=3)
            await bench.sees(MENU)
            rows = bench.screen().split("\n")
            cut = next(y for y, row in enumerate(rows) if " Cut " in row)
            end = next(y for y, row in enumerate(rows) if MENU in row) + 1
            assert "Copy" in rows[cut + 1] and "Paste" in rows[cut + 2]
            assert any(command in row for row in rows[cut + 3 :])
            is_below = y + 1 + end - cut <= len(rows)
            assert (cut if is_below else end) == (y + 1 if is_below else y)
            await bench.press("escape")
            await bench.sees_no_more(MENU)


@pytest.mark.parametrize("size", [(80, 24), (120, 35)])
async def test_the_menu_copies_what_is_selected_and_pastes_it(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with open_bench(tmp_path, {"day.py": "first = 1\nsecond = 2\n"}, size=size) as bench:
        mouse = Mouse(bench)
        await mouse.click("first", times=2)
        await mouse.menu("first", "Copy")
        assert bench.program.clipboard == "first"
        await mouse.menu("second", "Run cell")
        await bench.is_idle(1)
        await bench.press("alt+1", "ctrl+end")
        await mouse.click("second", button=3, right=10)
        await bench.sees(MENU)
        await bench.press("down", "down", "enter")
        await bench.until(lambda: bench.editor.text.endswith("second = 2first\n"), "pasted")
