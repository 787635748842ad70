"""The variables pane on a real kernel: names come and go, open, are sorted, searched, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec.client.api import SessionClient
from codeexec.domain.requests import SortKey
from codeexec.tui.panes.variables.header import ColumnHeader
from codeexec.tui.panes.variables.pane import VariablesPane
from codeexec.tui.screens.tables.kernel_table import KernelTable
from codeexec.tui.screens.tables.origins import VariableOrigin
from codeexec.tui.screens.tables.table_screen import TableScreen
from support.pane_app import PaneApp, run, session_in, until
from support.rows import text_of

CODE = """
import pandas as pd
df = pd.DataFrame({"n": range(1000), "m": range(1000, 0, -1)})
numbers = [3, 1, 2]
def area(w, h):
    return w * h
"""


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[SessionClient]:
    async with session_in(tmp_path) as session:
        yield session


@pytest.mark.slow
async def test_variables_are_looked_into_sorted_and_deleted(session: SessionClient) -> None:
    pane = VariablesPane(session)
    app = PaneApp(pane, session)
    async with app.run_test(size=(60, 24)) as pilot:
        assert pane.has_class("-empty")
        await run(session, CODE)
        await until(pilot, lambda: len(pane.rows) >= 3)
        pane.take_focus()
        assert [row.split()[0] for row in text_of(pane.rows)] == ["area", "df", "numbers"]
        assert "1000×2" in text_of(pane.rows)[1]

        await pilot.press("end", "enter")
        await until(pilot, lambda: len(pane.rows) == 6)
        assert [row.split()[:3] for row in text_of(pane.rows)[3:]] == [
            ["[0]", "int", "28"],
            ["[1]", "int", "28"],
            ["[2]", "int", "28"],
        ]
        await run(session, "numbers.append(9)")
        await until(pilot, lambda: len(pane.rows) == 7)
        await pilot.press("left")
        assert len(pane.rows) == 3

        await pilot.press("home", "space")
        await until(pilot, lambda: "return w * h" in "\n".join(text_of(pane.rows)))
        await pilot.press("left", "down", "enter")
        await until(pilot, lambda: app.heard_of(VariablesPane.VariableTableRequested))
        assert app.heard_of(VariablesPane.VariableTableRequested)[0].name == "df"

        await pilot.press("end", "d", "n")
        await pilot.press("d", "y")
        await until(pilot, lambda: len(pane.rows) == 2)
        assert [row.split()[0] for row in text_of(pane.rows)] == ["area", "df"]


HELD = """
import numpy as np
small, holder = "x" * 60_000, [[], "y" * 2_000_000]
view = np.zeros(1_000_000)[:3]
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [36, 70])
async def test_sorted_by_size_the_kernel_counts_what_is_in_them(
    session: SessionClient, width: int
) -> None:
    pane = VariablesPane(session)
    app = PaneApp(pane, session)
    async with app.run_test(size=(width, 24)) as pilot:
        await run(session, HELD)
        await until(pilot, lambda: len(pane.rows) == 3)
        header = pane.query_one(ColumnHeader)
        assert "Name ↑" in header.words
        pane.take_focus()
        await pilot.press("m")
        assert "Size ↓" in header.words
        names = ["view", "holder", "small"]
        await until(pilot, lambda: [row.split()[0] for row in text_of(pane.rows)] == names)
        assert ["8.0 MB" in text_of(pane.rows)[0], "2.0 MB" in text_of(pane.rows)[1]] == [True] * 2
        # After a run they are counted anew.
        await run(session, "holder[0].append('z' * 20_000_000)")
        names = ["holder", "view", "small"]
        await until(pilot, lambda: [row.split()[0] for row in text_of(pane.rows)] == names)

        await pilot.click(header, offset=(header.column_of("size") + 1, 0))
        assert "Size ↑" in header.words
        assert [row.split()[0] for row in text_of(pane.rows)] == names[::-1]
        await pilot.click(header, offset=(header.column_of("name") + 1, 0))
        assert "Name ↑" in header.words
        assert [row.split()[0] for row in text_of(pane.rows)] == ["holder", "small", "view"]


@pytest.mark.slow
async def test_a_frame_is_paged_and_sorted_in_the_kernel(session: SessionClient) -> None:
    pane = VariablesPane(session)
    app = PaneApp(pane, session)
    async with app.run_test(size=(60, 24)) as pilot:
        await run(session, CODE)
        await until(pilot, lambda: pane.rows)
        screen = TableScreen(VariableOrigin(session, "df"))
        await app.push_screen(screen)
        table = screen.query_one(KernelTable)
        await until(pilot, lambda: table.size_of_table == (1000, 2))
        await pilot.press("s", "s")
        await until(pilot, lambda: table.render_line(2).text.split()[:2] == ["999", "999"])
        await pilot.press("G")
        await until(pilot, lambda: "1000" in table.render_line(table.size.height - 1).text)
        await run(session, "df = df.head(5)")
        await until(pilot, lambda: table.size_of_table == (5, 2))
        assert screen.view.order == (SortKey("n", descending=True),)
        await pilot.press("escape")
        assert app.screen is not screen
