"""Values of widgets as text and as numbers, whatever a kernel has put into their state."""

from __future__ import annotations

import math

from codeexec.tui.output.ipywidgets.board import State
from codeexec.tui.output.ipywidgets.moments import MOMENTS, text_of_moment
from codeexec.tui.render.plain import one_line

LONGEST = 2000
"""Characters of a text that are drawn."""

SLIDERS = frozenset(
    {"IntSlider", "FloatSlider", "FloatLogSlider", "IntRangeSlider", "FloatRangeSlider"}
)
PROGRESS = frozenset({"IntProgress", "FloatProgress"})
ENTRIES = frozenset(
    {"Text", "Textarea", "Password", "Combobox", "IntText", "BoundedIntText", "FloatText"}
    | {"BoundedFloatText", "ColorPicker"}
    | MOMENTS
)
LISTS = frozenset({"RadioButtons", "Select", "SelectMultiple"})
PLAY, STOP, REPEAT = range(3)
"""The options of a Play widget."""

BOXES = frozenset({"Box", "VBox", "HBox", "GridBox", "Stack"})


def number(value: object, default: float = 0.0) -> float:
    """A finite number, also one that JSON cannot hold and that came as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    try:
        converted = float(value)
    except OverflowError:
        return default
    return converted if math.isfinite(converted) else default


def words(value: object) -> str:
    """A value on one line."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return " – ".join(map(words, value[:20]))
    return one_line(str(value)[:LONGEST]) if value is not None else ""


def description(state: State) -> str:
    return words(state.get("description"))


def labels(state: State) -> list[str]:
    """The options of a choice."""
    options = state.get("_options_labels")
    return [words(label) for label in options] if isinstance(options, list | tuple) else []


def chosen(state: State) -> frozenset[int]:
    """The numbers of the chosen options."""
    index = state.get("index")
    indices = index if isinstance(index, list | tuple) else [index]
    return frozenset(
        each for each in indices if isinstance(each, int) and not isinstance(each, bool)
    )


def titles(state: State, count: int) -> list[str]:
    """The titles of the children of a tab or an accordion."""
    listed = state.get("titles")
    old = state.get("_titles")
    if isinstance(listed, list | tuple):
        names = [words(title) for title in listed]
    elif isinstance(old, dict):  # ipywidgets 7
        names = [words(old.get(str(at))) for at in range(count)]
    else:
        names = []
    names = (names + [""] * count)[:count]
    return [name or str(at + 1) for at, name in enumerate(names)]


def text_of(kind: str, state: State) -> str:
    """The value as the user edits it."""
    value = state.get("value")
    if isinstance(value, list | tuple):
        return " ".join(f"{number(part):g}" for part in value)
    if isinstance(value, dict):
        return text_of_moment(kind, value)
    if isinstance(value, float):
        return f"{value:.12g}"
    return "" if value is None else str(value)


class ValueScale:
    """The range of a slider or a progress bar; of a log slider the exponents."""

    def __init__(self, kind: str, state: State) -> None:
        self.is_log = kind == "FloatLogSlider"
        self.is_int = kind.startswith("Int")
        self.is_range = kind.endswith("RangeSlider")
        self.base = number(state.get("base"), 10.0)
        self.low, self.high = number(state.get("min")), number(state.get("max"), 100.0)
        default = 1.0 if self.is_int else 0.1
        self.step = abs(number(state.get("step"), default)) or default
        self.format = str(state.get("readout_format") or "")

    def place(self, value: object) -> float:
        """Where a value is, from 0 to 1."""
        position = number(value, self.low)
        if self.is_log:
            position = math.log(position, self.base) if position > 0 and self.base > 1 else self.low
        span = self.high - self.low
        return min(max((position - self.low) / span, 0.0), 1.0) if span > 0 else 0.0

    def value_at(self, place: float) -> float | int:
        """The value of a step near a place from 0 to 1."""
        position = self.low + min(max(place, 0.0), 1.0) * (self.high - self.low)
        return self._value(self.low + round((position - self.low) / self.step) * self.step)

    def moved(self, value: object, steps: float) -> float | int:
        """The value so many steps further."""
        position = self.low + self.place(value) * (self.high - self.low)
        return self._value(position + steps * self.step)

    def _value(self, position: float) -> float | int:
        position = min(max(position, self.low), self.high)
        if self.is_log:
            try:
                return float(f"{self.base**position:.12g}")
            except (OverflowError, ValueError, TypeError):
                return 1.0
        return round(position) if self.is_int else float(f"{position:.12g}")

    def text(self, value: object) -> str:
        """A value as the slider shows it."""
        if isinstance(value, list | tuple):
            return " – ".join(self.text(part) for part in value[:2])
        if self.is_int or not isinstance(value, int | float):
            return words(value)
        digits = self.format.removeprefix(".")[:-1]
        kind = self.format[-1:]
        if self.format.startswith(".") and digits.isdecimal() and kind in "fgeE%":
            return format(number(value), f".{min(int(digits), 12)}{kind}")
        return words(number(value))


def playing_key(state: State) -> str:
    """The key that says whether a Play widget plays; ipywidgets 7 has another one."""
    return "_playing" if "_playing" in state else "playing"


def repeat_key(state: State) -> str:
    """The key that says whether it begins again at its end."""
    return "_repeat" if "_repeat" in state else "repeat"


_MOST_VALUES = 6
_NO_VALUES = frozenset({"layout", "style", "tooltip", "tabbable", "description", "disabled"})
"""Keys that every widget has."""


def own_name(kind: str, state: State) -> str:
    """The name of a widget that is not drawn: of one of anywidget its class in Python."""
    declared = state.get("_anywidget_id")
    if isinstance(declared, str) and declared:
        return words(declared.rpartition(".")[2])
    return words(kind)


def values_of(state: State) -> str:
    """What a widget that is not drawn holds: its value, or else what its keys hold."""
    if (value := state.get("value")) is not None:
        return words(value)
    keys = [key for key in state if not key.startswith("_") and key not in _NO_VALUES]
    listed = [(key, state[key]) for key in keys if isinstance(state[key], str | int | float)]
    more = ", …" if len(listed) > _MOST_VALUES else ""
    return (
        ", ".join(f"{words(key)} {words(value)[:60]}" for key, value in listed[:_MOST_VALUES])
        + more
    )
