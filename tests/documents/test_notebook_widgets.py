"""The state of widgets in a notebook: what is kept, added and dropped."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]

from codeexec.documents.notebook.convert import Notebook
from codeexec.documents.notebook.widgets import (
    STATE,
    VIEW,
    has_views,
    with_comm_states,
    with_widget_states,
)
from codeexec.domain.content.comms import WIDGET, CommView


def _state(**values: object) -> dict[str, Any]:
    return {"model_name": "XModel", "state": values}


def _notebook(models: list[str], states: dict[str, Any] | None = None, **forms: object) -> Notebook:
    outputs = [{"output_type": "display_data", "data": {VIEW: {"model_id": m}}} for m in models]
    cells = [{"cell_type": "code", "outputs": outputs}, {"cell_type": "markdown"}]
    widgets = {**forms, **({STATE: {"state": states}} if states is not None else {})}
    return Notebook({"cells": cells, "metadata": {"widgets": widgets} if widgets else {}})


def _models(notebook: Notebook) -> list[str]:
    return sorted(notebook.data["metadata"]["widgets"][STATE]["state"])


def test_states_of_the_kernel_are_added() -> None:
    states = {"a": _state(value=1), "unseen": _state()}
    notebook = with_widget_states(_notebook(["a"]), states)
    assert notebook.data["metadata"] == {
        "widgets": {STATE: {"state": states, "version_major": 2, "version_minor": 0}}
    }
    assert has_views(notebook)


def test_old_states_stay_while_an_output_shows_them() -> None:
    inner = {"data": {VIEW: {"model_id": "inner"}}}
    old = {
        "box": _state(children=["IPY_MODEL_out", "IPY_MODEL_box"]),
        "out": _state(outputs=[inner]),
        "inner": _state(layout="IPY_MODEL_layout"),
        "layout": _state(),
        "stale": _state(),
    }
    notebook = with_widget_states(_notebook(["box"], old, other=1), {"new": _state()})
    assert _models(notebook) == ["box", "inner", "layout", "new", "out"]
    assert notebook.data["metadata"]["widgets"]["other"] == 1


def test_a_notebook_without_widgets_is_the_same() -> None:
    notebook = _notebook([])
    assert with_widget_states(notebook, {}) is notebook
    assert not has_views(notebook)


def test_states_that_nothing_shows_are_dropped() -> None:
    assert with_widget_states(_notebook([], {"a": _state()}), {}).data["metadata"] == {}


def test_odd_metadata_is_left_alone() -> None:
    notebook = _notebook(["a"])
    notebook = notebook.with_metadata("widgets", {STATE: {"state": []}})
    assert with_widget_states(notebook, {}) is notebook


SCHEMA = {
    "type": "object",
    "properties": {
        "version_major": {"const": 2},
        "version_minor": {"const": 0},
        "state": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "model_name": {"type": "string"},
                    "model_module": {"type": "string"},
                    "model_module_version": {"type": "string"},
                    "state": {"type": "object"},
                    "buffers": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "path": {"type": "array"},
                                "data": {"type": "string"},
                                "encoding": {"enum": ["hex", "base64"]},
                            },
                            "required": ["path", "data", "encoding"],
                        },
                    },
                },
                "required": ["model_name", "model_module", "state"],
            },
        },
    },
    "required": ["version_major", "version_minor", "state"],
}
"""What packages/schema/v2/state.schema.json of ipywidgets asks for."""


def test_the_comms_of_a_session_are_saved_as_the_schema_says() -> None:
    names = {"_model_module": "@jupyter-widgets/controls", "_model_module_version": "2.0.0"}
    slider = {**names, "_model_name": "IntSliderModel", "value": 3, "layout": "IPY_MODEL_layout"}
    comms = {
        "slider": CommView("slider", WIDGET, "python", 1, state=slider),
        "layout": CommView("layout", WIDGET, "python", 1, state=dict(names)),
        "image": CommView("image", WIDGET, "python", 1, buffers={"value": "aGk="}),
        "unseen": CommView("unseen", WIDGET, "python", 1),
        "other": CommView("other", "not.a.widget", "python", 1),
        "large": CommView("large", WIDGET, "python", 1, is_partial=True),
    }
    notebook = with_comm_states(_notebook(["slider", "image", "other", "large", "gone"]), comms)
    assert _models(notebook) == ["image", "layout", "slider"]
    saved = notebook.data["metadata"]["widgets"][STATE]
    jsonschema.validate(saved, SCHEMA)
    assert saved["state"]["slider"]["state"]["value"] == 3
    assert saved["state"]["image"]["buffers"] == [
        {"path": ["value"], "data": "aGk=", "encoding": "base64"}
    ]
