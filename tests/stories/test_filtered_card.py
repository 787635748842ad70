"""A table of the console is filtered by a key: its rows are a card of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from support.bench import open_bench

pytestmark = pytest.mark.slow

TABLE = """# %%
import pandas as pd
df = pd.DataFrame({"city": ["Bern", "Rome", "Oslo"], "price": [12, 3, 40]})
df
# %%
print("no table")
"""


async def test_the_rows_of_a_filter_are_a_card(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"table.py": TABLE}, size=(120, 50)) as bench:
        await bench.editor.at("# %%").run()
        await bench.sees("Rome")
        await bench.until(lambda: any(v.name == "df" for v in bench.snapshot.kernel.variables))
        await bench.press("alt+2", "alt+up", "F")
        await bench.until(lambda: isinstance(bench.program.focused, Input))
        # A filter that cannot be read is typed again.
        await bench.press(*"pric > 10", "enter")
        await bench.sees("Is it price?")
        await bench.until(lambda: isinstance(bench.program.focused, Input))
        await bench.press("home", *(["delete"] * 20), *"price > 10", "enter")
        await bench.is_idle(runs=2)
        view = list(bench.snapshot.executions.values())[-1]
        assert view.code.startswith("df_view = df[")
        shown = view.displays[-1].part("text/plain")
        assert shown is not None and shown.text is not None
        assert "Oslo" in shown.text and "Rome" not in shown.text
