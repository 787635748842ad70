"""The state of widgets as this client shows it: that of the snapshot, and what the user has set
since that the kernel has not handled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from codeexec.domain.content.comms import VIEW, CommView
from codeexec.domain.outputs import Display
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.text.parsing import load_json

State: TypeAlias = Mapping[str, object]

REFERENCE = "IPY_MODEL_"
MOST_MODELS = 500
"""Models below a view that are looked at; the drawing says that there are more."""

NOTHING: State = {}


def model_of(display: Display) -> str:
    """The model that a display shows; empty: it shows no widget."""
    part = display.part(VIEW)
    if part is None or part.text is None:
        return ""
    try:
        view = load_json(part.text)
    except ValueError:
        return ""
    model = view.get("model_id") if isinstance(view, dict) else None
    return model if isinstance(model, str) else ""


def references(state: State) -> list[str]:
    """The models that are drawn in it."""
    children = state.get("children")
    return [
        child.removeprefix(REFERENCE)
        for child in (children if isinstance(children, list | tuple) else ())
        if isinstance(child, str) and child.startswith(REFERENCE)
    ]


class WidgetBoard:
    """One for all views of a workbench. `focus` is the control with the keys, as its model and the
    number of its option."""

    def __init__(self) -> None:
        self._comms: Mapping[str, CommView] = {}
        self._kernels: Mapping[str, tuple[int, str]] = {}
        self._pending: dict[str, dict[str, object]] = {}
        self._selected: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._version = 0
        self._stamps: dict[str, tuple[int, ...]] = {}
        self.focus: tuple[str, int] | None = None

    def take(self, snapshot: Snapshot) -> bool:
        """Follow the session; whether anything is to be drawn again."""
        kernels = {name: (view.generation, view.state) for name, view in snapshot.kernels.items()}
        if snapshot.comms is self._comms and kernels == self._kernels:
            return False
        previous, self._comms = self._comms, snapshot.comms
        self._version += 1
        for comm_id, view in snapshot.comms.items():
            if previous.get(comm_id) is not view:
                self._versions[comm_id] = self._version
        if kernels != self._kernels:
            generations = {name: generation for name, (generation, _) in kernels.items()}
            if generations != {name: generation for name, (generation, _) in self._kernels.items()}:
                self._versions = dict.fromkeys(snapshot.comms, self._version)
            self._kernels = kernels
            for model in self._pending:
                self._versions[model] = self._version
        self._stamps.clear()
        return bool(snapshot.comms or previous)

    def touch(self, model: str) -> None:
        """Draw a model again."""
        self._version += 1
        self._versions[model] = self._version
        self._stamps.clear()

    def view(self, model: str) -> CommView | None:
        return self._comms.get(model)

    def state(self, model: str) -> State:
        """The state of a model; empty where there is none."""
        view = self._comms.get(model)
        if view is None:
            return NOTHING
        pending = self._pending.get(model)
        return {**view.state, **pending} if pending else view.state

    def kind(self, model: str) -> str:
        """Such as `IntSlider`; empty where there is no such model."""
        return str(self.state(model).get("_model_name") or "").removesuffix("Model")

    def knows(self, model: str) -> bool:
        """Whether a model can be drawn."""
        return model in self._comms

    def is_alive(self, model: str) -> bool:
        """Whether its kernel still runs, and code has not closed it."""
        view = self._comms.get(model)
        if view is None or view.is_closed:
            return False
        generation, state = self._kernels.get(view.kernel, (0, ""))
        return generation == view.generation and state in ("idle", "busy")

    def is_waiting(self, model: str) -> bool:
        """Whether the kernel runs code before it takes what the user has set."""
        view = self._comms.get(model)
        if view is None or model not in self._pending:
            return False
        return self._kernels.get(view.kernel, (0, ""))[1] == "busy"

    # -- what the user sets ------------------------------------------------------------------

    def set(self, model: str, state: Mapping[str, object]) -> None:
        """Show these values until the kernel has handled them."""
        self._pending.setdefault(model, {}).update(state)
        self.touch(model)

    def settle(self, model: str) -> None:
        """The kernel has handled what was set, or never will: what it says holds."""
        if self._pending.pop(model, None) is not None:
            self.touch(model)

    def selected(self, model: str) -> int:
        """The open child of a tab or an accordion; -1: none."""
        if model in self._selected:
            return self._selected[model]
        index = self.state(model).get("selected_index")
        if isinstance(index, int):
            return index
        return 0 if self.kind(model) == "Tab" else -1

    def select(self, model: str, index: int) -> None:
        """Open a child, for this client alone where the kernel is gone."""
        self._selected[model] = index
        self.touch(model)

    # -- what is drawn -----------------------------------------------------------------------

    def stamp(self, root: str) -> tuple[int, ...]:
        """The same as long as a view of this model looks the same."""
        stamp = self._stamps.get(root)
        if stamp is None:
            models = self.tree(root)
            focus = self.focus
            mark = focus[1] + 2 if focus is not None and focus[0] in models else 0
            stamp = (mark, *(self._versions.get(model, 0) for model in models))
            self._stamps[root] = stamp
        return stamp

    def tree(self, root: str) -> Iterable[str]:
        """A model and all in it, each once."""
        models: dict[str, None] = {}
        waiting = [root]
        while waiting and len(models) < MOST_MODELS:
            model = waiting.pop(0)
            if model not in models and model in self._comms:
                models[model] = None
                waiting += references(self.state(model))
        return models

    def focus_on(self, focus: tuple[str, int] | None) -> None:
        """Give the keys to a control."""
        previous, self.focus = self.focus, focus
        for place in (previous, focus):
            if place is not None:
                self.touch(place[0])
