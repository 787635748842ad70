"""The animation of a Play widget: its value goes on step by step while it plays."""

from __future__ import annotations

from codeexec.domain.content.comms import CommView

SHORTEST, LONGEST = 0.02, 3600.0
"""Seconds between two steps, whatever the widget says."""


def is_playing(view: CommView) -> bool:
    """Whether it is a Play widget that plays."""
    return (
        view.state.get("_model_name") == "PlayModel"
        and not view.is_closed
        and view.state.get(playing_key(view)) is True
    )


def playing_key(view: CommView) -> str:
    """The key that says whether it plays; that of ipywidgets 7 has an underscore."""
    return "_playing" if "_playing" in view.state else "playing"


def seconds_between(view: CommView) -> float:
    return min(max(_number(view, "interval", 100) / 1000, SHORTEST), LONGEST)


def next_state(view: CommView) -> dict[str, object]:
    """The next value; after the last one the first, or the end of the animation."""
    low, high = _number(view, "min", 0), _number(view, "max", 100)
    value = _number(view, "value", low) + _number(view, "step", 1)
    if low <= value <= high:
        return {"value": int(value)}
    if view.state.get(playing_key(view).replace("playing", "repeat")) is True:
        return {"value": int(low if value > high else high)}
    return {playing_key(view): False}


def _number(view: CommView, key: str, default: float) -> float:
    value = view.state.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return value if abs(value) < 1e15 else default
