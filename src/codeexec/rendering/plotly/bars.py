"""Bars, histograms and boxes: traces that share places on an axis with each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from codeexec.rendering.plotly.canvas import Canvas
from codeexec.rendering.plotly.colors import ColorScale, scale_for
from codeexec.rendering.plotly.plot import Plot
from codeexec.rendering.plotly.scales import Scale, nice_step
from codeexec.rendering.plotly.values import bounded, color, number, table, text, values

_MOST_BINS = 1000
_MOST_BARS = 20_000


@dataclass
class Bars:
    """Bars of one trace. `places` are along the axis they stand on, `sizes` their lengths."""

    trace: dict[str, Any]
    shade: str
    plot: Plot
    is_flat: bool
    places: list[float | None]
    sizes: list[float | None]
    width: float | None = None
    """Of one bar along the axis; None where the space between bars says it."""
    offsets: list[float] = field(default_factory=list)
    bases: list[float] = field(default_factory=list)
    scale: ColorScale | None = None
    shades: list[float | None] = field(default_factory=list)
    drawn_width: float = 0.8

    @property
    def along(self) -> Scale:
        return self.plot.y if self.is_flat else self.plot.x

    @property
    def across(self) -> Scale:
        return self.plot.x if self.is_flat else self.plot.y

    def measure(self) -> None:
        half = self.drawn_width / 2
        for place, offset in zip(self.places, self.offsets, strict=True):
            if place is not None:
                self.along.cover([place + offset], half)
        self.across.begin_at_zero()
        pairs = zip(self.bases, self.sizes, strict=True)
        self.across.cover([base + size for base, size in pairs if size is not None])
        self.across.cover([base for base in self.bases if base])

    def draw(self, canvas: Canvas) -> None:
        marker = table(self.trace.get("marker"))
        own = values(marker.get("color"))
        label = values(self.trace.get("text"))
        opacity = bounded(self.trace.get("opacity"), 1, 0, 1) * bounded(
            marker.get("opacity"), 1, 0, 1
        )
        half = self.drawn_width / 2
        for at, (place, size) in enumerate(zip(self.places, self.sizes, strict=True)):
            if place is None or size is None or at >= _MOST_BARS:
                continue
            fill = color(own[at], self.shade) if at < len(own) else self.shade
            if self.scale is not None and at < len(self.shades):
                value = self.shades[at]
                fill = self.shade if value is None else self.scale.hex(value)
            begin, end = place + self.offsets[at] - half, place + self.offsets[at] + half
            base = self.bases[at]
            low = base if self.across.kind != "log" or base else self.across.low
            self._bar(canvas, begin, end, low, base + size, fill, opacity)
            if at < len(label):
                self._label(canvas, (begin + end) / 2, base + size, text(label[at], 20))

    def _bar(
        self,
        canvas: Canvas,
        begin: float,
        end: float,
        low: float,
        high: float,
        fill: str,
        opacity: float,
    ) -> None:
        plot = self.plot
        gap = 0.5 if self.width is not None else 0.0
        if self.is_flat:
            top, bottom = sorted((plot.at_y(begin), plot.at_y(end)))
            left = plot.at_x(low)
            thickness = max(bottom - top - gap, 0.5)
            canvas.rect(left, top, plot.at_x(high) - left, thickness, fill, opacity)
            return
        left, right = sorted((plot.at_x(begin), plot.at_x(end)))
        top = plot.at_y(high)
        canvas.rect(left, top, max(right - left - gap, 0.5), plot.at_y(low) - top, fill, opacity)

    def _label(self, canvas: Canvas, middle: float, end: float, label: str) -> None:
        plot = self.plot
        if self.is_flat:
            canvas.text(plot.at_x(end) + 3, plot.at_y(middle) + 4, label, self.shade, 10)
        else:
            canvas.text(plot.at_x(middle), plot.at_y(end) - 3, label, self.shade, 10, "middle")


def bars_of(trace: dict[str, Any], shade: str, plot: Plot, layout: dict[str, Any]) -> Bars:
    """A trace of bars."""
    from codeexec.rendering.plotly.traces import columns_of

    is_flat = trace.get("orientation") == "h"
    xs, ys = columns_of(trace)
    along, across = (plot.y, plot.x) if is_flat else (plot.x, plot.y)
    places, sizes = along.numbers(ys if is_flat else xs), across.numbers(xs if is_flat else ys)
    count = min(len(places), len(sizes))
    specified = values(trace.get("width"))
    width = number(specified[0]) if len(specified) else number(trace.get("width"))
    bars = Bars(trace, shade, plot, is_flat, places[:count], sizes[:count], width)
    marker = table(trace.get("marker"))
    bars.shades = [number(value) for value in values(marker.get("color"))]
    if any(value is not None for value in bars.shades):
        bars.scale = scale_for(marker, layout, bars.shades, "c")
    return bars


def histogram_of(
    trace: dict[str, Any], shade: str, plot: Plot, bins: tuple[float, float, int] | None
) -> Bars:
    """A trace whose values are counted in bins (start, width, number), or by category."""
    is_flat = is_flat_histogram(trace)
    scale = plot.y if is_flat else plot.x
    samples = scale.numbers(values(trace.get("y" if is_flat else "x")))
    weights = [number(v) for v in values(trace.get("x" if is_flat else "y"))]
    func = trace.get("histfunc", "count")
    start, width, count = bins or (-0.5, 1.0, 1)
    if bins is None:
        count = min(int(max((s for s in samples if s is not None), default=0)) + 1, _MOST_BINS)
    totals, numbers = [0.0] * count, [0] * count
    for at, sample in enumerate(samples):
        if sample is None:
            continue
        slot = min(int((sample - start) / width), count - 1)
        if slot >= 0:
            weight = weights[at] if at < len(weights) and func in ("sum", "avg") else 1.0
            totals[slot] += weight or 0.0
            numbers[slot] += 1
    if func == "avg":
        totals = [total / (n or 1) for total, n in zip(totals, numbers, strict=True)]
    norm = str(trace.get("histnorm", ""))
    whole = sum(totals) or 1.0
    if "percent" in norm or "probability" in norm:
        totals = [total / whole * (100 if "percent" in norm else 1) for total in totals]
    if "density" in norm:
        part = 1.0 if norm == "density" else (whole if norm == "probability density" else 1.0)
        totals = [total / part / width for total in totals]
    places: list[float | None] = [start + (at + 0.5) * width for at in range(count)]
    return Bars(trace, shade, plot, is_flat, places, [*totals], None if bins is None else width)


def is_flat_histogram(trace: dict[str, Any]) -> bool:
    """Whether the bars of a histogram lie: its values are on the y axis."""
    return trace.get("orientation") == "h" or not len(values(trace.get("x")))


def bins_for(traces: Sequence[dict[str, Any]], plot: Plot) -> tuple[float, float, int] | None:
    """The bins that the histograms of a plot share: start, width, number; None for categories."""
    is_flat = is_flat_histogram(traces[0])
    scale, name = (plot.y, "y") if is_flat else (plot.x, "x")
    if scale.kind == "category":
        return None
    samples = [s for t in traces for s in scale.numbers(values(t.get(name))) if s is not None]
    if not samples:
        return 0.0, 1.0, 1
    low, high = min(samples), max(samples)
    own = table(traces[0].get(f"{name}bins"))
    width = number(own.get("size"))
    most = bounded(traces[0].get(f"nbins{name}"), 0, 0, _MOST_BINS) or min(
        max(math.sqrt(len(samples)) * 1.5, 5), 60
    )
    if width is None or width <= 0:
        width = nice_step((high - low) / most) if high > low else 1.0
    start = number(own.get("start"))
    start = math.floor(low / width) * width if start is None else start
    return start, width, min(max(int((high - start) / width) + 1, 1), _MOST_BINS)


def arrange(bars: Sequence[Bars], mode: str, gap: float) -> None:
    """Put bars of several traces beside each other, or on top of each other."""
    for is_flat in (False, True):
        together = [each for each in bars if each.is_flat == is_flat]
        if not together:
            continue
        room = _room(together)
        beside = len(together) if mode == "group" else 1
        heights: dict[tuple[float, bool], float] = {}
        for at, each in enumerate(together):
            whole = each.width if each.width is not None else room * (1 - gap)
            each.drawn_width = whole / beside
            shift = (at - (beside - 1) / 2) * each.drawn_width if beside > 1 else 0.0
            specified = values(each.trace.get("base"))
            each.offsets = [shift] * len(each.places)
            each.bases = [0.0] * len(each.places)
            for index, (place, size) in enumerate(zip(each.places, each.sizes, strict=True)):
                base = number(specified[index]) if index < len(specified) else None
                if base is not None:
                    each.bases[index] = base
                elif mode in ("stack", "relative") and place is not None and size is not None:
                    key = place, size < 0
                    each.bases[index] = heights.get(key, 0.0)
                    heights[key] = each.bases[index] + size


def _room(bars: Sequence[Bars]) -> float:
    """The least distance between two places."""
    places = sorted({place for each in bars for place in each.places if place is not None})
    gaps = [high - low for low, high in pairwise(places)]
    default = 86400.0 if bars[0].along.kind == "date" else 1.0
    return min(gaps, default=default)
