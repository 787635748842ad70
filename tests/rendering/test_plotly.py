"""Charts of plotly as pictures: shapes where the data say, and nothing that bad data can break."""

from __future__ import annotations

import base64
import copy
import json
import math
import random
import struct
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from codeexec.rendering.faults import Fault
from codeexec.rendering.plotly.chart import plotly_svg
from codeexec.rendering.plotly.scales import Scale

SVG = "{http://www.w3.org/2000/svg}"
NAN = math.nan


def drawn(*traces: dict[str, Any], ground: str = "#ffffff", **layout: Any) -> ET.Element:
    return ET.fromstring(plotly_svg(json.dumps({"data": traces, "layout": layout}), ground))


def texts(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def shapes(root: ET.Element, kind: str, fill: str) -> list[dict[str, float]]:
    """Shapes of a colour, with their places in numbers; those of the legend are left out."""
    found = [each for each in root.iter(SVG + kind) if each.get("fill") == fill]
    found = [each for each in found if each.get("width") != "12"]
    names = ("x", "y", "width", "height", "cx", "cy", "r")
    return [{n: float(each.get(n, 0)) for n in names if each.get(n)} for each in found]


def typed(numbers: list[float], dtype: str = "f8", code: str = "d") -> dict[str, str]:
    content = struct.pack(f"<{len(numbers)}{code}", *numbers)
    return {"dtype": dtype, "bdata": base64.b64encode(content).decode()}


def test_points_stand_where_the_numbers_say() -> None:
    root = drawn(
        {"mode": "markers", "x": typed([0, 5, 10]), "y": [1, 2, 3], "marker": {"color": "#ff0000"}}
    )
    first, second, third = shapes(root, "circle", "#ff0000")
    assert second["cx"] - first["cx"] == pytest.approx(third["cx"] - second["cx"], abs=0.1)
    assert first["cy"] > second["cy"] > third["cy"]
    assert {"0", "5", "10"} & {*texts(root)}


@pytest.mark.parametrize(
    ("dtype", "code"), [("i1", "b"), ("u2", "H"), ("i4", "i"), ("f4", "f"), ("f8", "d")]
)
def test_typed_arrays_are_decoded(dtype: str, code: str) -> None:
    root = drawn({"type": "bar", "x": ["a", "b"], "y": typed([1, 2], dtype, code)})
    low, high = shapes(root, "rect", "#636efa")
    assert high["height"] == pytest.approx(2 * low["height"], rel=0.01)


def test_bars_are_beside_or_above_each_other() -> None:
    traces = [{"type": "bar", "x": ["a"], "y": [2]}, {"type": "bar", "x": ["a"], "y": [3]}]
    (first,), (second,) = (shapes(drawn(*traces), "rect", c) for c in ("#636efa", "#ef553b"))
    assert second["x"] == pytest.approx(first["x"] + first["width"], abs=0.1)
    root = drawn(*traces, barmode="stack")
    (first,), (second,) = (shapes(root, "rect", c) for c in ("#636efa", "#ef553b"))
    assert second["x"] == first["x"]
    assert second["y"] + second["height"] == pytest.approx(first["y"], abs=0.1)


def test_a_histogram_counts() -> None:
    root = drawn({"type": "histogram", "x": [0.1, 0.2, 0.3, 1.1, 2.5], "xbins": {"size": 1}})
    three, one, last = shapes(root, "rect", "#636efa")
    assert three["height"] == pytest.approx(3 * one["height"], rel=0.02)
    assert last["height"] == pytest.approx(one["height"], rel=0.02)
    categories = drawn({"type": "histogram", "x": ["u", "v", "u"]})
    two, one = shapes(categories, "rect", "#636efa")
    assert two["height"] == pytest.approx(2 * one["height"], rel=0.02)


def test_a_box_has_quartiles_and_outliers() -> None:
    root = drawn({"type": "box", "y": [1, 2, 3, 4, 5, 50], "name": "times"})
    assert "times" in texts(root)
    (outlier,) = shapes(root, "circle", "#636efa")
    (box,) = shapes(root, "rect", "#636efa")
    assert outlier["cy"] < box["y"]


def test_a_heat_map_is_a_picture_with_its_colours_explained() -> None:
    root = drawn({"type": "heatmap", "z": [[0, 1], [2, 3]], "x": ["a", "b"], "colorscale": "Greys"})
    (image,) = root.iter(f"{SVG}image")
    assert (image.get("href") or "").startswith("data:image/png;base64,")
    assert {"a", "b", "0", "1", "2", "3"} <= {*texts(root)}


@pytest.mark.slow
def test_a_million_points_are_a_picture_of_their_density() -> None:
    random.seed(1)
    numbers = [random.gauss(0, 1) for _ in range(1000)] * 1000
    begin = time.process_time()
    root = drawn({"type": "scattergl", "mode": "markers", "x": typed(numbers), "y": typed(numbers)})
    assert time.process_time() - begin < 60
    assert len([*root.iter(f"{SVG}image")]) == 1
    assert not [*root.iter(f"{SVG}circle")]


def test_a_long_line_is_thinned() -> None:
    numbers = typed([math.sin(at / 1000) for at in range(20_000)])
    (line,) = drawn({"mode": "lines", "y": numbers}).iter(f"{SVG}polyline")
    assert 500 < len((line.get("points") or "").split()) < 5000


def test_a_line_is_broken_where_numbers_are_missing() -> None:
    root = drawn({"mode": "lines", "y": [1, 2, None, 3, NAN, 4, 5]})
    assert [len((line.get("points") or "").split()) for line in root.iter(f"{SVG}polyline")] == [
        2,
        2,
    ]


def test_title_legend_axes_and_the_ground() -> None:
    root = drawn(
        {"y": [1, 2], "name": "first"},
        {"y": [2, 1], "name": "second"},
        ground="#102030",
        title={"text": "<b>Sales</b><br>of May"},
        xaxis={"title": {"text": "day"}},
        yaxis={"title": "sold", "tickprefix": "€"},
    )
    assert {"Sales", "of May", "first", "second", "day", "sold", "€1.0"} <= {*texts(root)}
    ground = next(root.iter(f"{SVG}rect"))
    assert ground.get("fill") == "#102030"


def test_what_is_not_drawn_is_told() -> None:
    with pytest.raises(Fault, match="scatter3d needs a browser"):
        drawn({"type": "scatter3d", "x": [1], "y": [1], "z": [1]})
    assert "not drawn: pie" in texts(drawn({"y": [1, 2]}, {"type": "pie", "values": [1]}))
    with pytest.raises(Fault, match="empty"):
        drawn()


def test_hostile_words_are_words() -> None:
    title = "\x1b[2J\x00\u202e</text><image href='http://x/'/>&amp;\ud800"
    root = drawn({"y": [1, 2], "name": title, "text": [title], "mode": "text"}, title=title)
    assert not [*root.iter(f"{SVG}image")]
    assert "http" not in {key for each in root.iter() for key in each.attrib}
    assert not any(set("\x1b\x00\u202e") & set(words) for words in texts(root))


@pytest.mark.parametrize("source", ["", "[]", "7", '{"data": 3}', '{"data": [1, null, "x"]}'])
def test_what_is_no_figure_is_told(source: str) -> None:
    with pytest.raises((Fault, ValueError)):
        plotly_svg(source, "#ffffff")


def test_colours_are_colours() -> None:
    root = drawn({"type": "bar", "y": [1, 2], "marker": {"color": ['"/><script/>', "url(#x)"]}})
    assert len(shapes(root, "rect", "#636efa")) == 2


def test_dates_and_powers_are_ticks() -> None:
    dates = drawn({"x": ["2024-01-01", "2024-12-31"], "y": [1, 2]})
    assert "Mar 2024" in texts(dates)
    powers = drawn({"y": [1, 1e6]}, yaxis={"type": "log"})
    assert {"1", "10⁶"} <= {*texts(powers)}


BAD: tuple[Any, ...] = (
    *(None, [], {}, "x", "", -1, 0, 1e308, NAN, math.inf, True, [None], [[1]], [{}], "1e999"),
    *({"bdata": "!!", "dtype": "f8"}, {"bdata": "AAAA", "dtype": "f8"}, {"bdata": 5, "dtype": 7}),
    *(["a", 1, None], [1e308, -1e308], ["0001-01-01", "9999-12-31"], 10**400, "<&>" * 999),
)
FIGURES: tuple[dict[str, Any], ...] = (
    {"data": [{"y": [1, 2, 3], "marker": {"color": [1, 2, 3], "size": [4, 5, 6]}, "text": ["a"]}]},
    {"data": [{"type": "bar", "x": ["a", "b"], "y": [1, 2], "base": [0, 1], "width": 0.5}]},
    {
        "data": [
            {"type": "histogram", "x": [1, 2, 2], "nbinsx": 3, "xbins": {"size": 1, "start": 0}}
        ]
    },
    {"data": [{"type": "box", "x": ["a", "a"], "y": [1, 2]}], "layout": {"boxmode": "group"}},
    {"data": [{"type": "box", "name": "b", "q1": [1], "median": [2], "q3": [3]}]},
    {"data": [{"type": "heatmap", "z": [[1, 2], [3, 4]], "x": [1, 2], "y": ["a", "b"]}]},
    {"data": [{"type": "scatter", "x": ["2024-01-01", "2024-01-02"], "y": [1, 2], "yaxis": "y2"}]},
)
LAYOUT: dict[str, Any] = {
    "title": {"text": "title"},
    "xaxis": {"type": "linear", "range": [0, 1], "tickvals": [0, 1], "domain": [0, 1]},
    "yaxis": {"matches": "y2", "title": {"text": "y"}, "autorange": "reversed"},
    "yaxis2": {"overlaying": "y", "side": "right"},
    "annotations": [{"x": 1, "y": 1, "text": "note", "xref": "x", "yref": "paper"}],
    "coloraxis": {"colorscale": [[0, "red"], [1, "blue"]]},
    "template": {"layout": {"colorway": ["red"]}, "data": {"bar": [{"opacity": 0.5}]}},
    "width": 500,
    "barmode": "stack",
}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[key], (*path, key))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(FIGURES)))
def test_bad_values_make_a_document_or_a_fault(number: int) -> None:
    """Each value of a figure is replaced by one of a wrong type, alone and with another one."""
    chance = random.Random(number)
    whole = {"data": FIGURES[number]["data"], "layout": LAYOUT | FIGURES[number].get("layout", {})}
    places = [*paths(whole)]
    for place in places:
        figure = copy.deepcopy(whole)
        for path in (place, chance.choice(places))[: chance.choice((1, 2))]:
            owner: Any = figure
            try:
                for key in path[:-1]:
                    owner = owner[key]
                owner[path[-1]] = copy.deepcopy(chance.choice(BAD))
            except (KeyError, IndexError, TypeError):
                continue  # in what was replaced before
        try:
            svg = plotly_svg(json.dumps(figure), "#ffffff")
        except (Fault, ValueError):
            continue
        root = ET.fromstring(svg.encode("utf-8", "replace"))
        assert not {"nan", "inf"} & {
            value for each in root.iter() for value in each.attrib.values()
        }


def test_categories_keep_their_order() -> None:
    scale = Scale({"categoryarray": ["b", "a"]}, [["a", "b"]])
    assert scale.numbers(["a", "b", None]) == [1.0, 0.0, None]
