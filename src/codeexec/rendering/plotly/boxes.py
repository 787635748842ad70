"""Box plots: quartiles, whiskers and outliers."""

from __future__ import annotations

from typing import Any, NamedTuple

from codeexec.rendering.plotly.canvas import Canvas
from codeexec.rendering.plotly.colors import ColorScale
from codeexec.rendering.plotly.plot import Plot
from codeexec.rendering.plotly.values import color, number, table, text, values

_MOST_OUTLIERS = 500
_WHISKER = 1.5
"""Lengths of the box that whiskers reach at most."""


class BoxStatistics(NamedTuple):
    """Its place, and low whisker, quartiles, high whisker, and what is beyond."""

    place: float
    ends: tuple[float, float, float, float, float]
    outliers: list[float]


class Boxes:
    """The boxes of one trace; `slot` of `slots` traces that stand beside each other."""

    scale: ColorScale | None = None

    def __init__(
        self, trace: dict[str, Any], shade: str, plot: Plot, slot: int, slots: int
    ) -> None:
        self._plot = plot
        self._shade = color(table(trace.get("marker")).get("color"), shade)
        self._is_flat = is_flat_box(trace)
        along, across = (plot.y, plot.x) if self._is_flat else (plot.x, plot.y)
        self._along, self._across = along, across
        names, samples = box_columns(trace)
        self._width = 0.7 / slots
        shift = (slot - (slots - 1) / 2) * self._width if slots > 1 else 0.0
        groups: dict[float, list[float]] = {}
        for place, sample in zip(along.numbers(names), across.numbers(samples), strict=False):
            if place is not None and sample is not None:
                groups.setdefault(place, []).append(sample)
        self._boxes = [_box(place + shift, group) for place, group in groups.items()]
        if not self._boxes:
            self._boxes = _given(trace, along.numbers(names), shift)

    def measure(self) -> None:
        for box in self._boxes:
            self._along.cover([box.place], self._width / 2)
            self._across.cover([box.ends[0], box.ends[4], *box.outliers])

    def draw(self, canvas: Canvas) -> None:
        for box in self._boxes:
            low, first, median, third, high = box.ends
            left, right = box.place - self._width * 0.35, box.place + self._width * 0.35
            self._rect(canvas, left, first, right, third)
            for a, b in (
                ((left, first), (right, first)),
                ((left, third), (right, third)),
                ((left, first), (left, third)),
                ((right, first), (right, third)),
                ((left, median), (right, median)),
                ((box.place, low), (box.place, first)),
                ((box.place, third), (box.place, high)),
                ((box.place - self._width * 0.17, low), (box.place + self._width * 0.17, low)),
                ((box.place - self._width * 0.17, high), (box.place + self._width * 0.17, high)),
            ):
                canvas.line(*self._at(*a), *self._at(*b), self._shade, 2)
            for value in box.outliers[:_MOST_OUTLIERS]:
                canvas.circle(*self._at(box.place, value), 3, self._shade)

    def _at(self, place: float, value: float) -> tuple[float, float]:
        x, y = (value, place) if self._is_flat else (place, value)
        return self._plot.at_x(x), self._plot.at_y(y)

    def _rect(self, canvas: Canvas, left: float, low: float, right: float, high: float) -> None:
        x1, y1 = self._at(left, low)
        x2, y2 = self._at(right, high)
        canvas.rect(x1, y1, x2 - x1, y2 - y1, self._shade, 0.5)


def is_flat_box(trace: dict[str, Any]) -> bool:
    """Whether boxes lie: their values are on the x axis."""
    if trace.get("orientation") in ("h", "v"):
        return trace.get("orientation") == "h"
    return not len(values(trace.get("y"))) and len(values(trace.get("x"))) > 0


def box_columns(trace: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """What the boxes are of, and their values."""
    name, other = ("x", "y") if is_flat_box(trace) else ("y", "x")
    samples, groups = list(values(trace.get(name))), list(values(trace.get(other)))
    count = max(len(samples), len(values(trace.get("median"))))
    if not groups:
        groups = [text(trace.get("name"), 60) or "trace"] * count
    return groups, samples


def _box(place: float, samples: list[float]) -> BoxStatistics:
    ordered = sorted(samples)
    first, median, third = (_quantile(ordered, share) for share in (0.25, 0.5, 0.75))
    reach = _WHISKER * (third - first)
    inside = [value for value in ordered if first - reach <= value <= third + reach]
    low, high = (inside[0], inside[-1]) if inside else (first, third)
    outliers = [value for value in ordered if value < low or value > high]
    return BoxStatistics(place, (low, first, median, third, high), outliers)


def _given(trace: dict[str, Any], places: list[float | None], shift: float) -> list[BoxStatistics]:
    """Boxes whose quartiles are in the trace."""
    names = ("lowerfence", "q1", "median", "q3", "upperfence")
    columns = [[number(value) for value in values(trace.get(name))] for name in names]
    boxes: list[BoxStatistics] = []
    for at, place in enumerate(places):
        low, first, median, third, high = (
            column[at] if at < len(column) else None for column in columns
        )
        if place is None or first is None or median is None or third is None:
            continue
        ends = (
            first if low is None else low,
            first,
            median,
            third,
            third if high is None else high,
        )
        boxes.append(BoxStatistics(place + shift, ends, []))
    return boxes


def _quantile(ordered: list[float], share: float) -> float:
    """As plotly's `linear` quartiles: numpy's method `hazen`."""
    at = share * len(ordered) - 0.5
    low = min(max(int(at), 0), len(ordered) - 1)
    high = min(low + 1, len(ordered) - 1)
    part = min(max(at - low, 0.0), 1.0)
    return ordered[low] + (ordered[high] - ordered[low]) * part
