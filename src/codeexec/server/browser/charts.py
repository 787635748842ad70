"""Figures of plotly, Bokeh and Vega as documents of their own, drawn by the library's JavaScript
in a frame that can reach nothing.

The policy of the document gives it an origin of its own, and lets it open no window and load
nothing: what draws, and the data of the figure, stand in it. The script of a Bokeh figure is not
run: the JSON that it holds is read, and so is that of a chart within HTML. So code of the user runs
only where the JavaScript of the library came from an environment that this code can change, and
then in that frame. Expressions of Vega are interpreted, which needs no `eval`.
"""

from __future__ import annotations

import json
import secrets
from typing import NamedTuple

from starlette.responses import Response

from codeexec.domain.content.charts import Chart, chart_in_html, chart_library, has_chart
from codeexec.domain.content.mime import bare
from codeexec.domain.errors import DocumentError, NotFound, UsageError
from codeexec.domain.outputs import Display, MimePart

LARGEST_FIGURE = 24 * 2**20
"""Bytes of the data of one figure."""

_BOKEH_MARK = "application/vnd.bokehjs_exec.v0+json"
_SCRIPTS = ("application/javascript", "text/javascript")
_DOCUMENTS = "docs_json ="

_STYLE = (
    ":root{color-scheme:light;background:#fff;color:#111}html{overflow:hidden}"
    "body{margin:0;font:14px/1.5 system-ui,sans-serif}#chart.vega-embed{display:block;padding:6px}"
)

_REPORT = """
const tell = state =>
  parent.postMessage({ height: document.documentElement.scrollHeight, state }, "*");
addEventListener("DOMContentLoaded", () =>
  new ResizeObserver(() => tell("")).observe(document.body));
addEventListener("securitypolicyviolation", event => {
  if (event.blockedURI !== "eval") tell("blocked");
});
"""
"""Tells the page the height, and whether the figure was drawn; it runs before all else."""

_DRAW = {
    "plotly": """
const figure = JSON.parse(document.getElementById("figure").textContent);
const config = {
  responsive: true, displaylogo: false, showSendToCloud: false, modeBarButtonsToRemove: ["toImage"],
};
const { data, layout, frames } = figure;
Plotly.newPlot("chart", { data, layout, frames, config }).then(() => tell("drawn"), failed);
""",
    "bokeh": """
const documents = JSON.parse(document.getElementById("figure").textContent);
const shown = Object.entries(documents).map(([docid, { roots }]) => {
  const places = roots.map(root => {
    const place = document.createElement("div");
    place.id = `root-${docid}-${root.id}`;
    document.getElementById("chart").append(place);
    return [root.id, place.id];
  });
  return { docid, roots: Object.fromEntries(places), root_ids: roots.map(root => root.id) };
});
Bokeh.embed.embed_items(documents, shown).then(() => tell("drawn"), failed);
""",
    "vega": """
const { usermeta, ...spec } = JSON.parse(document.getElementById("figure").textContent);
vegaEmbed("#chart", spec, { ast: true, actions: false }).then(() => tell("drawn"), failed);
""",
}


class Figure(NamedTuple):
    """What has a figure in it, and the library that draws it; `html` for a page in which the chart
    of some library stands."""

    library: str
    part: MimePart


def find_figure(display: Display) -> Figure:
    """The figure that a display has. NotFound; UsageError for one that is too large."""
    figure = _find(display)
    if figure is None:
        raise NotFound("The page can draw figures of plotly, Bokeh and Vega, and this is none.")
    require_size(figure.part, LARGEST_FIGURE)
    return figure


def require_size(part: MimePart, most: int) -> None:
    """UsageError where there are more than `most` bytes to be drawn."""
    if part.size > most:
        raise UsageError(
            f"The figure has {part.size / 2**20:.0f} MB, and the page draws up to "
            f"{most // 2**20} MB.",
            "Make it of fewer points.",
        )


def _find(display: Display) -> Figure | None:
    names = {bare(part.mime): part for part in display.parts}
    for name, part in names.items():
        if library := chart_library(name):
            return Figure(library, part)
    script = next((names[name] for name in _SCRIPTS if name in names), None)
    if _BOKEH_MARK in names and script is not None:
        return Figure("bokeh", script)
    html, plain = names.get("text/html"), names.get("text/plain")
    is_chart = html is not None and has_chart(html.text, plain.text if plain is not None else None)
    return Figure("html", html) if html is not None and is_chart else None


def chart_within(text: str) -> tuple[str, Chart]:
    """The library and the data of the chart that stands in HTML. DocumentError where none does."""
    chart = chart_in_html(text)
    library = chart_library(chart.mime) if chart is not None else None
    if chart is None or library is None:
        raise DocumentError("This HTML holds no chart that can be read.")
    return library, chart


def figure_content(library: str, text: str) -> str:
    """The JSON of a figure within its value. DocumentError."""
    if library != "bokeh":
        return text
    start = text.find(_DOCUMENTS)
    try:
        if start < 0:
            raise ValueError("there is none")
        start += len(_DOCUMENTS)
        start += len(text[start : start + 100]) - len(text[start : start + 100].lstrip())
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise DocumentError("The script of this Bokeh figure holds no document.") from error
    return text[start:end]


def figure_frame(library: str, scripts: tuple[str, ...], content: str) -> Response:
    """The document that draws a figure; `content` is its JSON. Blocks."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        "sandbox allow-scripts; default-src 'none'; "
        f"script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    draw = (
        "const failed = error => { console.warn(error); tell('failed'); };"
        f"try {{{_DRAW[library]}}} catch (error) {{ failed(error); }}"
    )
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>Figure</title><style>{_STYLE}</style>",
        _script(nonce, _REPORT),
        '<body><div id="chart"></div>',
        # In JSON the character stands in texts alone.
        f'<script type="application/json" id="figure">{_without_tags(content)}</script>',
        *(_script(nonce, script) for script in scripts),
        _script(nonce, draw),
    ]
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-DNS-Prefetch-Control": "off",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    body = "".join(parts).encode("utf-8", "replace")
    return Response(body, media_type="text/html", headers=headers)


def _without_tags(json_text: str) -> str:
    return json_text.replace("<", "\\u003c")


def _script(nonce: str, text: str) -> str:
    return f'<script nonce="{nonce}">{text}</script>'
