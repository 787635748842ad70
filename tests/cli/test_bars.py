"""Bars of tqdm where ipywidgets is installed: text that moves to its end, also in what is saved."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from support.programs import Desk, read_notebook

CASE = (Path(__file__).parents[1] / "cases" / "c08_tqdm_auto.py").read_text()
OTHERS = """# %%
from tqdm.notebook import tqdm, trange
for _ in tqdm(range(3), desc="notebook", display=True): pass
for _ in trange(3, desc="range"): pass
# %%
from tqdm.autonotebook import tqdm
for _ in tqdm(range(3), desc="autonotebook"): pass
"""


@pytest.mark.parametrize(
    ("code", "names"),
    [(f"# %%\n{CASE}", ["auto"]), (OTHERS, ["notebook", "range", "autonotebook"])],
)
def test_bars_of_tqdm_move_to_their_end(code: str, names: list[str], desk: Desk) -> None:
    assert importlib.util.find_spec("ipywidgets"), (
        "install the extra `dev`: pip install -e '.[dev]'"
    )
    desk.file("bars.py", code)
    done = desk.run("run", "--cells", "--save", "out.ipynb", "bars.py")
    assert done.returncode == 0
    cells = read_notebook(desk.folder / "out.ipynb")["cells"]
    outputs = [out for cell in cells for out in cell["outputs"]]
    texts = "".join("".join(out["text"]) for out in outputs if "text" in out)
    for name in names:
        assert f"\n{name}: 100%|" in "\n" + done.stderr.replace("\r", "\n")
        assert f"{name}: 100%|" in texts
    assert not any("widget" in str(out.get("data", "")) for out in outputs)
