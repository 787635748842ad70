"""A file with a table is looked at by Ctrl+O, beside the documents that are open."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.screens.tables.kernel_table import KernelTable
from codeexec.tui.screens.tables.table_screen import TableScreen
from support.bench import Bench, open_bench
from support.table_files import write_parquet


def _rows(bench: Bench) -> int:
    tables = list(bench.program.screen.query(KernelTable))
    return tables[0].size_of_table[0] if tables else 0


@pytest.mark.slow
async def test_a_table_opens_by_ctrl_o_and_leaves_the_editor_alone(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": "x = 1\n"}) as bench:
        write_parquet(bench.folder / "sales.parquet")
        await bench.press("ctrl+o", *"sales.parquet", "enter")
        await bench.until(lambda: _rows(bench) == 1000, "the rows of the file")
        assert isinstance(bench.program.screen, TableScreen)
        await bench.press("escape")
        await bench.until(lambda: bench.program.screen is bench.workbench, "the workbench")
        assert [sheet.title for sheet in bench.workbench.documents.sheets] == ["a.py"]
