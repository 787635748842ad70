"""Kinds of output as code makes them, and what of each is to be seen where."""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[int, int, int]
RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (30, 30, 60)


@dataclass(frozen=True)
class OutputKind:
    """`code` of a cell. `mime` is the form that the notebook holds, of a stream its name, `error`
    for an error. `words` stand in the text that a pipe gets. A terminal draws a picture where
    `colors` names colours, which it then has."""

    name: str
    code: str
    mime: str
    words: str
    colors: tuple[Color, ...] = ()
    pixels_only: bool = False
    """It is drawn by pixels alone: block characters would not be legible."""
    has_words_too: bool = True
    """The words stand below a picture as well."""


SETUP = '''
import base64, io, json
from IPython.display import (
    HTML, JSON, SVG, Audio, GeoJSON, IFrame, Image, Javascript, Latex, Markdown, Math, Video,
    display
)
from PIL import Image as Pictures
def picture(format, color):
    file = io.BytesIO()
    Pictures.new("RGB", (80, 40), color).save(file, format)
    return file.getvalue()
def bundle(mime, value):
    display({mime: value}, raw=True)
BAR = {
    "data": {"values": [{"a": "x", "b": 3}, {"a": "y", "b": 5}]},
    "mark": {"type": "bar", "color": "#ff0000"}, "title": "Bars",
    "encoding": {
        "x": {"field": "a", "type": "nominal"}, "y": {"field": "b", "type": "quantitative"}
    },
}
print("ready")
'''  # fmt: skip

LINE = {"type": "scatter", "mode": "lines", "line": {"color": "#0000ff", "width": 6}}

