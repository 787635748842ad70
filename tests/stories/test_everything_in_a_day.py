"""One session from its first cell to the next day, with all that people use on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.requests import StopSession
from codeexec.tui.options import OpenOptions
from support.bench import Bench, engine_in, open_bench
from support.containers import containers
from support.programs import read_notebook

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("everywhere")]

CELLS = """\
# %% load
import pandas as pd
df = pd.DataFrame({"word": ["one", "two"], "length": [3, 3]})
df

# %% plot
import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.show()

# %% where
import os
print("in a container" if os.uname().nodename == "kernel" else "on this machine")

# %% fail
def half(x):
    return x / 0

half(4)
"""


async def test_from_the_first_cell_to_the_next_day(tmp_path: Path, everywhere: str) -> None:
    host = engine_in(tmp_path)
    try:
        async with open_bench(tmp_path, {"day.py": CELLS}, host=host) as bench:
            session = await _morning(bench, everywhere)
            await _noon(bench)
            await _evening(bench)
        if everywhere == "docker":
            assert len(containers(session)) == 1  # it goes on without anybody who looks
        again = OpenOptions(files=("day.py",))
        async with open_bench(tmp_path, host=host, options=again) as bench:
            # The folder's session, with all that was on screen, and what it has in memory.
            assert bench.snapshot.session_id in ("", session)
            await bench.console.run("print(len(df), 'rows still')")
            await bench.sees("2 rows still")
            assert bench.snapshot.session_id == session
            await host.call(StopSession(session))
        if everywhere == "docker":
            assert containers(session) == []
    finally:
        await host.close()


async def _morning(bench: Bench, where: str) -> str:
    """Cells, a data frame, a plot, a traceback."""
    await bench.editor.at("# %% load").run()
    await bench.console.card(1).ends("ok")
    await bench.editor.at("# %% plot").run()
    await bench.console.card(2).ends("ok")
    await bench.editor.at("# %% where").run()
    await bench.console.card(3).shows("in a container" if where == "docker" else "on this machine")
    await bench.until(
        lambda: any(v.name == "df" and v.kind == "table" for v in bench.snapshot.kernel.variables),
        "the data frame among the variables",
    )
    plot = bench.console.card(2).view
    assert plot is not None
    assert [display.part("image/png") is not None for display in plot.displays] == [True]
    await bench.editor.at("# %% fail").run()
    await bench.console.card(4).shows("ZeroDivisionError")
    if where == "docker":
        await bench.sees("codeexec-kernel:1 · locked")
    return bench.snapshot.session_id


async def _noon(bench: Bench) -> None:
    """An answer, an interrupt, and a look at what is finished by the keyboard alone."""
    await bench.console.run("name = input('Who? ')\nprint('hello', name)")
    await bench.sees("⌨ Who?")
    bench.workbench.console_pane.focus_prompt()
    await bench.write("me")
    await bench.press("enter")
    await bench.console.card(5).shows("hello me")
    await bench.console.run("while True: pass")
    await bench.until(lambda: bench.snapshot.kernel.state == "busy", "a busy kernel")
    await bench.press("f9")
    await bench.console.card(6).shows("KeyboardInterrupt")
    await bench.is_idle(6)


async def _evening(bench: Bench) -> None:
    """Restart and run all, and keep it as a notebook with its outputs."""
    bench.editor.at("# %% load")
    await bench.choose("restart and run all")
    await bench.until(lambda: bench.snapshot.kernel.generation == 2, "a fresh kernel")
    await bench.is_idle(10)
    bench.editor.at("# %% load")
    await bench.press("alt+shift+s")
    await bench.sees("enter ok")
    await bench.press("end", "backspace", "backspace")
    await bench.write("ipynb")
    await bench.press("enter")
    path = bench.folder / "day.ipynb"
    await bench.until(path.exists, "the notebook")
    cells = read_notebook(path).cells
    assert [cell.cell_type for cell in cells] == ["code"] * 4
    assert cells[0].source.splitlines()[0] == "import pandas as pd"
    expected = [["execute_result"], ["display_data"], ["stream"], ["error"]]
    await bench.until(lambda: _kinds(path) == expected, "its outputs")


def _kinds(path: Path) -> list[list[str]]:
    return [[output.output_type for output in cell.outputs] for cell in read_notebook(path).cells]
