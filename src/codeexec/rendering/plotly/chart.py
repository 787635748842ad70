"""A figure of plotly as an SVG document: plots, axes, legend, titles."""

from __future__ import annotations

from typing import Any

from codeexec.domain.text.parsing import load_json
from codeexec.rendering.faults import Fault
from codeexec.rendering.inks import Inks
from codeexec.rendering.plotly.bars import (
    Bars,
    arrange,
    bars_of,
    bins_for,
    histogram_of,
    is_flat_histogram,
)
from codeexec.rendering.plotly.boxes import Boxes, box_columns, is_flat_box
from codeexec.rendering.plotly.canvas import Canvas
from codeexec.rendering.plotly.frame import ChartFrame
from codeexec.rendering.plotly.plot import Plot
from codeexec.rendering.plotly.scales import Scale, axis_of
from codeexec.rendering.plotly.traces import ChartMark, Column, Heatmap, Points, columns_of
from codeexec.rendering.plotly.values import (
    bounded,
    color,
    lines,
    merged,
    rgb,
    table,
    tables,
    text,
    values,
)

DRAWN = ("scatter", "scattergl", "bar", "histogram", "box", "heatmap")
"""Types of traces that are drawn."""

_COLORWAY = ("#636efa", "#ef553b", "#00cc96", "#ab63fa", "#ffa15a", "#19d3f3", "#ff6692", "#b6e880")
_MOST_TRACES = 200
_WIDTH, _HEIGHT = 800.0, 480.0


class _Group:
    """The traces of one pair of axes, each with its colour."""

    def __init__(self, x: str, y: str) -> None:
        self.x, self.y = x, y
        self.traces: list[tuple[dict[str, Any], str]] = []


def plotly_svg(source: str, ground: str) -> str:
    """The figure on the ground colour (`#rrggbb`). Raises Fault, and ValueError for what is no
    JSON."""
    figure = table(load_json(source))
    own = table(figure.get("layout"))
    template = table(own.get("template"))
    layout = _layout(own, table(template.get("layout")))
    shades = [color(shade, _COLORWAY[0]) for shade in values(layout.get("colorway"))] or _COLORWAY
    traces: list[tuple[dict[str, Any], str]] = []
    others: list[str] = []
    for at, trace in enumerate(tables(figure.get("data"))[:_MOST_TRACES]):
        kind = _type_of(trace)
        if trace.get("visible") in (False, "legendonly"):
            continue
        if kind not in DRAWN:
            others.append(kind)
            continue
        defaults = tables(table(template.get("data")).get(kind))
        trace = merged(_plain(defaults[0]) if defaults else {}, trace)
        traces.append((trace, _shade(trace, shades[at % len(shades)])))
    if not traces:
        names = ", ".join(dict.fromkeys(text(name, 20) for name in others))
        raise Fault(f"{names} needs a browser" if others else "it is empty")
    paper = color(own.get("paper_bgcolor"), ground)
    if "rgba" not in paper and paper != "transparent":
        ground = "#{:02x}{:02x}{:02x}".format(*rgb(paper, rgb(ground)))
    return _drawn(layout, own, traces, others, Inks(ground))


def _drawn(
    layout: dict[str, Any],
    own: dict[str, Any],
    traces: list[tuple[dict[str, Any], str]],
    others: list[str],
    inks: Inks,
) -> str:
    groups: dict[tuple[str, str], _Group] = {}
    for trace, shade in traces:
        x, y = _axis_name(trace.get("xaxis"), "x"), _axis_name(trace.get("yaxis"), "y")
        groups.setdefault((x, y), _Group(x, y)).traces.append((trace, shade))
    scales = _scales(layout, [*groups.values()])
    frame = ChartFrame(
        Canvas(
            bounded(layout.get("width"), _WIDTH, 200, 2000),
            bounded(layout.get("height"), _HEIGHT, 150, 2000),
            inks.ground,
        ),
        layout,
        inks,
        color(own.get("plot_bgcolor"), inks.plot),
    )
    plots: list[tuple[Plot, _Group, list[ChartMark]]] = []
    for group in groups.values():
        plot = Plot(scales[group.x], scales[group.y])
        marks = _marks(group.traces, plot, layout)
        for mark in marks:
            mark.measure()
        plots.append((plot, group, marks))
    for name, scale in scales.items():
        is_tight = any(
            isinstance(mark, Heatmap) or (isinstance(mark, Bars) and mark.along is scale)
            for _, group, marks in plots
            for mark in marks
            if name in (group.x, group.y)
        )
        scale.close(0.0 if is_tight else 0.055)
    legend = _legend(layout, traces)
    color_scale = next((m.scale for _, _, ms in plots for m in ms if m.scale is not None), None)
    frame.arrange([(p, g.x, g.y) for p, g, _ in plots], legend, has_scale=color_scale is not None)
    for plot, group, marks in plots:
        frame.ground(plot, is_overlay=bool(axis_of(layout, group.y).get("overlaying")))
        frame.canvas.begin_clip(plot.left, plot.top, plot.width, plot.height)
        for mark in marks:
            mark.draw(frame.canvas)
        frame.canvas.end_clip()
    for plot, group, _ in plots:
        frame.axes(plot, group.x, group.y)
    frame.annotations([(p, g.x, g.y) for p, g, _ in plots])
    frame.title(lines(layout.get("title"), 150))
    frame.legend(legend, text(table(layout.get("legend")).get("title"), 30))
    if color_scale is not None:
        frame.color_bar(color_scale, _color_title(layout, traces))
    if others:
        names = ", ".join(dict.fromkeys(text(name, 20) for name in others))
        frame.note(f"not drawn: {names}")
    return frame.canvas.document()


