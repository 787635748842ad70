"""The text of displays, for the command line, exports and the console."""

from __future__ import annotations

import base64
import io
import json
import wave

import pandas as pd
import pytest

from codeexec.documents.displays.html import html_to_text, text_beside_table
from codeexec.documents.displays.text import inline_text
from codeexec.domain.outputs import Display, MimePart

TABLE = "<table><tr><th>city</th><th>n</th></tr><tr><td>Ulm</td><td>7</td></tr></table>"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def wav(seconds: float) -> str:
    """Silence of 8,000 samples a second, in base64."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(int(seconds * 16_000)))
    return base64.b64encode(file.getvalue()).decode()


WAV = wav(2.5)


def display_of(**forms: str) -> Display:
    """`text_html="…"` is the form `text/html`; `plain` is text/plain."""
    return Display("d", tuple(MimePart(mime, len(text), text) for mime, text in forms.items()))


def bundle(plain: str | None, **rich: str) -> Display:
    forms = {"text/plain": plain} if plain is not None else {}
    forms |= {MIMES[name]: text for name, text in rich.items()}
    return display_of(**forms)


MIMES = {
    "html": "text/html",
    "markdown": "text/markdown",
    "latex": "text/latex",
    "data": "application/json",
    "script": "application/javascript",
    "plotly": "application/vnd.plotly.v1+json",
    "vega": "application/vnd.vega.v5+json",
    "widget": "application/vnd.jupyter.widget-view+json",
    "png": "image/png",
    "mermaid": "text/vnd.mermaid",
    "pdf": "application/pdf",
    "wav": "audio/wav",
    "bokeh": "application/vnd.bokehjs_exec.v0+json",
    "bokeh_scripts": "application/vnd.bokehjs_load.v0+json",
    "thing": "application/x-thing",
}
BOKEH_SCRIPT = (
    '(function(root) { const docs_json = {"title":{"type":"object","name":"Title","id":"p1011",'
    r'"attributes":{"text":"Simple \"line\" \u4f8b"}},"renderers":[]}; })(window)'
)
REPR = "<IPython.core.display.Markdown object>"


@pytest.mark.parametrize(
    ("display", "text"),
    [
        (bundle(REPR, markdown="**Result**: 42"), "**Result**: 42"),
        (bundle(REPR, html="<h1>Hi</h1><p>Some <b>bold</b> a_b"), "# Hi\n\nSome bold a_b"),
        (bundle("<Styler at 0x7f00>", html=TABLE), "city  n\nUlm   7"),
        (bundle(REPR, latex="$x^{2}$"), "x²"),
        (bundle("a/b", latex="$\\frac{a}{b}$"), "a/b"),
        (bundle("   a\n0  1", html=TABLE), "   a\n0  1"),
        (bundle(REPR, data='{"a": [1, 2]}'), '{"a": [1, 2]}'),
        (bundle(None, data='{"n": 1}'), '{"n": 1}'),
        (bundle(REPR, html="<audio src='data:x'>None?</audio>"), "[audio: a browser plays it]"),
        (
            bundle(REPR, html=f'<audio><source src="data:audio/wav;base64,{WAV}"></audio>'),
            "[wav audio, 2.5 s, 40 kB: a browser plays it]",
        ),
        (
            bundle(REPR, html=f'<video src="data:video/mp4;base64,{"AAAA" * 2000}!"></video>'),
            "[mp4 video, 6 kB: a browser plays it]",
        ),
        (bundle(None, wav=WAV), "[wav audio, 2.5 s, 40 kB: another program plays it]"),
        (bundle(None, wav="?"), "[wav audio, 0 B: another program plays it]"),
        (bundle(None, pdf="JVBERg=="), "[PDF document: another program shows it]"),
        (bundle(REPR, mermaid="graph LR\n A --> B\n"), "graph LR\n A --> B"),
        (bundle(None, mermaid=" "), "[Mermaid diagram: a browser draws it]"),
        (
            bundle(None, script=BOKEH_SCRIPT, bokeh=""),
            '[Bokeh chart “Simple "line" 例”: a browser draws it]',
        ),
        (bundle(None, script="load()", bokeh=""), "[Bokeh chart: a browser draws it]"),
        (bundle(None, script="load()", bokeh_scripts=""), "[scripts of Bokeh: a browser draws it]"),
        (
            bundle(
                REPR,
                html="<audio controls><source src='https://x.org/a.mp3' type='audio/mpeg'/>"
                "<source src='https://x.org/a.ogg'/>None?</audio>",
            ),
            "[audio https://x.org/a.mp3: a browser plays it]",
        ),
        (
            bundle(REPR, html="<iframe src='http://a.example/b'></iframe>"),
            "[page http://a.example/b: a browser shows it]",
        ),
        (bundle("Figure({" + "\n" * 780 + "})", plotly="{}"), "[plotly chart: a browser draws it]"),
        (
            bundle(None, plotly='{"data": [], "layout": {"title": {"text": "<b>Sales</b>"}}}'),
            "[plotly chart “Sales”: a browser draws it]",
        ),
        (
            bundle("alt.Chart(...)", html='<script>vegaEmbed})({"title": "Sales"}, {});</script>'),
            "[Vega chart “Sales”: a browser draws it]",
        ),
        (bundle("the sales of May", vega="{}"), "the sales of May"),
        (
            bundle("IntSlider(value=3)", widget="{}"),
            "[widget IntSlider(value=3): Jupyter shows it]",
        ),
        (bundle(" 50%|█████     | 1/2", widget="{}"), " 50%|█████     | 1/2"),
        (bundle(REPR, script="alert(1)"), "[script, not run: alert(1)]"),
        (bundle(REPR, html="<script>draw()</script>"), REPR),
        (bundle(None, html="<script>draw()</script>"), "[page without text: a browser shows it]"),
        (bundle("<Figure size 1x1>", png=PIXEL), "[image 1×1]"),
        (bundle("fallback", png="not base64!!"), "fallback"),
        (bundle(None, png="not base64!!"), "[image png, damaged]"),
        (bundle(None, thing="AAAA"), "[application/x-thing]"),
        (Display("d", ()), "[a display without data]"),
    ],
)
def test_a_display_is_text(display: Display, text: str) -> None:
    assert inline_text(display) == text


def test_long_json_is_shortened() -> None:
    text = inline_text(bundle(REPR, data=json.dumps({"x": list(range(500))})))
    assert text is not None
    assert text.startswith('{\n  "x": [\n    0,')
    assert text.endswith("… 464 more lines")


def test_a_part_that_does_not_travel_with_its_display_is_asked_for() -> None:
    assert inline_text(Display("d", (MimePart("text/plain", 9000, blob="0" * 64),))) is None


def test_html_keeps_what_stands_beside_its_tables() -> None:
    html = f"<h1>Hello</h1><p>Before<ul><li>one<li>two</ul>{TABLE}<p>After {TABLE}"
    assert html_to_text(html) == (
        "# Hello\n\nBefore\n\n- one\n- two\n\ncity  n\nUlm   7\n\nAfter\n\ncity  n\nUlm   7"
    )
    assert "Before" in text_beside_table(html)


def test_a_frame_is_a_table_and_nothing_else() -> None:
    assert text_beside_table(pd.DataFrame({"a": range(100)})._repr_html_()) == ""


def test_tables_are_aligned_by_columns_of_the_terminal() -> None:
    html = "<table><tr><th>市<th>n</tr><tr><td>東京<td>10</tr><tr><td>Ulm<td>7</tr></table>"
    assert html_to_text(html) == "市     n\n東京  10\nUlm    7"
