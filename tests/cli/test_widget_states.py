"""`run --save` writes the state of widgets into the notebook's metadata, as nbclient does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeexec.documents.notebook.widgets import STATE, VIEW
from support.peers import run_by_nbclient
from support.programs import Desk, read_notebook, write_notebook

SHOWN = """import ipywidgets
from IPython.display import display
bar = ipywidgets.IntProgress(max=3)
row = ipywidgets.HBox([ipywidgets.Label("a"), ipywidgets.Label("b")])
out = ipywidgets.Output()
image = ipywidgets.Image(value=bytes(range(256)), format="png")
display(bar, row, out, image)
for i in range(4):
    bar.value = i
with out:
    print("captured")
    display(7)"""
LATER = "row.children[0].value = 'changed'"


def _by_place(states: dict[str, Any], views: list[str]) -> list[Any]:
    """The states from the displayed models on, with places for ids."""
    places: dict[str, int] = {}

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replaced(value[key]) for key in sorted(value)}
        if isinstance(value, list):
            return [replaced(item) for item in value]
        if isinstance(value, str) and value.startswith("IPY_MODEL_"):
            model = value.removeprefix("IPY_MODEL_")
            return f"IPY_MODEL_{places.setdefault(model, len(places))}"
        return value

    for model in views:
        places.setdefault(model, len(places))
    found: list[Any] = []
    while len(found) < len(places):
        found.append(replaced(states[list(places)[len(found)]]))
    assert set(places) == set(states)
    return found


def _views(cells: list[Any]) -> list[str]:
    return [
        output["data"][VIEW]["model_id"]
        for cell in cells
        for output in cell.outputs
        if VIEW in output.get("data", {})
    ]


@pytest.mark.slow
def test_the_state_of_widgets_is_saved_as_nbclient_does(desk: Desk) -> None:
    book = write_notebook(SHOWN, LATER)
    desk.file("book.ipynb", book)
    done = desk.run("run", "book.ipynb", "--save", "out.ipynb")
    assert done.returncode == 0, done.stderr
    ours = read_notebook(desk.folder / "out.ipynb")
    theirs, error = run_by_nbclient(book)
    assert error is None
    assert {**ours.metadata.widgets[STATE], "state": None} == {
        "version_major": 2,
        "version_minor": 0,
        "state": None,
    }
    mine = _by_place(ours.metadata.widgets[STATE].state, _views(ours.cells))
    other = _by_place(theirs.metadata.widgets[STATE].state, _views(theirs.cells))
    assert mine == other
    assert (mine[0]["state"]["value"], mine[3]["buffers"][0]["path"]) == (3, ["value"])
    assert all(STATE not in output.get("data", {}) for c in ours.cells for output in c.outputs)


@pytest.mark.slow
def test_states_stay_for_cells_that_did_not_run(desk: Desk) -> None:
    desk.file("book.ipynb", write_notebook("import ipywidgets\nipywidgets.Label('old')", "1"))
    assert desk.run("run", "book.ipynb", "--save", "book.ipynb").returncode == 0
    book = json.loads((desk.folder / "book.ipynb").read_text())
    states = book["metadata"]["widgets"][STATE]["state"]
    book["cells"][0]["metadata"]["tags"] = ["skip-execution"]
    desk.file("book.ipynb", json.dumps(book))
    assert desk.run("run", "book.ipynb", "--save", "book.ipynb").returncode == 0
    book = json.loads((desk.folder / "book.ipynb").read_text())
    assert book["metadata"]["widgets"][STATE]["state"] == states
    del book["cells"][0]
    desk.file("book.ipynb", json.dumps(book))
    assert desk.run("run", "book.ipynb", "--save", "book.ipynb").returncode == 0
    assert "widgets" not in json.loads((desk.folder / "book.ipynb").read_text())["metadata"]
