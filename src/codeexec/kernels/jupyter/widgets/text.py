"""Widgets of ipywidgets as text: what their state says, for those that hold a value.

https://ipywidgets.readthedocs.io/en/stable/examples/Widget%20List.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAME = "_model_name"
REFERENCE = "IPY_MODEL_"
KEPT = frozenset(
    {
        *(NAME, "value", "min", "max", "description", "children", "titles", "_titles"),
        *("_options_labels", "index", "placeholder"),
    }
)
"""The parts of a state that the text depends on."""

MOST_HTML = 20_000
"""Characters of HTML that are read for the text of a widget."""

WIDTH = 20
"""Columns of a progress bar."""

_PROGRESS = frozenset({"IntProgress", "FloatProgress"})
_MARKUP = frozenset({"HTML", "HTMLMath"})
_VALUES = frozenset(
    {
        *("Label", "Text", "Textarea", "Combobox", "ColorPicker", "Play", "TagsInput"),
        *("IntText", "BoundedIntText", "FloatText", "BoundedFloatText"),
        *("IntSlider", "FloatSlider", "FloatLogSlider", "IntRangeSlider", "FloatRangeSlider"),
    }
)
_TICKS = frozenset({"Checkbox", "ToggleButton", "Valid"})
_CHOICES = frozenset(
    {"Dropdown", "RadioButtons", "Select", "SelectMultiple", "ToggleButtons"}
    | {"SelectionSlider", "SelectionRangeSlider"}
)
_BOXES = frozenset({"Box", "VBox", "HBox", "GridBox", "Tab", "Accordion", "Stack"})


def is_box(state: Mapping[str, Any]) -> bool:
    """Whether it shows its children, and nothing else."""
    return kind_of(state) in _BOXES


def kind_of(state: Mapping[str, Any]) -> str:
    """Such as `IntProgress`."""
    return str(state.get(NAME) or "").removesuffix("Model")


def text_of_state(state: Mapping[str, Any]) -> str | None:
    """What a widget shows that is no box; None where its state does not tell."""
    kind, value = kind_of(state), state.get("value")
    if kind in _PROGRESS:
        return _progress(state)
    if kind in _TICKS:
        return f"[{'x' if value else ' '}] {_plain(state.get('description'))}".rstrip()
    if kind == "Button":
        return f"[{_plain(state.get('description')) or 'Button'}]"
    if kind in _MARKUP:
        text = _text_of_html(str(value or ""))
    elif kind in _VALUES:
        text = _plain(value)
    elif kind == "Password":
        text = "•" * len(str(value or ""))
    elif kind in _CHOICES:
        text = _choice(state)
    else:
        return None
    description = _plain(state.get("description"))
    return f"{description}: {text}" if description else text


def text_of_box(state: Mapping[str, Any], children: Sequence[str]) -> str:
    """The texts of its children, with their titles where it has some."""
    if kind_of(state) == "HBox" and not any("\n" in text for text in children):
        return "  ".join(text for text in children if text)
    titles = _titles(state, len(children))
    parts = (
        f"{title}\n{text}" if title else text for title, text in zip(titles, children, strict=True)
    )
    return "\n".join(part for part in parts if part)


def children_of(state: Mapping[str, Any]) -> list[str]:
    """The models in it."""
    children = state.get("children")
    return [
        child.removeprefix(REFERENCE)
        for child in (children if isinstance(children, list) else ())
        if isinstance(child, str) and child.startswith(REFERENCE)
    ]


def _progress(state: Mapping[str, Any]) -> str:
    low, high, value = (_number(state.get(name)) for name in ("min", "max", "value"))
    part = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.0
    full = round(part * WIDTH)
    bar = "█" * full + " " * (WIDTH - full)
    description = _plain(state.get("description"))
    begin = f"{description.removesuffix(':')}: " if description else ""
    return f"{begin}{part:4.0%}|{bar}| {_plain(state.get('value'))}/{_plain(state.get('max'))}"


def _text_of_html(html: str) -> str:
    from codeexec.documents.displays.html import html_to_text  # not at the start of a server

    return html_to_text(html[:MOST_HTML]).strip()


def _number(value: object) -> float:
    is_number = isinstance(value, int | float) and value == value
    return float(value) if is_number and isinstance(value, int | float) else 0.0


def _choice(state: Mapping[str, Any]) -> str:
    labels, index = state.get("_options_labels"), state.get("index")
    names = [str(label) for label in labels] if isinstance(labels, list | tuple) else []
    chosen = index if isinstance(index, list | tuple) else [index]
    return ", ".join(
        names[label] for label in chosen if isinstance(label, int) and 0 <= label < len(names)
    )


def _titles(state: Mapping[str, Any], count: int) -> list[str]:
    titles = state.get("titles")
    if isinstance(titles, list | tuple):  # ipywidgets 8
        names = [str(title) for title in titles]
    elif isinstance(old := state.get("_titles"), dict):
        names = [str(old.get(str(number), "")) for number in range(count)]
    else:
        names = []
    return (names + [""] * count)[:count]


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return " – ".join(map(_plain, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
