"""What is drawn from data: charts, diagrams and PDF, their MIME types and titles, and charts within
HTML."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from codeexec.domain.content.mime import bare

ChartLibrary = Literal["vega", "plotly"]
DrawnFormat = Literal["vega", "plotly", "mermaid", "pdf"]

_VEGA = re.compile(r"application/vnd\.vega(lite)?\.v\d+[+.]json")
_PLOTLY = "application/vnd.plotly.v1+json"
BOKEH = "application/vnd.bokehjs_"
"""The beginning of the types of Bokeh's messages, which stand beside the script of a chart."""
_BOKEH_SCRIPTS = f"{BOKEH}load"
_BOKEH_TITLE = re.compile(
    r'"name":\s?"Title",[^{}]{0,100}"attributes":\s?\{[^{}]{0,200}?"text":\s?("(?:[^"\\]|\\.){0,400}")'
)
MERMAID, PDF = "text/vnd.mermaid", "application/pdf"
_NAMES = (
    (MERMAID, "Mermaid diagram"),
    (PDF, "PDF document"),
    ("application/vnd.plotly.", "plotly chart"),
    ("application/vnd.vegalite.", "Vega-Lite chart"),
    ("application/vnd.vega.", "Vega chart"),
    (_BOKEH_SCRIPTS, "scripts of Bokeh"),
    ("application/vnd.bokeh", "Bokeh chart"),
    ("application/vnd.holoviews", "HoloViews chart"),
)
_EMBEDS = re.compile(r"\bvegaEmbed\b|\bvega-embed\b|\bPlotly\.newPlot\s*\(")
_ALTAIR_TEXT = re.compile(r"alt\.\w*Chart\(\.\.\.\)")
_PLOTLY_CALL = re.compile(r"\bPlotly\.newPlot\s*\(\s*[\"'][^\"']{0,200}[\"']\s*,\s*")
_VEGA_CALL = re.compile(
    r"\}\)\(\s*(?=\{)|\bspec\s*=\s*(?=\{)|\bvegaEmbed\(\s*[^,{]{1,200},\s*(?=\{)"
)

MOST_TITLE = 80

_CDN = "https://cdn.jsdelivr.net/npm"
_BROWSER: dict[DrawnFormat, tuple[tuple[str, ...], str]] = {
    "mermaid": (
        (f"{_CDN}/mermaid@11/dist/mermaid.min.js",),
        "mermaid.render('drawn', c).then(d => document.getElementById('chart').innerHTML = d.svg)",
    ),
    "vega": (
        (f"{_CDN}/vega@6", f"{_CDN}/vega-lite@6", f"{_CDN}/vega-embed@7"),
        "vegaEmbed('#chart', c)",
    ),
    "plotly": ((f"{_CDN}/plotly.js-dist-min@3",), "Plotly.newPlot('chart', c.data, c.layout)"),
}
"""Scripts that draw a chart in a browser, and the call that does."""


class Chart(NamedTuple):
    """The data of a chart as JSON, and their type."""

    mime: str
    text: str


def chart_name(mime: str) -> str:
    """What a chart of this type is called; empty for other types."""
    return next((name for beginning, name in _NAMES if mime.startswith(beginning)), "")


def chart_library(mime: str) -> ChartLibrary | None:
    """Which of the formats that can be drawn the type names."""
    name = bare(mime)
    if name == _PLOTLY:
        return "plotly"
    return "vega" if _VEGA.fullmatch(name) else None


def drawn_format(mime: str) -> DrawnFormat | None:
    """The format of a chart, a diagram or a document that can be drawn."""
    name = bare(mime)
    if name == PDF:
        return "pdf"
    return "mermaid" if name == MERMAID else chart_library(name)


def chart_title(text: str) -> str:
    """The title that the JSON of a chart has on one line; empty where it has none."""
    from codeexec.domain.text.parsing import load_json

    try:
        value = load_json(text)
    except ValueError:
        return ""
    title = _member(value, "title") or _member(_member(value, "layout"), "title")
    if isinstance(title, dict):
        title = title.get("text")
    if isinstance(title, list):
        title = " ".join(line for line in title if isinstance(line, str))
    return _title_words(title) if isinstance(title, str) else ""


def bokeh_title(script: str) -> str:
    """The first title in the script of a Bokeh chart on one line; empty where it has none."""
    from codeexec.domain.text.parsing import load_json

    match = _BOKEH_TITLE.search(script)
    try:
        return _title_words(str(load_json(match[1]))) if match else ""
    except ValueError:
        return ""


def _title_words(title: str) -> str:
    words = " ".join(re.sub(r"<[^<>]{0,100}>", " ", title[:1000]).split())
    return words if len(words) <= MOST_TITLE else f"{words[: MOST_TITLE - 1]}…"


def chart_label(mime: str, text: str | None) -> str:
    """Name and title of a chart, as in `Vega-Lite chart “Sales”`; not safe to print. `text` is its
    data; of a Bokeh chart its script."""
    chart = chart_in_html(text) if text is not None and "html" in mime else None
    if chart is not None:
        mime, text = chart
    name = chart_name(mime) or "chart"
    read_title = bokeh_title if mime.startswith(BOKEH) else chart_title
    title = read_title(text) if text is not None else ""
    return f"{name} “{title}”" if title else name


def has_chart(html: str | None, plain: str | None = None) -> bool:
    """Whether a page is a chart of Altair or plotly. A page that is not at hand (None) is one where
    the plain text beside it is Altair's."""
    if html is None:
        return plain is not None and _ALTAIR_TEXT.fullmatch(plain.strip()) is not None
    return _EMBEDS.search(html) is not None


def chart_in_html(html: str) -> Chart | None:
    """The data of the chart that a page of Altair or plotly loads."""
    import json

    decoder = json.JSONDecoder()
    if call := _PLOTLY_CALL.search(html):
        try:
            traces, end = decoder.raw_decode(html, call.end())
            layout, _ = decoder.raw_decode(html, re.compile(r"\s*,\s*").match(html, end).end())  # type: ignore[union-attr]
        except (ValueError, AttributeError, RecursionError):
            return None
        return Chart(_PLOTLY, json.dumps({"data": traces, "layout": layout}))
    if "vega" not in html:
        return None
    for call in _VEGA_CALL.finditer(html):
        try:
            _, end = decoder.raw_decode(html, call.end())
        except (ValueError, RecursionError):
            continue
        text = html[call.end() : end]
        is_lite = "vega-lite" in html
        return Chart(f"application/vnd.{'vegalite.v5' if is_lite else 'vega.v5'}+json", text)
    return None


def chart_page(mime: str, text: str) -> str:
    """A page in which a browser draws a chart with the library of its kind, loaded from the web;
    empty for other types."""
    kind = drawn_format(mime)
    if kind is None or kind == "pdf":
        return ""
    addresses, call = _BROWSER[kind]
    scripts = "".join(f'<script src="{address}"></script>' for address in addresses)
    if kind == "mermaid":
        import json

        text = json.dumps(text)
    content = text.replace("<", "\\u003c")  # no end of the script within it
    return (
        f'<!DOCTYPE html><meta charset="utf-8">{scripts}<div id="chart"></div>'
        f'<script type="application/json" id="content">{content}</script>'
        "<script>const c = JSON.parse(document.getElementById('content').textContent);"
        f"{call};</script>"
    )


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
