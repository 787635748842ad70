"""Progress bars of real libraries in a real kernel: one row each, whatever their way to draw."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sessions import open_host, open_session, run, text

RICH = """
from rich.progress import Progress
with Progress() as bars:
    first, second = bars.add_task("first", total=3), bars.add_task("second", total=3)
    for _ in range(3):
        bars.advance(first)
        bars.advance(second)
        bars.refresh()
print("after")
"""
TQDM = """
from tqdm import tqdm
for _ in tqdm(range(3), desc="outer"):
    for _ in tqdm(range(50), desc="inner", leave=False, mininterval=0):
        pass
print("after")
"""


async def test_rich_bars_stay_in_place(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        view = await run(session, RICH)
        assert view.status == "ok"
        assert await text(session, view, "stderr") == []
        rows = [row for row in await text(session, view) if row.strip()]
        assert len(rows) == 3
        assert rows[0].startswith("first ") and "100%" in rows[0]
        assert rows[1].startswith("second ") and "100%" in rows[1]
        assert rows[2] == "after"


@pytest.mark.slow
async def test_tqdm_bars_stay_in_place(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        view = await run(session, TQDM)
        rows = [row for row in await text(session, view, "stderr") if row.strip()]
        assert len(rows) == 1
        assert rows[0].startswith("outer: 100%")
        assert await text(session, view) == ["after"]
