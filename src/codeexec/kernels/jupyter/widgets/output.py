"""Widgets of ipywidgets: what they hold, or capture, is shown as text where the widget stands.

While the kernel is in `with output:`, the widget's state has the id of the request that runs, and
what the kernel puts out under it belongs to the widget, not to the cell: so `clear_output` clears
the widget alone. nbclient and JupyterLab do the same. A screen of text has no widgets, so the
captured text takes the place of the widget's own text (`Output()`), and so does the text of a
value (`IntProgress(value=0)`): see `widget_text`.
https://ipywidgets.readthedocs.io/en/stable/examples/Output%20Widget.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from codeexec.domain.content.comms import VIEW as VIEW
from codeexec.kernels.base import Displayed, DisplayRefreshed, KernelEvent
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.widgets.comms import CommFollower
from codeexec.kernels.jupyter.widgets.text import (
    KEPT,
    children_of,
    is_box,
    kind_of,
    text_of_box,
    text_of_state,
)

OWN = "codeexec-q-"
"""How the ids of our own questions begin, and of what we tell widgets: their echo is no news."""

MOST_CHARACTERS = 20_000
"""Characters of text that a widget keeps and shows: the last ones."""

MOST_TOLD = 40_000
"""Characters of what a widget has captured that clients are told: the last outputs."""

MOST_OUTPUTS = 500
"""Outputs that a widget keeps: the last ones."""

MOST_MODELS = 5000
"""Models whose state is kept: the last ones that were made."""

MOST_CHILDREN = 100
MOST_DEPTH = 8
"""Of a box: children and boxes in boxes whose text is shown."""

_EVERY = 0.1
"""Seconds between two states of a widget that are shown while code runs."""

_CAPTURED = frozenset({"stream", "display_data", "execute_result", "error"})

Json: TypeAlias = dict[str, Any]


class _Widget:
    """One output widget: its outputs as nbformat has them."""

    def __init__(self) -> None:
        self.outputs: list[Json] = []
        self.request = ""
        """The request whose output it captures; empty: none."""
        self.clear_waits = False

    def add(self, output: Json) -> None:
        if self.clear_waits:
            self.outputs, self.clear_waits = [], False
        last = self.outputs[-1] if self.outputs else {}
        is_text = output["output_type"] == "stream" == last.get("output_type")
        if is_text and last.get("name") == output["name"]:
            text = f"{last['text']}{output['text']}"
            self.outputs[-1] = {**output, "text": text[-MOST_CHARACTERS:]}
        else:
            self.outputs = [*self.outputs[1 - MOST_OUTPUTS :], output]

    def clear(self, wait: bool) -> None:
        self.clear_waits = wait
        if not wait:
            self.outputs = []


class OutputWidgets:
    """Follows the widgets of one kernel process by its messages."""

    def __init__(self) -> None:
        self._states: dict[str, Json] = {}
        """By model: what its text depends on."""
        self._widgets: dict[str, _Widget] = {}
        self._capturing: dict[str, list[_Widget]] = {}
        """By request: the widgets that capture its output, the innermost last."""
        self._parents: dict[str, str] = {}
        self._displays: dict[str, dict[str, Json]] = {}
        """By model: the data of its displays, by their ids."""
        self._changed: dict[str, None] = {}
        self._unsent: dict[str, None] = {}
        self._uncarried: dict[str, None] = {}
        """Widgets whose outputs clients have not been told."""
        self._shown_at = 0.0
        self.comms = CommFollower()

    # -- heard ---------------------------------------------------------------------------------

    def captures(self, message: Message, execution: str = "") -> bool:
        """Take in a message of an execution; whether it is a widget's and not the cell's."""
        content = message.content
        # What a thread sets while we ask a question of our own has the parent of that question.
        if message.type.startswith("comm_") and not _is_own_echo(message):
            self.comms.take(message, execution)
        match message.type:
            case "comm_open":
                self._open(str(content.get("comm_id")), _state(content))
            case "comm_msg":
                self._update(str(content.get("comm_id")), content)
            case "comm_close":
                self._close(str(content.get("comm_id")))
            case "clear_output" if widgets := self._capturing.get(message.parent.msg_id):
                widgets[-1].clear(bool(content.get("wait")))
                self._note(widgets[-1])
                return True
            case kind if kind in _CAPTURED:
                if widgets := self._capturing.get(message.parent.msg_id):
                    widgets[-1].add(_output(kind, content))
                    self._note(widgets[-1])
                    return True
        return False

    def placed(self, event: KernelEvent) -> KernelEvent:
        """A display of a widget has an id, by which it is updated; others stay as they are."""
        if not isinstance(event, Displayed):
            return event
        model = _model_of(event.data)
        if model not in self._states:
            return event
        display_id = event.display_id or f"widget-{model}"
        self._displays.setdefault(model, {})[display_id] = dict(event.data)
        return Displayed(
            event.execution,
            self._bundle(model, event.data),
            event.metadata,
            event.role,
            display_id,
            event.count,
        )

    def changes(self, *, now: bool, is_idle: bool = False) -> Iterator[KernelEvent]:
        """Comms and displays that show something else; unless `now`, not too often."""
        for key in self._uncarried:
            self.comms.set(key, {"outputs": _last(self._widgets[key].outputs)})
        self._uncarried.clear()
        yield from self.comms.events(now=is_idle)
        if not self._changed or (not now and time.monotonic() - self._shown_at < _EVERY):
            return
        self._shown_at = time.monotonic()
        models = dict.fromkeys(model for key in self._changed for model in self._line(key))
        self._changed.clear()
        for model in models:
            for display_id, data in self._displays.get(model, {}).items():
                yield DisplayRefreshed(display_id, self._bundle(model, data), {})

    def updates(self) -> Iterator[Json]:
        """Contents of `comm_msg` that tell the kernel what its widgets hold now."""
        for key in self._unsent:
            state = {"outputs": self._widgets[key].outputs}
            yield {
                "comm_id": key,
                "data": {"method": "update", "state": state, "buffer_paths": []},
            }
        self._unsent.clear()

    # -- widgets -------------------------------------------------------------------------------

    def _open(self, key: str, state: Mapping[str, Any]) -> None:
        if state.get("_model_name") == "OutputModel":
            self._widgets[key] = _Widget()
        self._learn(key, state)

    def _update(self, key: str, content: Mapping[str, object]) -> None:
        data = content.get("data")
        if isinstance(data, dict) and data.get("method") in ("update", "echo_update"):
            self._learn(key, _state(content))

    def _learn(self, key: str, state: Mapping[str, Any]) -> None:
        if news := {name: state[name] for name in KEPT if name in state}:
            self._states[key] = self._states.get(key, {}) | news
            self._changed[key] = None
            if len(self._states) > MOST_MODELS:
                self._forget(next(iter(self._states)))
        for child in children_of(state):
            self._parents[child] = key
        widget = self._widgets.get(key)
        if widget is None:
            return
        if isinstance(outputs := state.get("outputs"), list):
            widget.outputs = [output for output in outputs if isinstance(output, dict)][
                -MOST_OUTPUTS:
            ]
            self._changed[key] = None
        if "msg_id" in state:
            self._release(widget)
            widget.request = str(state["msg_id"] or "")
            if widget.request:
                self._capturing.setdefault(widget.request, []).append(widget)

    def _release(self, widget: _Widget) -> None:
        """It captures nothing from now on."""
        widgets = self._capturing.get(widget.request, [])
        if widget in widgets:
            widgets.remove(widget)
        if not widgets:
            self._capturing.pop(widget.request, None)

    def _close(self, key: str) -> None:
        """Its last text stays; the kernel sends no more of it."""
        if widget := self._widgets.get(key):
            self._release(widget)
        self._unsent.pop(key, None)
        self._uncarried.pop(key, None)

    @property
    def has_changes(self) -> bool:
        return bool(self._changed or self.comms.has_changes)

    def _forget(self, key: str) -> None:
        self._close(key)
        for table in (self._states, self._widgets, self._parents, self._displays, self._changed):
            table.pop(key, None)

    def _note(self, widget: _Widget) -> None:
        key = next(key for key, candidate in self._widgets.items() if candidate is widget)
        self._changed[key] = self._unsent[key] = self._uncarried[key] = None

    # -- what a display shows ------------------------------------------------------------------

    def _line(self, key: str) -> Iterator[str]:
        """A model and what it is in, outwards."""
        keys: set[str] = set()
        while key and key not in keys:
            keys.add(key)
            yield key
            key = self._parents.get(key, "")

    def _bundle(self, model: str, data: Mapping[str, object]) -> Mapping[str, object]:
        """The display's data, with what the output widgets in it have captured as its text."""
        outputs = [
            output
            for key, widget in self._widgets.items()
            if widget.outputs and model in self._line(key)
            for output in widget.outputs
        ]
        last = outputs[-1].get("data") if outputs else None
        if isinstance(last, dict) and not any("text" in captured for captured in outputs):
            return {**last, VIEW: data.get(VIEW)}  # such as a plot that is drawn again and again
        text = self._text(model, MOST_DEPTH)
        if text is None:
            return data
        return {**data, "text/plain": text[-MOST_CHARACTERS:].removesuffix("\n")}

    def _text(self, key: str, depth: int) -> str | None:
        """What a model shows; None where that cannot be said in text."""
        if widget := self._widgets.get(key):
            return "".join(map(_text, widget.outputs)) or None
        state = self._states.get(key, {})
        if not is_box(state):
            return text_of_state(state)
        children = children_of(state)[:MOST_CHILDREN] if depth else []
        texts = {child: self._text(child, depth - 1) for child in children}
        if not any(texts.values()):
            return None
        return text_of_box(state, [self._child_text(child, texts[child]) for child in children])

    def _child_text(self, key: str, text: str | None) -> str:
        if text is not None or key in self._widgets:
            return (text or "").removesuffix("\n")
        kind = kind_of(self._states.get(key, {}))
        return f"[{kind} widget: a browser shows it]" if kind else ""


