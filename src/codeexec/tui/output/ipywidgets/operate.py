"""What a key or a click does to a control: values to set, a message, or a question to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from codeexec.domain.errors import UsageError
from codeexec.tui.output.ipywidgets.board import State, WidgetBoard
from codeexec.tui.output.ipywidgets.drawing import Control
from codeexec.tui.output.ipywidgets.moments import MOMENTS, moved_moment, typed_moment
from codeexec.tui.output.ipywidgets.values import (
    ENTRIES,
    REPEAT,
    SLIDERS,
    STOP,
    ValueScale,
    chosen,
    labels,
    number,
    playing_key,
    repeat_key,
    text_of,
)

Move = Literal["less", "more", "least", "most", "much_less", "much_more", "lower", "raise"]
"""What keys do to a value. `lower` and `raise` move the lower end of a range."""

_STEPS: Mapping[Move, float] = {
    "less": -1,
    "more": 1,
    "much_less": -10,
    "much_more": 10,
    "least": -1e9,
    "most": 1e9,
    "lower": -1,
    "raise": 1,
}


@dataclass(frozen=True, slots=True)
class SetState:
    """Set keys of a model."""

    model: str
    state: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Click:
    """Tell a button that it was clicked."""

    model: str


@dataclass(frozen=True, slots=True)
class OpenChild:
    """Open a child of a tab or an accordion; -1: none."""

    model: str
    index: int


@dataclass(frozen=True, slots=True)
class AskText:
    """Let the user type a value."""

    model: str
    text: str


@dataclass(frozen=True, slots=True)
class AskOption:
    """Let the user choose one of these options."""

    model: str
    options: tuple[str, ...]


Effect = SetState | Click | OpenChild | AskText | AskOption


def activate(board: WidgetBoard, control: Control) -> Effect | None:
    """Enter, Space or a click."""
    model, option = control.model, control.option
    state, kind = board.state(model), board.kind(model)
    match kind:
        case "Button":
            return Click(model)
        case "Checkbox" | "ToggleButton":
            return SetState(model, {"value": not state.get("value")})
        case "Play":
            return _play(model, option, state)
        case "Dropdown":
            return AskOption(model, tuple(labels(state)))
        case "Tab":
            return OpenChild(model, option)
        case "Accordion":
            return OpenChild(model, -1 if board.selected(model) == option else option)
        case "SelectMultiple":
            now = chosen(state)
            return SetState(model, {"index": sorted(now ^ {option})})
        case "RadioButtons" | "Select" | "ToggleButtons":
            return SetState(model, {"index": option})
        case _ if kind in ENTRIES or kind in SLIDERS:
            return AskText(model, text_of(kind, state))
    return None


def move(board: WidgetBoard, control: Control, how: Move) -> Effect | None:
    """A key that changes a value; None where it means nothing here."""
    model = control.model
    state, kind = board.state(model), board.kind(model)
    steps = _STEPS[how]
    if kind in SLIDERS:
        scale, value = ValueScale(kind, state), state.get("value")
        if not scale.is_range:
            return SetState(model, {"value": scale.moved(value, steps)})
        low, high = _range(value, scale)
        if how in ("lower", "raise"):
            low = min(number(scale.moved(low, steps)), high)
        else:
            high = max(number(scale.moved(high, steps)), low)
        ends = [round(low), round(high)] if scale.is_int else [low, high]
        return SetState(model, {"value": ends})
    if kind in ("Dropdown", "SelectionSlider"):
        count = len(labels(state))
        at = next(iter(chosen(state)), 0 if steps > 0 else count)
        at = int(max(min(at + steps, count - 1), 0))
        return SetState(model, {"index": at}) if count and {at} != set(chosen(state)) else None
    if kind in ("IntText", "BoundedIntText", "FloatText", "BoundedFloatText") and abs(steps) <= 10:
        step = number(state.get("step"), 1.0 if "Int" in kind else 0.1)
        value = _bounded(kind, state, number(state.get("value")) + steps * step)
        return SetState(model, {"value": value})
    if kind in MOMENTS:
        moved = moved_moment(kind, state, steps)
        return SetState(model, {"value": moved}) if moved is not None else None
    if kind == "Play":
        scale = ValueScale("IntSlider", state)
        return SetState(model, {"value": scale.moved(state.get("value"), steps)})
    if kind in ("Checkbox", "ToggleButton") and how in ("least", "most"):
        return SetState(model, {"value": how == "most"})
    return None


def press(board: WidgetBoard, control: Control, x: int) -> Effect | None:
    """A click at column `x` of the drawing."""
    if not control.track:
        return activate(board, control)
    model = control.model
    state, kind = board.state(model), board.kind(model)
    place = (x - control.x) / max(control.width - 1, 1)
    if kind == "SelectionSlider":
        count = len(labels(state))
        return SetState(model, {"index": round(place * (count - 1))}) if count else None
    if kind not in SLIDERS:
        return None
    scale = ValueScale(kind, state)
    value = scale.value_at(place)
    if not scale.is_range:
        return SetState(model, {"value": value})
    low, high = _range(state.get("value"), scale)
    is_low = abs(place - scale.place(low)) < abs(place - scale.place(high))
    ends = [value, high] if is_low else [low, value]
    return SetState(model, {"value": [round(end) for end in ends] if scale.is_int else ends})


def entered(board: WidgetBoard, model: str, text: str) -> SetState:
    """What the user has typed as the value of a widget. UsageError where it is none."""
    state, kind = board.state(model), board.kind(model)
    if kind in SLIDERS or "Int" in kind or "Float" in kind:
        parts = text.replace("–", " ").replace(",", " ").split()
        scale = ValueScale(kind, state)
        count = 2 if scale.is_range else 1
        try:
            values = [float(part) for part in parts]
        except ValueError:
            values = []
        if len(values) != count or not all(abs(value) < 1e308 for value in values):
            wanted = "two numbers, such as 2 7" if scale.is_range else "a number"
            raise UsageError(f"This widget takes {wanted}.", "Type it again.")
        numbers = [_bounded(kind, state, value) for value in values]
        return SetState(model, {"value": sorted(numbers) if scale.is_range else numbers[0]})
    if kind in MOMENTS:
        return SetState(model, {"value": typed_moment(kind, text)})
    return SetState(model, {"value": text})


def _play(model: str, option: int, state: State) -> SetState:
    """The session makes the steps; from the end it plays from the beginning."""
    playing, repeat = playing_key(state), repeat_key(state)
    first = {"value": round(number(state.get("min")))}
    if option == REPEAT:
        return SetState(model, {repeat: not state.get(repeat)})
    if option == STOP:
        return SetState(model, {playing: False, **first})
    begins = not state.get(playing)
    is_at_end = number(state.get("value")) >= number(state.get("max"), 100.0)
    return SetState(model, {playing: begins, **(first if begins and is_at_end else {})})


def _range(value: object, scale: ValueScale) -> tuple[float, float]:
    if isinstance(value, list | tuple) and len(value) == 2:
        return number(value[0], scale.low), number(value[1], scale.high)
    return scale.low, scale.high


def _bounded(kind: str, state: State, value: float) -> float | int:
    if "Bounded" in kind or (kind in SLIDERS and kind != "FloatLogSlider"):
        value = max(value, number(state.get("min"), value))
        value = min(value, number(state.get("max"), value))
    return round(value) if "Int" in kind else float(f"{value:.12g}")
