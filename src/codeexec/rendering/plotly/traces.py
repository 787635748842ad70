"""Traces of plotly in a plot: what they need of its scales, and how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

from codeexec.rendering.plotly.canvas import Canvas, Place
from codeexec.rendering.plotly.colors import ColorScale, scale_for
from codeexec.rendering.plotly.grids import density_png, grid_png
from codeexec.rendering.plotly.plot import Plot
from codeexec.rendering.plotly.values import bounded, color, number, rows, table, text, values

MOST_POINTS = 5000
"""Points that are drawn one by one; of more a picture shows how dense they are."""

_DASHES = {"dash": "9,9", "dot": "3,3", "dashdot": "9,3,3,3", "longdash": "15,6"}
_FEW = 20

Column = Sequence[Any]


class ChartMark(Protocol):
    """A trace in its plot. `scale` is the colour scale that a bar beside the chart explains."""

    scale: ColorScale | None

    def measure(self) -> None:
        """Make the scales of the plot cover it."""

    def draw(self, canvas: Canvas) -> None: ...


class Points:
    """A scatter trace: markers, lines, texts, an area."""

    def __init__(
        self, trace: dict[str, Any], shade: str, plot: Plot, layout: dict[str, Any]
    ) -> None:
        self._trace, self._plot = trace, plot
        line, self._marker = table(trace.get("line")), table(trace.get("marker"))
        self._shade = shade
        self._line_shade = color(line.get("color"), shade)
        self._line_width = bounded(line.get("width"), 2, 0, 12)
        self._dash = _DASHES.get(str(line.get("dash")), "")
        self._shape = str(line.get("shape", ""))
        xs, ys = columns_of(trace)
        self._xs, self._ys = plot.x.numbers(xs), plot.y.numbers(ys)
        self._size = min(len(self._xs), len(self._ys))
        mode = trace.get("mode")
        default = "lines+markers" if self._size < _FEW else "lines"
        self._mode = mode if isinstance(mode, str) else default
        self._opacity = bounded(trace.get("opacity"), 1, 0, 1)
        self.scale: ColorScale | None = None
        self._shades = [number(value) for value in values(self._marker.get("color"))]
        if any(value is not None for value in self._shades):
            self.scale = scale_for(self._marker, layout, self._shades, "c")

    def measure(self) -> None:
        self._plot.x.cover(self._xs)
        self._plot.y.cover(self._ys)
        if str(self._trace.get("fill", "")).startswith("tozeroy"):
            self._plot.y.cover([0.0])

    def draw(self, canvas: Canvas) -> None:
        is_dense = self._size > MOST_POINTS
        if self._trace.get("fill") not in (None, "none") and not is_dense:
            self._draw_area(canvas)
        if "lines" in self._mode and self._line_width:
            for part in self._stretches():
                shown = _thinned(part) if len(part) > MOST_POINTS else part
                canvas.polyline(
                    shown, self._line_shade, self._line_width, self._dash, self._opacity
                )
        if "markers" in self._mode:
            if is_dense:
                self._draw_density(canvas)
            else:
                self._draw_markers(canvas)
        if "text" in self._mode and not is_dense:
            words = values(self._trace.get("text"))
            for at, (x, y) in self._places():
                if at < len(words):
                    canvas.text(x, y - 7, text(words[at], 40), self._shade, 11, "middle")

    def _places(self) -> list[tuple[int, Place]]:
        plot = self._plot
        pairs = zip(range(self._size), self._xs, self._ys, strict=False)
        return [
            (at, (plot.at_x(x), plot.at_y(y)))
            for at, x, y in pairs
            if x is not None and y is not None
        ]

    def _stretches(self) -> list[list[Place]]:
        """The line in parts, between points that are missing."""
        parts: list[list[Place]] = []
        previous = -2
        for at, place in self._places():
            if at != previous + 1 and not (self._trace.get("connectgaps") and parts):
                parts.append([])
            parts[-1].append(place)
            previous = at
        if self._shape in ("hv", "vh", "hvh", "vhv"):
            parts = [_stepped(part, self._shape) for part in parts]
        return [part for part in parts if len(part) > 1]

    def _draw_area(self, canvas: Canvas) -> None:
        ground = self._plot.at_y(min(max(0.0, self._plot.y.low), self._plot.y.high))
        fill = color(self._trace.get("fillcolor"), self._line_shade)
        own = self._trace.get("fillcolor") is not None
        for part in self._stretches():
            edge = (
                []
                if self._trace.get("fill") == "toself"
                else [
                    (part[-1][0], ground),
                    (part[0][0], ground),
                ]
            )
            canvas.polygon([*part, *edge], fill, self._opacity if own else 0.5 * self._opacity)

    def _draw_markers(self, canvas: Canvas) -> None:
        marker = self._marker
        sizes = [number(size) for size in values(marker.get("size"))]
        factor = _size_factor(marker)
        plain = bounded(marker.get("size"), 6, 1, 60) / 2
        shades = values(marker.get("color"))
        opacity = bounded(marker.get("opacity"), 1, 0, 1) * self._opacity
        for at, (x, y) in self._places():
            size = sizes[at] if at < len(sizes) else None
            radius = plain if size is None else factor(size)
            fill = self._shade
            if self.scale is not None and at < len(self._shades):
                value = self._shades[at]
                fill = self._shade if value is None else self.scale.hex(value)
            elif at < len(shades):
                fill = color(shades[at], self._shade)
            canvas.circle(x, y, radius, fill, opacity)

    def _draw_density(self, canvas: Canvas) -> None:
        plot = self._plot
        png = density_png(plot, self._xs, self._ys, self._shade)
        canvas.image(plot.left, plot.top, plot.width, plot.height, png)


class Heatmap:
    """A grid of coloured cells."""

    def __init__(self, trace: dict[str, Any], plot: Plot, layout: dict[str, Any]) -> None:
        self._plot = plot
        self._rows = [[number(value) for value in row] for row in rows(trace.get("z"))]
        self._width = max((len(row) for row in self._rows), default=0)
        xs, ys = values(trace.get("x")), values(trace.get("y"))
        self._xs = _edges(plot.x.numbers(xs or range(self._width)), self._width)
        self._ys = _edges(plot.y.numbers(ys or range(len(self._rows))), len(self._rows))
        numbers = [value for row in self._rows for value in row]
        self.scale: ColorScale | None = scale_for(trace, layout, numbers, "z")
        if trace.get("showscale") is False:
            self._colors, self.scale = self.scale, None
        else:
            self._colors = self.scale

    def measure(self) -> None:
        self._plot.x.cover(self._xs)
        self._plot.y.cover(self._ys)

    def draw(self, canvas: Canvas) -> None:
        if not self._width or self._colors is None:
            return
        plot = self._plot
        png = grid_png(plot, self._xs, self._ys, self._rows, self._colors)
        canvas.image(plot.left, plot.top, plot.width, plot.height, png)


def columns_of(trace: dict[str, Any]) -> tuple[Column, Column]:
    """Both columns; the one that is missing counts."""
    xs, ys = values(trace.get("x")), values(trace.get("y"))
    if not len(xs):
        xs = _counted(trace, "x", len(ys))
    elif not len(ys):
        ys = _counted(trace, "y", len(xs))
    return xs, ys


def _counted(trace: dict[str, Any], name: str, size: int) -> list[float]:
    start = bounded(trace.get(f"{name}0"), 0, -1e15, 1e15)
    step = bounded(trace.get(f"d{name}"), 1, -1e15, 1e15)
    return [start + at * step for at in range(size)]


def _size_factor(marker: dict[str, Any]) -> Any:
    """The radius in pixels for a size, as `sizemode` and `sizeref` have it."""
    reference = bounded(marker.get("sizeref"), 1, 1e-12, 1e12)
    least = bounded(marker.get("sizemin"), 0, 0, 20) or 1.0
    if marker.get("sizemode") == "area":
        return lambda size: min(max(math.sqrt(max(size, 0) / reference) / 2, least), 60)
    return lambda size: min(max(size / reference / 2, least), 60)


def _stepped(part: list[Place], shape: str) -> list[Place]:
    places = part[:1]
    for (x1, y1), (x2, y2) in pairwise(part):
        if shape == "hv":
            places.append((x2, y1))
        elif shape == "vh":
            places.append((x1, y2))
        else:
            middle = (x1 + x2) / 2
            places += [(middle, y1), (middle, y2)]
        places.append((x2, y2))
    return places


def _thinned(part: list[Place]) -> list[Place]:
    """Of a long line in each column of pixels the first, lowest, highest and last point; of one
    that goes back and forth some of its points."""
    if any(second[0] < first[0] for first, second in pairwise(part)):
        return part[:: math.ceil(len(part) / (4 * MOST_POINTS))]
    places: list[Place] = []
    column: list[Place] = []
    for place in part:
        if column and int(place[0]) != int(column[0][0]):
            places += _ends(column)
            column = []
        column.append(place)
    return places + _ends(column)


def _ends(column: list[Place]) -> list[Place]:
    low = min(column, key=lambda place: place[1])
    high = max(column, key=lambda place: place[1])
    return [column[0], low, high, column[-1]]


def _edges(centers: list[float | None], size: int) -> list[float]:
    """The edges of cells between their centres, or as they are given."""
    known = [place for place in centers if place is not None]
    if len(known) == size + 1:
        return known
    if len(known) != size or not size:
        return [at - 0.5 for at in range(size + 1)]
    if size == 1:
        return [known[0] - 0.5, known[0] + 0.5]
    middles = [(low + high) / 2 for low, high in pairwise(known)]
    return [2 * known[0] - middles[0], *middles, 2 * known[-1] - middles[-1]]
