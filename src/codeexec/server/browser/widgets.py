"""Widgets of ipywidgets as the page is sent them: the state that it draws, safe to show.

HTML of a widget becomes text here, so the page never has markup of others in it. What was typed
into a Password widget is not sent: everybody with a shared address would see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from codeexec.documents.displays.html import html_to_text
from codeexec.domain.content.captured import captured_display, captured_text
from codeexec.domain.content.comms import WIDGET, CommView
from codeexec.domain.errors import NotFound
from codeexec.domain.events import Recorded
from codeexec.domain.events.comms import CommChanged, CommClosed, CommOpened
from codeexec.domain.outputs import Display, ErrorInfo, Run
from codeexec.session.output.document import safe_text

LONGEST_HTML = 20_000
"""Characters of an HTML widget that are shown."""

LONGEST_TEXT = 40_000
"""Characters of a text that an Output widget has captured; of longer ones the end is shown."""

_HTML = ("HTML", "HTMLMath")
_NOT_DRAWN = ("_view_", "_model_module", "_dom_", "_esm", "_css")
"""How keys begin that tell another front end how to draw the widget."""

_LAYOUT = ("display", "visibility")


class WidgetChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is new about one model: these keys of its state. `is_whole`: there is no more of it than
    this; `generation` is then that of the process of `kernel` that made it."""

    model: str
    state: dict[str, object] = {}
    buffers: dict[str, str] = {}
    handled: tuple[str, ...] = ()
    is_closed: bool = False
    is_whole: bool = False
    kernel: str = ""
    generation: int = 0


def kind_of(view: CommView) -> str:
    """Such as `IntSlider`."""
    return str(view.state.get("_model_name") or "").removesuffix("Model")


def all_widgets(comms: Mapping[str, CommView]) -> tuple[WidgetChange, ...]:
    """Every widget that a session holds, as it is now."""
    return tuple(_whole(view) for view in comms.values() if _is_drawn(view))


def widget_changes(
    records: Iterable[Recorded], comms: Mapping[str, CommView]
) -> tuple[WidgetChange, ...]:
    """What these events change, with the last value of each key. `comms` are those of the session,
    which may be further on than the events: then what is sent is the newer value."""
    opened: set[str] = set()
    keys: dict[str, set[str]] = {}
    handled: dict[str, list[str]] = {}
    for record in records:
        match record.event:
            case CommOpened(comm_id=comm_id):
                opened.add(comm_id)
                keys.setdefault(comm_id, set())
            case CommChanged(comm_id=comm_id) as event:
                keys.setdefault(comm_id, set()).update(event.state, event.buffers)
                handled.setdefault(comm_id, []).extend(event.handled)
            case CommClosed(comm_id=comm_id):
                keys.setdefault(comm_id, set())
            case _:
                pass
    return tuple(
        _whole(view)
        if comm_id in opened
        else WidgetChange(
            comm_id,
            _state(view, names),
            _buffers(view, names),
            tuple(handled.get(comm_id, ())),
            view.is_closed,
        )
        for comm_id, names in keys.items()
        if (view := comms.get(comm_id)) is not None and _is_drawn(view)
    )


def captured_output(comms: Mapping[str, CommView], model: str, number: int) -> Display:
    """The display that is output `number` of an Output widget. NotFound."""
    view = comms.get(model)
    outputs = view.state.get("outputs") if view is not None else None
    if isinstance(outputs, list | tuple) and number < len(outputs):
        display = captured_display(outputs[number])
        if display is not None:
            return display
    raise NotFound("This widget shows something else by now.")


def _is_drawn(view: CommView) -> bool:
    return view.target == WIDGET and not kind_of(view).endswith("Style")


def _whole(view: CommView) -> WidgetChange:
    return WidgetChange(
        view.comm_id,
        _state(view, view.state),
        _buffers(view, view.buffers),
        view.handled,
        view.is_closed,
        True,
        view.kernel,
        view.generation,
    )


def _state(view: CommView, names: Iterable[str]) -> dict[str, object]:
    kind = kind_of(view)
    state = {
        name: view.state[name]
        for name in names
        if name in view.state and not name.startswith(_NOT_DRAWN)
    }
    if kind == "Layout":
        return {name: value for name, value in state.items() if name in (*_LAYOUT, "_model_name")}
    if kind in _HTML and isinstance(html := state.get("value"), str):
        state["value"] = html_to_text(html[:LONGEST_HTML]).strip("\n")
    elif kind == "Password":
        state.pop("value", None)
    elif kind == "Output" and "outputs" in state:
        outputs = state["outputs"]
        state["outputs"] = _runs(outputs if isinstance(outputs, list | tuple) else ())
    return state


def _buffers(view: CommView, names: Iterable[str]) -> dict[str, str]:
    if kind_of(view) != "Image":
        return {}
    return {name: view.buffers[name] for name in names if name in view.buffers}


def _runs(outputs: Sequence[object]) -> list[Run]:
    """Outputs of nbformat as rows of output have them, one run for each."""
    return [_run(output) for output in outputs]


def _run(output: object) -> Run:
    display = captured_display(output)
    if display is not None:
        return Run("display", display=display)
    meaning, text = captured_text(output)
    shown = safe_text(text[-LONGEST_TEXT:]).removesuffix("\n")
    if isinstance(output, Mapping) and output.get("traceback"):
        name, value = (safe_text(str(output.get(key) or "")) for key in ("ename", "evalue"))
        return Run("error", error=ErrorInfo(name, value, tuple(shown.split("\n"))))
    return Run("stderr" if meaning == "stream.stderr" else "stdout", shown)
