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


@pytest.mark.slow
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


CELLS = """\
# %%
import ipywidgets as w
from IPython.display import display
bar = w.IntProgress(description="load", max=10)
label = w.Label("start")
display(bar, label)
display(w.HBox([w.Label("at"), w.HTML("<i>0</i>")]))
picked = w.Tab([w.Dropdown(options=["a", "b"]), w.Image()], titles=["One", "Two"])
display(picked)
print("between")
for step in range(11):
    bar.value = step
    label.value = f"step {step}"
picked.children[0].value = "b"
bar.close()
w.Image()
# %%
label.value = "done"
"""


@pytest.mark.slow
def test_displays_follow_the_values_of_widgets(desk: Desk) -> None:
    desk.file("a.py", CELLS)
    done = desk.run("run", "--cells", "--save", "o.ipynb", "a.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "load: 100%|████████████████████| 10/10" in done.stdout
    assert "[widget Image" in done.stdout
    outputs = read_notebook(desk.folder / "o.ipynb").cells[0].outputs
    texts = [output.data["text/plain"] for output in outputs if "data" in output]
    assert texts[:4] == [
        "load: 100%|████████████████████| 10/10",
        "done",
        "at  0",
        "One\nb\nTwo\n[Image widget: a browser shows it]",
    ]
