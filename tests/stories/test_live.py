"""What is open on the whole screen follows the session: it never shows what is no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.requests import Execute
from codeexec.tui.screens.tables.table_screen import TableScreen
from codeexec.tui.screens.viewer import ViewerScreen
from codeexec.tui.widgets.table import DataTableView
from support.bench import open_bench

pytestmark = pytest.mark.slow


async def test_a_display_that_is_updated_changes_on_the_whole_screen(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run(
            "from IPython.display import Markdown\n"
            "shown = display(Markdown('# first words'), display_id=True)"
        )
        await bench.is_idle(1)
        await bench.press("alt+3")
        # The console says the words as well; the size stands in the gallery alone.
        await bench.sees("13 B")
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.program.screen, ViewerScreen), "the viewer")
        await bench.sees("first words")
        await bench.workbench.state.session.call(
            Execute("shown.update(Markdown('# second words'))")
        )
        await bench.sees("second words")


async def test_a_table_that_is_open_is_read_again_after_each_run(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("import pandas as pd; df = pd.DataFrame({'n': [1, 2, 3]})")
        await bench.is_idle(1)
        await bench.press("alt+4")
        await bench.sees("3×1")
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.program.screen, TableScreen), "the table")
        await bench.sees("df  3×1")
        session = bench.workbench.state.session
        # Neither its shape nor its columns change: only what is in it.
        await session.call(Execute("df.loc[1, 'n'] = 4321"))
        await bench.sees("4321")
        wait = "while not os.path.exists('go'): time.sleep(0.01)"
        await session.call(Execute(f"import os, time\n{wait}\ndf = df.head(2)"))
        await bench.sees("as before the run")
        (bench.folder / "go").touch()
        await bench.sees("df  2×1")
        await bench.sees_no_more("as before the run")
        table = bench.program.screen.query_one(DataTableView)
        await session.call(Execute("del df"))
        await bench.until(lambda: "no variable df" in table.render_line(1).text, "what is gone")