KINDS = (
    OutputKind("number", "42", "text/plain", "42"),
    OutputKind("stdout", "print('to the screen')", "stdout", "to the screen"),
    OutputKind("stderr", "import sys; print('beside it', file=sys.stderr)", "stderr", "beside it"),
    OutputKind("colours", r"print('\x1b[31mred\x1b[0m and plain')", "stdout", "red and plain"),
    OutputKind(
        "error", "try:\n    1 / 0\nexcept Exception:\n    get_ipython().showtraceback()",
        "error", "ZeroDivisionError: division by zero",
    ),
    OutputKind(
        "value without a view",
        "class Odd:\n    def _repr_html_(self): raise ValueError('no view')\n"
        "    def __repr__(self): return 'an odd one'\nOdd()",
        "text/plain", "an odd one",
    ),
    OutputKind("PNG", "Image(picture('PNG', 'red'))", "image/png", "[image 80×40]", (RED,)),
    OutputKind("JPEG", "Image(picture('JPEG', 'blue'))", "image/jpeg", "[image 80×40]", (BLUE,)),
    OutputKind(
        "GIF", "Image(picture('GIF', 'red'), format='gif')", "image/gif", "[image 80×40]", (RED,)
    ),
    OutputKind(
        "WebP", "bundle('image/webp', base64.b64encode(picture('WEBP', 'blue')).decode())",
        "image/webp", "[image 80×40]", (BLUE,),
    ),
    OutputKind(
        "SVG",
        "SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"40\">"
        "<rect width=\"40\" height=\"40\" fill=\"#f00\"/>"
        "<rect x=\"40\" width=\"40\" height=\"40\" fill=\"#00f\"/></svg>')",
        "image/svg+xml", "[image svg]", (RED, BLUE),
    ),
    OutputKind(
        "PDF", "file = io.BytesIO()\nPictures.new('RGB', (80, 40), 'red').save(file, 'PDF')\n"
        "bundle('application/pdf', base64.b64encode(file.getvalue()).decode())",
        "application/pdf", "[PDF document", (RED,),
    ),
    OutputKind(
        "matplotlib",
        "%matplotlib inline\nimport matplotlib.pyplot as plt\n"
        "plt.plot([1, 3, 2], color='red', linewidth=8); plt.show()",
        "image/png", "[image ", (RED,),
    ),
    OutputKind(
        "Math",
        r"Math(r'e^{-x^2}/\sqrt{x}')", "text/latex", "e^(-x²)/√(x)", (BLACK,), pixels_only=True
    ),
    OutputKind(
        "LaTeX", r"Latex(r'$\int_0^1 \frac{a}{b}\,dx$')", "text/latex", "∫₀¹ a/b dx", (BLACK,),
        pixels_only=True,
    ),
    OutputKind("Markdown", "Markdown('# Title\\n- *one*')", "text/markdown", "Title"),
    OutputKind("HTML", "HTML('<h2>Head</h2><ul><li>one</li></ul>')", "text/html", "Head"),
    OutputKind("page", "IFrame('https://example.org/', 300, 200)", "text/html", "example.org"),
    OutputKind(
        "pandas", "import pandas\npandas.DataFrame({'city': ['Bern', 'Köln'], 'n': [1, 22]})",
        "text/html", "Köln  22",
    ),
    OutputKind("series", "pandas.Series([1.5, 2.5], name='s')", "text/plain", "Name: s"),
    OutputKind(
        "Styler", "pandas.DataFrame({'n': [1, 22]}).style.format('{:.1f}')", "text/html", "22.0"
    ),
    OutputKind(
        "polars", "import polars\npolars.DataFrame({'city': ['Bern'], 'n': [7]})", "text/html",
        "Bern",
    ),
    OutputKind(
        "Arrow", "import pyarrow\npyarrow.table({'n': [7]})", "text/plain", "n: int64"
    ),
    OutputKind("NumPy", "import numpy\nnumpy.arange(4).reshape(2, 2)", "text/plain", "[2, 3]"),
    OutputKind(
        "xarray", "import xarray\nxarray.DataArray([1, 2], dims='t', name='heat')", "text/html",
        "heat",
    ),
    OutputKind("JSON", "JSON({'a': [1, {'b': None}]})", "application/json", '"a"'),
    OutputKind(
        "GeoJSON", "GeoJSON({'type': 'Point', 'coordinates': [7, 46]})", "application/geo+json",
        "Point",
    ),
    OutputKind(
        "Vega-Lite 5", "bundle('application/vnd.vegalite.v5+json', BAR)",
        "application/vnd.vegalite.v5+json", "[Vega-Lite chart “Bars”", (RED,),
    ),
    OutputKind(
        "Vega-Lite 6", "bundle('application/vnd.vegalite.v6.json', BAR)",
        "application/vnd.vegalite.v6.json", "[Vega-Lite chart “Bars”", (RED,),
    ),
    OutputKind(
        "page of Altair",
        "HTML('<div></div><script>const s = \"vega-embed\"; (function(spec, embedOpt){ "
        "vegaEmbed(0) })(' + json.dumps(BAR) + ', {\"mode\": \"vega-lite\"});</script>')",
        "text/html", "[Vega-Lite chart “Bars”", (RED,),
    ),
    OutputKind(
        "Vega",
        "bundle('application/vnd.vega.v5+json', {'width': 60, 'height': 40, 'marks': [{'type': "
        "'rect', 'encode': {'enter': {'width': {'value': 30}, 'height': {'value': 40}, "
        "'fill': {'value': '#0000ff'}}}}]})",
        "application/vnd.vega.v5+json", "[Vega chart", (BLUE,),
    ),
    OutputKind(
        "plotly",
        "import plotly.graph_objects as go\nfrom plotly import io as plotly_io\n"
        "plotly_io.renderers.default = 'plotly_mimetype'\n"
        f"go.Figure({LINE!r} | dict(y=[1, 3, 2])).update_layout(title='Lines')",
        "application/vnd.plotly.v1+json", "[plotly chart “Lines”", (BLUE,),
    ),
    OutputKind(
        "plotly in 3-D", "go.Figure(go.Surface(z=[[1, 2], [3, 4]]))",
        "application/vnd.plotly.v1+json", "[plotly chart: a browser draws it]",
    ),
    OutputKind(
        "bokeh",
        "from bokeh.io import output_notebook, show\nfrom bokeh.plotting import figure\n"
        "output_notebook(hide_banner=True)\nchart = figure(title='Dots')\n"
        "chart.scatter([1, 2], [3, 4])\nshow(chart)",
        "application/vnd.bokehjs_exec.v0+json", "Bokeh chart “Dots”",
    ),
    OutputKind(
        "Mermaid", "bundle('text/vnd.mermaid', 'graph LR\\n  A[Start] --> B[End]')",
        "text/vnd.mermaid", "A[Start] --> B[End]", (BLACK,), has_words_too=False,
    ),
    OutputKind("sound", "Audio(data=[0.0, 0.1] * 4000, rate=8000)", "text/html", "audio"),
    OutputKind(
        "film", "Video(b'\\0\\0\\0\\x18ftypmp42', embed=True, mimetype='video/mp4')", "text/html",
        "video",
    ),
    OutputKind("script", "Javascript('alert(1)')", "application/javascript", "not run: alert(1)"),
    OutputKind(
        "slider", "from ipywidgets import IntSlider\nIntSlider(value=3, max=9, description='n')",
        "application/vnd.jupyter.widget-view+json", "3",
    ),
    OutputKind(
        "tqdm", "from tqdm.notebook import tqdm\nfor _ in tqdm(range(3), desc='steps'): pass",
        "stderr", "3/3",
    ),
    OutputKind(
        "unknown type", "bundle('application/x-own', 'mine')", "application/x-own",
        "[application/x-own]",
    ),
    OutputKind("nothing", "display({}, raw=True)", "", ""),
)  # fmt: skip