def _is_own_echo(message: Message) -> bool:
    """Whether it repeats what we have told a widget."""
    data = message.content.get("data")
    is_echo = isinstance(data, dict) and data.get("method") == "echo_update"
    return is_echo and message.parent.msg_id.startswith(OWN)


def _state(content: Mapping[str, object]) -> Mapping[str, Any]:
    data = content.get("data")
    state = data.get("state") if isinstance(data, dict) else None
    return state if isinstance(state, dict) else {}


def _model_of(data: Mapping[str, object]) -> str:
    view = data.get(VIEW)
    return str(view.get("model_id") or "") if isinstance(view, dict) else ""


def _output(kind: str, content: Mapping[str, object]) -> Json:
    """A message's content as an output of nbformat."""
    names: tuple[str, ...]
    match kind:
        case "stream":
            name = "stderr" if content.get("name") == "stderr" else "stdout"
            return {"output_type": kind, "name": name, "text": str(content.get("text") or "")}
        case "error":
            names = ("ename", "evalue", "traceback")
        case "execute_result":
            names = ("data", "metadata", "execution_count")
        case _:
            names = ("data", "metadata")
    return {"output_type": kind, **{name: content.get(name) for name in names}}


def _last(outputs: list[Json]) -> list[Json]:
    """The last outputs, as many as clients are told each time that there are more."""
    room = MOST_TOLD
    last: list[Json] = []
    for output in reversed(outputs):
        room -= len(str(output.get("data") or output.get("text") or ""))
        if last and room < 0:
            break
        last.append(output)
    return last[::-1]


def _text(output: Json) -> str:
    """An output as lines of text, each with its end."""
    if "text" in output:
        # As a terminal leaves it: a carriage return goes back over the line.
        lines = str(output["text"]).split("\n")
        return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    rows = output.get("traceback")
    if isinstance(rows, list):
        return "\n".join(map(str, rows)) + "\n"
    data = output.get("data")
    forms = data if isinstance(data, dict) else {}
    picture = next((mime for mime in forms if str(mime).startswith("image/")), None)
    return f"[{picture}]\n" if picture else f"{forms.get('text/plain', '')}\n"
