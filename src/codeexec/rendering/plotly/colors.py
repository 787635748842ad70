"""Colour scales of plotly: colours for numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from codeexec.rendering.plotly.values import color, number, rgb, table, values

_VIRIDIS = "#440154 #482878 #3e4989 #31688e #26828e #1f9e89 #35b779 #6ece58 #b5de2b #fde725"
_NAMED = {
    "viridis": _VIRIDIS,
    "plasma": "#0d0887 #46039f #7201a8 #9c179e #bd3786 #d8576b #ed7953 #fb9f3a #fdca26 #f0f921",
    "inferno": "#000004 #1b0c41 #4a0c6b #781c6d #a52c60 #cf4446 #ed6925 #fb9b06 #f7d13d #fcffa4",
    "cividis": "#00224e #123570 #3b496c #575d6d #707173 #8a8678 #a59c74 #c3b369 #e1cc55 #fee838",
    "blues": "#f7fbff #deebf7 #c6dbef #9ecae1 #6baed6 #4292c6 #2171b5 #08519c #08306b",
    "greens": "#f7fcf5 #c7e9c0 #74c476 #238b45 #00441b",
    "reds": "#fff5f0 #fcbba1 #fb6a4a #cb181d #67000d",
    "greys": "#000000 #ffffff",
    "rdbu": "#67001f #b2182b #d6604d #f4a582 #f7f7f7 #92c5de #4393c3 #2166ac #053061",
    "hot": "#000000 #e60000 #ffd200 #ffffff",
    "jet": "#000083 #003caa #05ffff #ffff00 #fa0000 #800000",
    "ylorrd": "#ffffcc #fed976 #fd8d3c #e31a1c #800026",
}
_STEPS = 256

Rgb = tuple[int, int, int]


class ColorScale:
    """Colours from `low` to `high`."""

    def __init__(
        self, scale: object, low: float, high: float, *, is_reversed: bool = False
    ) -> None:
        self.low, self.high = low, high
        stops = _stops(scale)
        if is_reversed:
            stops = [(1 - place, shade) for place, shade in reversed(stops)]
        self._table = [_between(stops, step / (_STEPS - 1)) for step in range(_STEPS)]

    def rgb(self, value: float) -> Rgb:
        span = self.high - self.low
        share = (value - self.low) / span if span > 0 else 0.5
        return self._table[round(min(max(share, 0.0), 1.0) * (_STEPS - 1))]

    def hex(self, value: float) -> str:
        return "#{:02x}{:02x}{:02x}".format(*self.rgb(value))


def scale_for(
    owner: dict[str, Any], layout: dict[str, Any], numbers: Iterable[float | None], prefix: str
) -> ColorScale:
    """The scale of a trace or its markers; `prefix` is `c` or `z`, of `cmin` or `zmin`."""
    axis = owner.get("coloraxis")
    shared = table(layout.get(axis)) if isinstance(axis, str) else {}
    known = [value for value in numbers if value is not None]
    low = _first(owner.get(f"{prefix}min"), shared.get("cmin"))
    high = _first(owner.get(f"{prefix}max"), shared.get("cmax"))
    named = owner.get("colorscale") or shared.get("colorscale")
    sequential = table(layout.get("colorscale")).get("sequential")
    return ColorScale(
        named or sequential or "plasma",
        min(known, default=0.0) if low is None else low,
        max(known, default=1.0) if high is None else high,
        is_reversed=bool(owner.get("reversescale") or shared.get("reversescale")),
    )


def _first(*candidates: object) -> float | None:
    return next((n for each in candidates if (n := number(each)) is not None), None)


def _stops(scale: object) -> list[tuple[float, Rgb]]:
    if isinstance(scale, str):
        name = scale.lower().removesuffix("_r")
        shades = _NAMED.get(name, _VIRIDIS).split()
        stops = [(at / (len(shades) - 1), rgb(shade)) for at, shade in enumerate(shades)]
        if scale.lower().endswith("_r"):
            return [(1 - place, shade) for place, shade in reversed(stops)]
        return stops
    stops = []
    for at, stop in enumerate(values(scale)):
        pair = values(stop)
        if len(pair) == 2 and (place := number(pair[0])) is not None:
            stops.append((place, rgb(color(pair[1], "#888888"))))
        elif isinstance(stop, str):
            stops.append((at / max(len(values(scale)) - 1, 1), rgb(color(stop, "#888888"))))
    stops.sort()
    return stops if len(stops) > 1 else _stops("viridis")


def _between(stops: list[tuple[float, Rgb]], share: float) -> Rgb:
    low = max((stop for stop in stops if stop[0] <= share), default=stops[0])
    high = min((stop for stop in stops if stop[0] >= share), default=stops[-1])
    part = (share - low[0]) / (high[0] - low[0]) if high[0] > low[0] else 0.0
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(low[1], high[1], strict=True))
    return red, green, blue
