"""The kernel knows how wide the console is, and what does not fit is folded so that it reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.bench import Bench, open_bench

pytestmark = pytest.mark.slow

FRAME = """import pandas
pandas.DataFrame({f"column_{n}": [n * 1.5] * 2 for n in range(9)})"""
WIDTH = "import os; print('columns', os.environ.get('COLUMNS'))"


def width_of(bench: Bench) -> int:
    return bench.workbench.console_pane.view.output_width


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_a_frame_fits_into_the_pane_and_follows_its_size(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with open_bench(tmp_path, size=size) as bench:
        await bench.console.run(FRAME)
        await bench.is_idle(1)
        await bench.console.card(1).shows("column_8")
        # The body of a frame, its rows folded by nothing but pandas.
        row = bench.console.card(1).text().split("\n")
        assert all(len(line) <= width_of(bench) + 2 for line in row)
        card = bench.workbench.console_pane.view.card_list.cards[0]
        (display,) = card.view.displays
        part = display.part("text/plain")
        assert part is not None and part.text is not None
        lines = part.text.split("\n")
        assert len(card.output.body(card.output.tail[-1]).lines) == len(lines)
        await bench.console.run(WIDTH)
        await bench.console.card(2).shows(f"columns {width_of(bench)}")
        wide = width_of(bench)
        await bench.pilot.resize_terminal(size[0] - 15, size[1])
        await bench.until(lambda: width_of(bench) < wide, "a narrower console")
        before = width_of(bench)
        await bench.console.run(WIDTH)
        await bench.console.card(3).shows(f"columns {before}")


async def test_a_console_that_is_hidden_has_the_width_that_it_will_have(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": WIDTH + "\n"}, size=(80, 24)) as bench:
        await bench.editor.at(WIDTH).run()
        await bench.is_idle(1)
        bench.workbench.pane_layout.go("console")
        card = bench.console.card(1)
        await bench.until(lambda: f"columns {width_of(bench)}" in card.text(), "its width")


async def test_cells_of_a_notebook_have_the_output_of_any_program(tmp_path: Path) -> None:
    cell: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "a",
        "metadata": {},
        "outputs": [],
        "source": WIDTH,
    }
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    async with open_bench(tmp_path, {"a.ipynb": json.dumps(notebook)}) as bench:
        await bench.editor.at(WIDTH).run()
        await bench.console.card(1).shows("columns None")
