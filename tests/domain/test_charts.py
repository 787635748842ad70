"""Charts as data: their names, their titles, and the pages that a browser opens."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from codeexec.domain.content.charts import (
    chart_in_html,
    chart_label,
    chart_library,
    chart_page,
    chart_title,
)

PLOTLY = "application/vnd.plotly.v1+json"


class Texts(HTMLParser):
    """Collects the texts of a page, those of scripts too."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize(
    ("mime", "library"),
    [
        (PLOTLY, "plotly"),
        ("application/vnd.vegalite.v6.json", "vega"),
        ("application/vnd.vegalite.v4+json", "vega"),
        ("application/vnd.vega.v5+json; charset=utf-8", "vega"),
        ("application/vnd.vega.v5", None),
        ("application/json", None),
    ],
)
def test_a_type_names_its_library(mime: str, library: str | None) -> None:
    assert chart_library(mime) == library


@pytest.mark.parametrize(
    ("chart", "title"),
    [
        ({"title": "Sales"}, "Sales"),
        ({"title": {"text": ["Sales", "of May"]}}, "Sales of May"),
        ({"layout": {"title": {"text": "<b>Sales</b><br>of May"}}}, "Sales of May"),
        ({"title": "x" * 500}, "x" * 79 + "…"),
        ({"title": {"text": {"a": 1}}, "layout": 7}, ""),
        ([1], ""),
    ],
)
def test_a_chart_has_a_title(chart: object, title: str) -> None:
    assert chart_title(json.dumps(chart)) == title


def test_what_is_no_json_has_a_name_alone() -> None:
    assert chart_label(PLOTLY, "{") == "plotly chart"
    assert chart_label(PLOTLY, None) == "plotly chart"


def test_a_page_without_data_is_no_chart() -> None:
    assert chart_in_html("<script>Plotly.newPlot('a', [1, </script>") is None
    assert chart_in_html("<script>vegaEmbed })({, </script>") is None


def test_the_page_for_a_browser_holds_the_chart_and_no_other_script() -> None:
    figure = {"data": [], "layout": {"title": "</script><script>alert(1)</script>"}}
    page = chart_page(PLOTLY, json.dumps(figure))
    assert page.count("<script") == 3
    parser = Texts()
    parser.feed(page)
    assert figure in [json.loads(text) for text in parser.texts if text.startswith("{")]
    assert chart_page("image/png", "") == ""
