"""Widgets of ipywidgets in console and page: operated by keys and by mouse on a real kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeexec.documents.notebook.widgets import STATE
from codeexec.tui.screens.widget_entry import WidgetEntry
from codeexec.tui.screens.widgets import WidgetScreen
from support.bench import Bench, open_bench

pytestmark = pytest.mark.slow

WIDGETS = """# %%
from ipywidgets import Button, Checkbox, IntSlider, Textarea, VBox, interact
slider = IntSlider(value=3, max=9, description="n")
button = Button(description="Go")
button.on_click(lambda _: print("clicked at", slider.value))
VBox([slider, Checkbox(description="ready"), button, Textarea(value="end")])
# %%
@interact(word=["sea", "sky"])
def show(word):
    print("It is the", word)
# %%
import time
from tqdm.notebook import tqdm
for _ in tqdm(range(30), desc="steps"):
    time.sleep(0.01)
"""


def place_of(bench: Bench, words: str) -> tuple[int, int]:
    """Column and row of the screen where words stand."""
    for y, line in enumerate(bench.screen().split("\n")):
        if (x := line.find(words)) >= 0:
            return x, y
    raise AssertionError(f"{words} is not on the screen")


async def click(bench: Bench, words: str, right: int = 0) -> None:
    x, y = place_of(bench, words)
    await bench.pilot.click(offset=(x + right, y))


async def test_widgets_are_operated_by_keys_and_mouse(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"widgets.py": WIDGETS}, size=(120, 70)) as bench:
        await bench.editor.at("# %%").run()
        await bench.sees("[ Go ]")
        await bench.press("shift+f3")
        await bench.until(lambda: isinstance(bench.program.screen, WidgetScreen))
        await bench.press("right", "right")
        await bench.until(lambda: values(bench, "IntSlider") == 5)
        await bench.press("tab", "space", "tab", "enter", "tab", "enter")
        await bench.until(lambda: isinstance(bench.program.screen, WidgetEntry))
        await bench.press("x", "enter", "y", "ctrl+s")
        await bench.until(lambda: values(bench, "Textarea") == "x\nyend")
        await bench.until(lambda: isinstance(bench.program.screen, WidgetScreen))
        await bench.press("escape")
        await bench.until(lambda: values(bench, "Checkbox") is True)
        await bench.sees("clicked at 5")
        await click(bench, "[ Go ]", 2)
        await bench.until(lambda: bench.screen().count("clicked at 5") == 2)
        await click(bench, "●", -2)
        await bench.until(lambda: values(bench, "IntSlider") == 4)


async def test_interact_and_tqdm_are_drawn_in_page_and_console(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"widgets.py": WIDGETS}, size=(120, 70)) as bench:
        await bench.press("alt+u", "f8")
        await bench.is_idle(runs=3)
        await bench.sees("30/30")
        await bench.sees("It is the sea")
        await click(bench, "sea ▾")
        await bench.sees("sky")
        await bench.press("down", "enter")
        await bench.sees("It is the sky")
        await bench.sees_no_more("It is the sea")


def notebook_of(source: str) -> dict[str, object]:
    """A notebook with one cell."""
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
    }
    cells = [{**cell, "source": source}]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


async def test_a_saved_notebook_has_the_state_of_its_widgets(tmp_path: Path) -> None:
    bar = "from tqdm.notebook import tqdm\nfor _ in tqdm(range(7)): pass\n"
    source = "from ipywidgets import IntSlider\nIntSlider(value=3, max=9, description='n')"
    notebook = notebook_of(bar + source)
    async with open_bench(tmp_path, {"slider.ipynb": json.dumps(notebook)}) as bench:
        path = bench.folder / "slider.ipynb"

        def saved() -> list[object]:
            widgets = json.loads(path.read_text())["metadata"].get("widgets", {})
            models = widgets.get(STATE, {}).get("state", {}).values()
            return [
                model["state"]["value"]
                for model in models
                if model["model_name"] in ("FloatProgressModel", "IntSliderModel")
            ]

        await bench.press("f8")
        await bench.until(lambda: saved() == [7, 3])
        await bench.press("shift+f3")
        await bench.until(lambda: isinstance(bench.program.screen, WidgetScreen))
        await bench.press("end", "escape")
        await bench.until(lambda: values(bench, "IntSlider") == 9)
        await bench.press("ctrl+s")
        await bench.until(lambda: saved() == [7, 9])


COUNTER = """import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { el.innerText = model.get('count'); } };"
    count = traitlets.Int(4).tag(sync=True)
counter = Counter()
counter
"""


async def test_a_widget_of_anywidget_says_what_it_is_and_is_saved(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"any.ipynb": json.dumps(notebook_of(COUNTER))}) as bench:
        path = bench.folder / "any.ipynb"
        await bench.press("f8")
        said = "[Counter count {} · Jupyter shows it, from the saved notebook]"
        await bench.sees(said.format(4))
        await bench.console.run("counter.count = 7")
        await bench.sees(said.format(7))
        await bench.press("ctrl+s")
        await bench.until(lambda: counts_in(path) == [7])
        widgets = json.loads(path.read_text())["metadata"]["widgets"][STATE]["state"].values()
        [model] = [each for each in widgets if "count" in each["state"]]
        assert (model["model_name"], model["model_module"]) == ("AnyModel", "anywidget")
        assert "export default" in model["state"]["_esm"]  # with it, Jupyter draws it


def counts_in(notebook: Path) -> list[object]:
    widgets = json.loads(notebook.read_text())["metadata"].get("widgets", {})
    models = widgets.get(STATE, {}).get("state", {}).values()
    return [model["state"]["count"] for model in models if "count" in model["state"]]


def values(bench: Bench, kind: str) -> object:
    """The value of the newest widget of a kind."""
    views = bench.snapshot.comms.values()
    named = [view for view in views if view.state.get("_model_name") == f"{kind}Model"]
    return named[-1].state["value"]