def _layout(own: dict[str, Any], template: dict[str, Any]) -> dict[str, Any]:
    """The layout over its template; all x axes have the template's `xaxis`, and y axes `yaxis`."""
    layout = merged(template, own)
    for name in [*layout, "xaxis", "yaxis"]:
        if name[1:5] == "axis" and name[:1] in "xy":
            layout[name] = merged(table(template.get(name[:5])), table(own.get(name)))
    return layout


def _type_of(trace: dict[str, Any]) -> str:
    kind = trace.get("type", "scatter")
    return kind if isinstance(kind, str) and kind else "scatter"


def _plain(defaults: dict[str, Any]) -> dict[str, Any]:
    """Defaults of the template without their colours for other grounds."""
    return {name: value for name, value in defaults.items() if name not in ("marker", "line")}


def _axis_name(value: object, letter: str) -> str:
    is_name = isinstance(value, str) and value[:1] == letter and value[1:].isdigit()
    return str(value) if is_name and value != f"{letter}1" else letter


def _shade(trace: dict[str, Any], default: str) -> str:
    marker, line = table(trace.get("marker")), table(trace.get("line"))
    first = line if "lines" in str(trace.get("mode", "")) else marker
    return color(first.get("color"), color(marker.get("color"), color(line.get("color"), default)))


def _scales(layout: dict[str, Any], groups: list[_Group]) -> dict[str, Scale]:
    samples: dict[str, list[Column]] = {}
    for group in groups:
        for trace, _ in group.traces:
            xs, ys = _columns(trace)
            samples.setdefault(group.x, []).append(xs)
            samples.setdefault(group.y, []).append(ys)
    scales = {name: Scale(axis_of(layout, name), columns) for name, columns in samples.items()}
    for name, scale in [*scales.items()]:
        # Plots of a grid share ranges by `matches`.
        leader = scale.axis.get("matches")
        if not isinstance(leader, str) or leader == name or leader[:1] != name[:1]:
            continue
        other = scales.get(leader)
        if other is not None and other.kind == scale.kind and not other.follows:
            scale.follow(other)
    return scales


def _columns(trace: dict[str, Any]) -> tuple[Column, Column]:
    """What of a trace says which kind its axes have."""
    match _type_of(trace):
        case "histogram":
            is_flat = is_flat_histogram(trace)
            return ((), values(trace.get("y"))) if is_flat else (values(trace.get("x")), ())
        case "box":
            names, samples = box_columns(trace)
            return (samples, names) if is_flat_box(trace) else (names, samples)
        case "heatmap":
            return values(trace.get("x")), values(trace.get("y"))
        case _:
            return columns_of(trace)


def _marks(
    traces: list[tuple[dict[str, Any], str]], plot: Plot, layout: dict[str, Any]
) -> list[ChartMark]:
    marks: list[ChartMark] = []
    bars: list[Bars] = []
    histograms = [trace for trace, _ in traces if _type_of(trace) == "histogram"]
    bins = bins_for(histograms, plot) if histograms else None
    boxes = [trace for trace, _ in traces if _type_of(trace) == "box"]
    slots = len(boxes) if layout.get("boxmode") == "group" and _share_places(boxes) else 1
    for trace, shade in traces:
        match _type_of(trace):
            case "bar":
                bars.append(bars_of(trace, shade, plot, layout))
                marks.append(bars[-1])
            case "histogram":
                bars.append(histogram_of(trace, shade, plot, bins))
                marks.append(bars[-1])
            case "box":
                at = sum(isinstance(mark, Boxes) for mark in marks) if slots > 1 else 0
                marks.append(Boxes(trace, shade, plot, at, slots))
            case "heatmap":
                marks.append(Heatmap(trace, plot, layout))
            case _:
                marks.append(Points(trace, shade, plot, layout))
    mode = layout.get("barmode")
    default = "stack" if histograms else "group"
    gap = bounded(layout.get("bargap"), 0.2, 0, 0.95)
    arrange(bars, mode if isinstance(mode, str) else default, gap)
    return marks


def _share_places(boxes: list[dict[str, Any]]) -> bool:
    """Whether boxes of several traces stand at the same places."""
    places = [{str(name) for name in box_columns(trace)[0][:1000]} for trace in boxes]
    return any(a & b for at, a in enumerate(places) for b in places[at + 1 :])


def _legend(
    layout: dict[str, Any], traces: list[tuple[dict[str, Any], str]]
) -> list[tuple[str, str, str]]:
    """Name, colour and symbol of each trace that the legend has."""
    if layout.get("showlegend") is False:
        return []
    named = [
        (trace, shade, at)
        for at, (trace, shade) in enumerate(traces)
        if trace.get("showlegend") is not False and _type_of(trace) != "heatmap"
    ]
    is_wanted = any(
        owner.get("showlegend") is True for owner in [layout, *(t for t, _, _ in named)]
    )
    if len(named) < 2 and not is_wanted:
        return []
    entries: dict[str, tuple[str, str, str]] = {}
    for trace, shade, at in named:
        name = text(trace.get("name"), 40) or f"trace {at}"
        entries.setdefault(f"{name}{shade}", (name, shade, _symbol(trace)))
    return [*entries.values()]


def _symbol(trace: dict[str, Any]) -> str:
    if _type_of(trace) not in ("scatter", "scattergl"):
        return "box"
    mode = str(trace.get("mode", "lines"))
    return "line" if "lines" in mode else "dot"


def _color_title(layout: dict[str, Any], traces: list[tuple[dict[str, Any], str]]) -> str:
    owners = [layout.get("coloraxis"), *(trace for trace, _ in traces)]
    owners += [trace.get("marker") for trace, _ in traces]
    titles = (text(table(table(owner).get("colorbar")).get("title"), 30) for owner in owners)
    return next(filter(None, titles), "")
