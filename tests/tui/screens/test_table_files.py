"""Files with tables on the screen, by keys: the list of tables, rows, changes, code, faults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pytest
from pyarrow import parquet
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.worker import Worker

from codeexec.config.load import Loaded
from codeexec.config.model import Settings
from codeexec.domain.errors import CodeexecError
from codeexec.tui.commands.keymap import Keymap
from codeexec.tui.context import AppContext
from codeexec.tui.options import OpenOptions
from codeexec.tui.screens.tables.kernel_table import KernelTable
from codeexec.tui.screens.tables.table_screen import TableScreen
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.theme.theme import DEFAULT, built_in_folder, find_theme
from codeexec.tui.widgets.dialogs import Chooser
from codeexec.tui.workbench.files.table_files import TableFileController
from codeexec.tui.workbench.surface import WorkbenchState
from support.pane_app import PaneApp, until
from support.table_files import write_database, write_parquet

R = TypeVar("R")


class FileApp(PaneApp):
    """An app as the surface of the controller; keeps code and faults."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Static("behind it"))
        theme = find_theme(DEFAULT, [built_in_folder()])
        context = AppContext("me", folder, Loaded(Settings(), {}), {}, theme, Keymap({}))
        session = DeferredSession(lambda: 80)
        place = Workspace(folder, ())
        state = WorkbenchState(None, session, OpenOptions(), place, context)  # type: ignore[arg-type]
        self.edited: list[str] = []
        self.faults: list[str] = []
        self.controller = TableFileController(self, state, self._edit)  # type: ignore[arg-type]

    async def _edit(self, code: str) -> None:
        self.edited.append(code)

    async def ask_user(self, dialog: Screen[R]) -> R | None:
        return await self.push_screen_wait(dialog)

    def start(self, work: Callable[[], object], group: str, *, exclusive: bool = False) -> None:
        async def run() -> None:
            result = work()
            assert isinstance(result, Awaitable)
            await result

        _: Worker[None] = self.run_worker(run, group=group, exclusive=exclusive)

    def show_error(self, error: CodeexecError) -> None:
        self.faults.append(str(error))

    @property
    def lines(self) -> list[str]:
        table = self.screen.query_one(KernelTable)
        return [table.render_line(y).text.rstrip() for y in range(table.size.height)]

    @property
    def size_of_table(self) -> tuple[int, int]:
        found = list(self.screen.query(KernelTable))
        return found[0].size_of_table if found else (0, 0)


def words(screen: Screen[Any], selector: str) -> str:
    return str(screen.query_one(selector, Static).render())


@pytest.mark.slow
async def test_a_table_of_a_database_is_chosen_filtered_and_left(tmp_path: Path) -> None:
    write_database(tmp_path / "sales.db")
    app = FileApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.controller.open(tmp_path / "sales.db")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"sales", "enter")
        await until(pilot, lambda: app.size_of_table == (1000, 4))
        assert words(app.screen, "#title").startswith("sales.db · sales  1,000×4")
        assert app.lines[1].split() == ["INTEGER", "REAL", "TEXT", "TEXT"]
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"n > 997", "enter")
        await until(pilot, lambda: app.size_of_table == (2, 4))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Chooser))
        assert app.faults == []


@pytest.mark.slow
async def test_parquet_shows_its_rows_its_code_and_what_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    write_parquet(path)
    app = FileApp(tmp_path)
    async with app.run_test(size=(200, 50)) as pilot:
        app.controller.open(path)
        await until(pilot, lambda: app.size_of_table == (1000, 4))
        screen = app.screen
        assert isinstance(screen, TableScreen)
        await pilot.press("G")
        await until(pilot, lambda: any(line.startswith("999") for line in app.lines))
        assert "w write" in words(screen, "#keys")
        parquet.write_table(pa.table({"x": [7, 8]}), path)
        screen._read_changed_file()
        await until(pilot, lambda: app.size_of_table == (2, 1))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert app.screen.query_one(Input).value == "sales.csv"
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "sales.csv").exists())
        await pilot.press("e")
        await until(pilot, lambda: app.edited)
        assert app.edited[0].startswith("import pandas as pd\n\ndf = pd.read_parquet('sales.parq")


async def test_what_cannot_be_read_is_told_and_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "zero.parquet").touch()
    app = FileApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.controller.open(tmp_path / "zero.parquet")
        app.controller.open(tmp_path / "gone.xlsx")
        await until(pilot, lambda: len(app.faults) == 2)
        assert "zero.parquet: The file is empty (0 bytes)." in "".join(app.faults)
        assert f"There is no file {tmp_path / 'gone.xlsx'}" in "".join(app.faults)
        await asyncio.sleep(0)
        assert len(app.screen_stack) == 1
