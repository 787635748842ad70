"""What is around the plots of a figure: axes, titles, the legend, and where all of it stands."""

from __future__ import annotations

from typing import Any

from codeexec.rendering.inks import Inks
from codeexec.rendering.plotly.canvas import Canvas
from codeexec.rendering.plotly.colors import ColorScale
from codeexec.rendering.plotly.plot import Plot
from codeexec.rendering.plotly.scales import (
    AxisTick,
    axis_of,
    nice_step,
    number_label,
    span_of_axis,
)
from codeexec.rendering.plotly.values import lines, number, tables

_LETTER = 6.6
"""Pixels of a letter at the size of words on axes."""
_SIZE = 12.0
_MOST_ENTRIES = 24
_LEGEND_LETTERS = 22

Placed = tuple[Plot, str, str]
Entry = tuple[str, str, str]


class ChartFrame:
    """The canvas of a figure and the margins around its plots."""

    def __init__(
        self, canvas: Canvas, layout: dict[str, Any], inks: Inks, plot_ground: str
    ) -> None:
        self.canvas = canvas
        self._layout = layout
        self._inks = inks
        self._plot_ground = plot_ground
        self._left = self._right = self._top = self._bottom = 0.0
        self._legend_left = 0.0

    # -- where things stand --------------------------------------------------------------------

    def arrange(self, plots: list[Placed], legend: list[Entry], *, has_scale: bool) -> None:
        """Set the boxes of the plots."""
        canvas = self.canvas
        title = len(lines(self._layout.get("title"), 150))
        self._top = 20 + 24 * title + (14 if self._has_heads() else 0)
        letters = max((len(name) for name, _, _ in legend), default=0)
        right = 14.0 + (min(letters, _LEGEND_LETTERS) * _LETTER + 34 if legend else 0)
        self._right = right + (62 if has_scale else 0)
        self._legend_left = canvas.width - right + 10
        if any(axis_of(self._layout, y).get("side") == "right" for _, _, y in plots):
            self._right += 60
        outer = [plot for plot, x, y in plots if span_of_axis(axis_of(self._layout, y))]
        labels = [tick.label for plot in outer for tick in plot.y.ticks(6)]
        widest = max((len(label) for label in labels), default=0)
        has_y_title = any(plot.y.title for plot in outer)
        self._left = min(20 + widest * _LETTER + (20 if has_y_title else 0), canvas.width / 3)
        has_x_title = any(plot.x.title for plot in outer)
        self._bottom = 30 + (20 if has_x_title else 0)
        for plot, x, y in plots:
            self._place(plot, x, y)
        turned = max((self._turned(plot) for plot in outer), default=0)
        self._bottom += turned
        for plot, x, y in plots:
            self._place(plot, x, y)

    def _place(self, plot: Plot, x: str, y: str) -> None:
        width = max(self.canvas.width - self._left - self._right, 40)
        height = max(self.canvas.height - self._top - self._bottom, 40)
        y_axis = axis_of(self._layout, y)
        if over := y_axis.get("overlaying"):
            y_axis = axis_of(self._layout, str(over))
        low, high = span_of_axis(axis_of(self._layout, x))
        bottom, top = span_of_axis(y_axis)
        plot.left, plot.width = self._left + low * width, (high - low) * width
        plot.top, plot.height = self._top + (1 - top) * height, (top - bottom) * height

    def _turned(self, plot: Plot) -> float:
        """Pixels that turned words below the plot need more than words that lie."""
        ticks = self._x_ticks(plot)
        if self._fits(ticks, plot):
            return 0.0
        return min(max(len(tick.label) for tick in ticks) * _LETTER * 0.62, self.canvas.height / 4)

    def _fits(self, ticks: list[AxisTick], plot: Plot) -> bool:
        letters = sum(max(map(len, tick.label.split("\n"))) + 1.5 for tick in ticks)
        return letters * _LETTER <= plot.width

    def _x_ticks(self, plot: Plot) -> list[AxisTick]:
        most = 40 if plot.x.kind == "category" else 8
        return plot.x.ticks(max(min(round(plot.width / 75), most), 2) if most < 40 else most)

    def _has_heads(self) -> bool:
        return any(
            annotation.get("yref") == "paper"
            for annotation in tables(self._layout.get("annotations"))
        )

    # -- plots -----------------------------------------------------------------------------------

    def ground(self, plot: Plot, *, is_overlay: bool) -> None:
        """The plot's own ground and its grid."""
        if is_overlay:
            return
        canvas, inks = self.canvas, self._inks
        canvas.rect(plot.left, plot.top, plot.width, plot.height, self._plot_ground)
        if plot.x.kind != "category" and plot.x.axis.get("showgrid") is not False:
            for tick in self._x_ticks(plot):
                x = plot.at_x(tick.place)
                canvas.line(x, plot.top, x, plot.top + plot.height, inks.grid, 1)
        if plot.y.kind != "category" and plot.y.axis.get("showgrid") is not False:
            for tick in self._y_ticks(plot):
                y = plot.at_y(tick.place)
                canvas.line(plot.left, y, plot.left + plot.width, y, inks.grid, 1)

        if plot.y.low < 0 < plot.y.high and plot.y.kind == "linear":
            zero, right = plot.at_y(0), plot.left + plot.width
            canvas.line(plot.left, zero, right, zero, inks.mixed(0.35), 1)

    def _y_ticks(self, plot: Plot) -> list[AxisTick]:
        most = max(round(plot.height / (18 if plot.y.kind == "category" else 50)), 2)
        return plot.y.ticks(most)

    def axes(self, plot: Plot, x: str, y: str) -> None:
        """Words at the ticks, and the titles of both axes."""
        canvas, inks, layout = self.canvas, self._inks, self._layout
        bottom, right = plot.top + plot.height, plot.left + plot.width
        if plot.x.axis.get("showticklabels") is not False:
            ticks = self._x_ticks(plot)
            fits = self._fits(ticks, plot)
            for tick in ticks:
                at = plot.at_x(tick.place)
                if fits:
                    for row, label in enumerate(tick.label.split("\n")):
                        canvas.text(at, bottom + 16 + 13 * row, label, inks.ink, _SIZE, "middle")
                else:
                    label = tick.label if len(tick.label) <= 24 else f"{tick.label[:23]}…"
                    canvas.text(at + 4, bottom + 12, label, inks.ink, 11, "end", turned=-40)
        is_right = axis_of(layout, y).get("side") == "right"
        if plot.y.axis.get("showticklabels") is not False:
            for tick in self._y_ticks(plot):
                place = right + 6 if is_right else plot.left - 6
                anchor = "start" if is_right else "end"
                label = tick.label.replace("\n", " ")
                canvas.text(place, plot.at_y(tick.place) + 4, label, inks.ink, _SIZE, anchor)
        is_lowest = bottom > canvas.height - self._bottom - 2
        for label in plot.x.title[:1] if is_lowest else []:
            middle = plot.left + plot.width / 2
            canvas.text(middle, canvas.height - 10, label, inks.ink, 13, "middle")
        for label in plot.y.title[:1]:
            outer = canvas.width - self._right + 52
            place = outer if is_right else max(plot.left - self._left + 16, 14)
            canvas.text(
                place, plot.top + plot.height / 2, label, inks.ink, 13, "middle", turned=-90
            )

    def annotations(self, plots: list[Placed]) -> None:
        """Words at places of the figure: heads of its plots, notes at points."""
        for note in tables(self._layout.get("annotations"))[:200]:
            label = lines(note.get("text"), 80)
            place = self._place_of(note, plots)
            if not label or place is None or note.get("visible") is False:
                continue
            anchors = {"left": "start", "right": "end"}
            anchor = anchors.get(str(note.get("xanchor")), "middle")
            x, y = place
            for row, line in enumerate(label[:4]):
                turned = _angle(note.get("textangle"))
                self.canvas.text(
                    x, y - 5 + 13 * row, line, self._inks.ink, _SIZE, anchor, turned=turned
                )

    def _place_of(self, note: dict[str, Any], plots: list[Placed]) -> tuple[float, float] | None:
        places: list[float] = []
        for letter in "xy":
            reference = str(note.get(f"{letter}ref", "paper"))
            if reference.endswith("domain") or reference == "paper":
                share = number(note.get(letter))
                if share is None:
                    return None
                if letter == "x":
                    width = self.canvas.width - self._left - self._right
                    places.append(self._left + share * width)
                else:
                    height = self.canvas.height - self._top - self._bottom
                    places.append(self._top + (1 - share) * height)
                continue
            plot = next((p for p, x, y in plots if reference in (x, y)), None)
            if plot is None:
                return None
            scale = plot.x if letter == "x" else plot.y
            degrees = scale.numbers([note.get(letter)])[0]
            if degrees is None:
                return None
            places.append(plot.at_x(degrees) if letter == "x" else plot.at_y(degrees))
        return places[0], places[1]

    # -- beside the plots ----------------------------------------------------------------------

    def title(self, label: list[str]) -> None:
        for row, line in enumerate(label[:3]):
            size = 17 if row == 0 else 13
            self.canvas.text(20, 28 + 22 * row, line, self._inks.ink, size, bold=row == 0)

    def legend(self, entries: list[Entry], title: str) -> None:
        if not entries:
            return
        canvas, left, top = self.canvas, self._legend_left, self._top + 8
        if title:
            canvas.text(left, top + 4, title[:_LEGEND_LETTERS], self._inks.ink, _SIZE)
            top += 20
        for row, (name, shade, symbol) in enumerate(entries[:_MOST_ENTRIES]):
            y = top + 18 * row
            if y > canvas.height - 24:
                canvas.text(left, y + 4, f"… {len(entries) - row} more", self._inks.soft, 11)
                return
            if symbol == "line":
                canvas.line(left, y, left + 18, y, shade, 2.5)
            elif symbol == "dot":
                canvas.circle(left + 9, y, 4, shade)
            else:
                canvas.rect(left + 3, y - 6, 12, 12, shade)
            label = name if len(name) <= _LEGEND_LETTERS else f"{name[: _LEGEND_LETTERS - 1]}…"
            canvas.text(left + 24, y + 4, label, self._inks.ink, _SIZE)

    def color_bar(self, scale: ColorScale, title: str) -> None:
        """The bar that says which colour is which number."""
        canvas = self.canvas
        left = canvas.width - self._right + 14
        top, height = self._top + 14, canvas.height - self._top - self._bottom - 14
        steps = 64
        span = scale.high - scale.low
        for step in range(steps):
            value = scale.low + span * (steps - 0.5 - step) / steps
            y = top + height * step / steps
            canvas.rect(left, y, 14, height / steps + 0.5, scale.hex(value))
        if title:
            canvas.text(left, top - 6, title[:12], self._inks.ink, 11)
        step_size = nice_step(span / 5)
        first = int(scale.low / step_size) - 1
        for at in range(first, first + 16):
            value = at * step_size
            if span > 0 and scale.low - 1e-9 * span <= value <= scale.high + 1e-9 * span:
                y = top + height * (1 - (value - scale.low) / span)
                label = number_label(value, step_size)
                canvas.text(left + 18, y + 4, label, self._inks.ink, 11)

    def note(self, label: str) -> None:
        """A note in the corner: what the picture lacks."""
        place = self.canvas.width - 8
        self.canvas.text(place, 16, label[:80], self._inks.soft, 11, "end")


def _angle(value: object) -> float:
    """The turn of a text in degrees."""
    degrees = number(value)
    return 0.0 if degrees is None else degrees % 360
