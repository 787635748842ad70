"""A table is filtered and sorted in the place of the output that shows it: on a card of the
console, on the page and in the viewer."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from codeexec.tui.panes.artifacts.preview import Preview
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.screens.tables.kernel_table import KernelTable
from codeexec.tui.screens.tables.table_screen import TableScreen
from codeexec.tui.screens.viewer import ViewerScreen
from support.bench import Bench, open_bench

pytestmark = pytest.mark.slow

TABLE = """# %%
import pandas as pd
df = pd.DataFrame({"city": ["Bern", "Rome", "Oslo"], "price": [12, 3, 40]})
None; df
# %%
print("no table")
"""


def rows(bench: Bench) -> list[list[str]]:
    table = bench.program.screen.query_one(KernelTable)
    lines = [table.render_line(y).text.split() for y in range(2, table.size.height)]
    return [line[1:] for line in lines if line]


async def opens(bench: Bench, key: str) -> TableScreen:
    await bench.press(key)
    await bench.until(lambda: isinstance(bench.program.screen, TableScreen))
    screen = bench.program.screen
    assert isinstance(screen, TableScreen)
    await bench.until(lambda: len(rows(bench)) == 3)
    return screen


async def narrows(bench: Bench) -> None:
    """Filter, sort and count values by the keys of every table."""
    await bench.press("f")
    await bench.until(lambda: isinstance(bench.program.focused, Input))
    # A filter that cannot be read is typed again.
    await bench.press(*"pric > 10", "enter")
    await bench.sees("Is it price?")
    await bench.press("home", *(["delete"] * 20), *"price > 10", "enter")
    await bench.until(lambda: rows(bench) == [["Bern", "12"], ["Oslo", "40"]])
    await bench.press("right", "s", "s")
    await bench.until(lambda: rows(bench) == [["Oslo", "40"], ["Bern", "12"]])
    await bench.press("v")
    await bench.sees("only these rows")
    await bench.press("escape")
    await bench.until(lambda: isinstance(bench.program.screen, TableScreen))


async def test_a_table_is_narrowed_on_its_card_and_on_the_page(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"table.py": TABLE}, size=(120, 50)) as bench:
        await bench.editor.at("# %%").run()
        await bench.sees("Rome")
        await bench.until(lambda: any(v.name == "df" for v in bench.snapshot.kernel.variables))
        await bench.press("alt+2", "alt+up")
        screen = await opens(bench, "F")
        window = screen.query_one("#window").region
        assert bench.workbench.query_one(ConsoleView).region.contains_region(window)
        await bench.sees("import pandas as pd")  # what stands above the output is there to be read
        await narrows(bench)
        await bench.press("e")
        await bench.until(lambda: "df_view = df[" in bench.editor.text)

        # The same on the page, below the cell.
        await bench.press("alt+1")
        bench.editor.at("None; df")
        await bench.press("alt+u", "escape")
        screen = await opens(bench, "F")
        window = screen.query_one("#window").region
        assert bench.workbench.query_one(CodeEditor).region.contains_region(window)
        await narrows(bench)
        # Another size of the screen: it has moved what is below.
        await bench.pilot.resize_terminal(100, 40)
        await bench.until(lambda: screen.query_one("#window").region.size == (100, 40))
        await bench.press("escape")
        await bench.until(lambda: bench.program.screen is not screen)


async def test_a_table_is_narrowed_in_the_viewer(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"table.py": TABLE}, size=(120, 40)) as bench:
        await bench.editor.at("# %%").run()
        await bench.sees("Rome")
        await bench.until(lambda: any(v.name == "df" for v in bench.snapshot.kernel.variables))
        pane = bench.workbench.panes.artifacts
        assert pane is not None
        await bench.until(lambda: pane.selected is not None and pane.selected.variable == "df")
        assert pane.selected is not None
        # As a step from a picture leads to it: alone it opens as a table at once.
        pane.post_message(pane.ItemOpenRequested(pane.selected.key))
        await bench.until(lambda: isinstance(bench.program.screen, ViewerScreen))
        viewer = bench.program.screen
        screen = await opens(bench, "F")
        assert viewer.query_one(Preview).region == screen.query_one("#window").region
        await narrows(bench)
        await bench.press("escape")
        await bench.until(lambda: bench.program.screen is viewer)
        await opens(bench, "F")
        await bench.press("e")
        await bench.until(lambda: "df_view = df" in bench.editor.text)
        await bench.until(lambda: bench.program.screen is bench.workbench)
