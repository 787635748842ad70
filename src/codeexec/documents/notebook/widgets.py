"""The state of widgets in a notebook's metadata, by which a browser draws them without a kernel.

https://ipywidgets.readthedocs.io/en/stable/embedding.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.domain.content.comms import VIEW as VIEW
from codeexec.domain.content.comms import WIDGET, CommView

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codeexec.documents.notebook.convert import Notebook
    from codeexec.documents.notebook.outputs import Json

STATE = "application/vnd.jupyter.widget-state+json"
_REFERENCE = "IPY_MODEL_"


def has_views(notebook: Notebook) -> bool:
    """Whether an output shows a widget."""
    return next(_models_in(_outputs(notebook)), None) is not None


def with_widget_states(notebook: Notebook, states: Mapping[str, Json]) -> Notebook:
    """A copy with the states of widgets, by model.

    States that the notebook had are dropped unless an output still shows them. `states` have the
    keys `model_name`, `model_module`, `model_module_version`, `state` and perhaps `buffers`.
    """
    metadata: Json = dict(notebook.data.get("metadata") or {})
    entry = metadata.get("widgets")
    forms: Json = dict(entry) if isinstance(entry, dict) else {}
    old = _states_of(forms)
    every = {**old, **states}
    shown = _shown(notebook, every)
    kept = {model: state for model, state in every.items() if model in states or model in shown}
    if kept == old:
        return notebook
    forms.pop(STATE, None)
    metadata.pop("widgets", None)
    if kept:
        forms[STATE] = {"state": kept, "version_major": 2, "version_minor": 0}
    if forms:
        metadata["widgets"] = forms
    return replace(notebook, data={**notebook.data, "metadata": metadata})


def with_comm_states(notebook: Notebook, comms: Mapping[str, CommView]) -> Notebook:
    """A copy with the states of the widgets that its outputs show, as a session has them. A
    model whose state is known in part alone is left out."""
    states = {
        comm_id: saved_state(view)
        for comm_id, view in comms.items()
        if view.target == WIDGET and not view.is_partial
    }
    shown = _shown(notebook, states)
    return with_widget_states(
        notebook, {model: state for model, state in states.items() if model in shown}
    )


def saved_state(view: CommView) -> Json:
    """A model as the schema of widget states has it."""
    state = view.state
    saved: Json = {
        "model_name": str(state.get("_model_name") or ""),
        "model_module": str(state.get("_model_module") or ""),
        "model_module_version": str(state.get("_model_module_version") or ""),
        "state": dict(state),
    }
    if view.buffers:
        saved["buffers"] = [
            {"path": [key], "data": text, "encoding": "base64"}
            for key, text in view.buffers.items()
        ]
    return saved


def _states_of(forms: Json) -> Json:
    saved = forms.get(STATE)
    states = saved.get("state") if isinstance(saved, dict) else None
    return states if isinstance(states, dict) else {}


def _shown(notebook: Notebook, states: Mapping[str, object]) -> set[str]:
    """The models that outputs show, and those that they refer to."""
    shown: set[str] = set()
    waiting = list(_models_in(_outputs(notebook)))
    while waiting:
        model = waiting.pop()
        if model not in shown:
            shown.add(model)
            waiting += _models_in(states.get(model))
    return shown


def _outputs(notebook: Notebook) -> list[object]:
    cells = range(len(notebook.data["cells"]))
    return [output for index in cells for output in notebook.outputs(index)]


def _models_in(value: object) -> Iterator[str]:
    """The models that a JSON value names, as references or as views."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and value.startswith(_REFERENCE):
            yield value.removeprefix(_REFERENCE)
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            view = value.get(VIEW)
            if isinstance(view, dict) and isinstance(model := view.get("model_id"), str):
                yield model
