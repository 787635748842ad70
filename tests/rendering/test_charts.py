"""Vega charts and formulas as pictures, in the colours of the screen."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image

from codeexec.domain.errors import DocumentError
from codeexec.rendering import jobs
from codeexec.rendering.formula import bare_formula
from codeexec.rendering.pictures import draw

BAR: dict[str, Any] = {
    "title": "Sales",
    "data": {"values": [{"city": "Bern", "sold": 3}, {"city": "Oslo", "sold": 7}]},
    "mark": {"type": "bar", "color": "#ff0000"},
    "encoding": {"x": {"field": "city"}, "y": {"field": "sold", "type": "quantitative"}},
    "width": 100,
    "height": 100,
}


def picture(mime: str, content: object, ground: str = "#ffffff") -> Image.Image:
    text = content if isinstance(content, str) else json.dumps(content)
    return Image.open(io.BytesIO(draw(mime, text.encode(), ground))).convert("RGBA")


def share(image: Image.Image, color: tuple[int, int, int]) -> float:
    """The share of pixels of exactly this colour."""
    pixels = image.convert("RGB").tobytes()
    rows = [pixels[at : at + 3] for at in range(0, len(pixels), 3)]
    return rows.count(bytes(color)) / len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["v6+json", "v6.json", "v5+json", "v4+json"])
def test_a_chart_of_vega_lite_has_its_bars_on_the_ground(end: str) -> None:
    image = picture(f"application/vnd.vegalite.{end}", BAR, "#102030")
    assert image.getpixel((0, 0)) == (0x10, 0x20, 0x30, 255)
    # Bars of 3 and 7, and a plot as high as 7.
    assert 0.15 < share(image, (255, 0, 0)) < 0.6


def test_a_chart_keeps_its_own_background() -> None:
    image = picture("application/vnd.vegalite.v5+json", {**BAR, "background": "#00ff00"})
    assert image.getpixel((0, 0)) == (0, 255, 0, 255)


def test_a_chart_of_vega_is_drawn() -> None:
    spec = {
        "width": 50,
        "height": 50,
        "marks": [
            {
                "type": "rect",
                "encode": {
                    "enter": {
                        "x": {"value": 0},
                        "y": {"value": 0},
                        "width": {"value": 25},
                        "height": {"value": 50},
                        "fill": {"value": "#0000ff"},
                    }
                },
            }
        ],
    }
    assert share(picture("application/vnd.vega.v5+json", spec), (0, 0, 255)) > 0.3


def test_the_page_of_altair_is_its_chart() -> None:
    page = (
        "<div></div><script>const s = 'vega-embed'; (function(spec, embedOpt){ vegaEmbed(0) "
        f'}})({json.dumps(BAR)}, {{"mode": "vega-lite"}});</script>'
    )
    assert share(picture("text/html", page), (255, 0, 0)) > 0.15


PLOTLY = {"data": [{"type": "bar", "x": ["a"], "y": [1], "marker": {"color": "#ff0000"}}]}


@pytest.mark.slow
def test_a_figure_of_plotly_is_drawn_without_an_extra() -> None:
    image = picture("application/vnd.plotly.v1+json", PLOTLY, "#102030")
    assert image.getpixel((0, 0)) == (0x10, 0x20, 0x30, 255)
    assert image.size == (1600, 960)
    assert share(image, (255, 0, 0)) > 0.3


def pdf(page: str = "/MediaBox [0 0 90 60]") -> str:
    """A document whose one page has a red rectangle in its left half."""
    drawing = "1 0 0 rg 0 0 45 60 re f"
    return (
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        f"3 0 obj<</Type/Page/Parent 2 0 R {page}/Contents 4 0 R>>endobj\n"
        f"4 0 obj<</Length {len(drawing)}>>stream\n{drawing}\nendstream endobj\n"
        "trailer<</Root 1 0 R>>\n%%EOF\n"
    )


def test_the_first_page_of_a_pdf_is_drawn_on_white() -> None:
    image = picture("application/pdf", pdf(), "#102030")
    assert image.size == (180, 120)
    assert image.getpixel((170, 60)) == (255, 255, 255, 255)
    assert share(image, (255, 0, 0)) > 0.45
    huge = picture("application/pdf", pdf("/MediaBox [0 0 14400 7200]"))
    assert huge.size == (1600, 800)


@pytest.mark.parametrize("text", ["", "%PDF-1.4 and no more", "x" * 1000, pdf("/MediaBox 7")[:120]])
def test_a_damaged_pdf_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(DocumentError, match=r"^PDF document is not drawn: it is damaged"):
        picture("application/pdf", text)


@pytest.mark.slow
@pytest.mark.parametrize(("ground", "is_dark"), [("#ffffff", False), ("#101010", True)])
def test_a_diagram_of_mermaid_is_drawn_on_the_ground(ground: str, is_dark: bool) -> None:
    image = picture("text/vnd.mermaid", "flowchart LR\n A[Start] --> B[End]", ground)
    assert image.width > image.height > 50
    corner = image.getpixel((0, 0))
    assert corner == ((16, 16, 16, 255) if is_dark else (255, 255, 255, 255))
    assert share(image, corner[:3]) < 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("flowchart TD\n A[[[ -->", "Parse error on line 2"),
        ("no such diagram", "its first word names no kind of diagram"),
        ("", "its first word names no kind of diagram"),
        ("graph LR\n" + "%% long\n" * 7000, "it has more than 50,000 characters"),
    ],
)
def test_a_wrong_diagram_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=f"^Mermaid diagram is not drawn: {words}"):
        picture("text/vnd.mermaid", text)


def test_words_are_written_on_a_machine_without_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_has_fonts", lambda: False)
    jobs._fallback_family.cache_clear()
    texts = ("−5", "-5")
    pictures = [
        jobs.run(
            '{"kind": "svg", "side": "width=80"}',
            '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">'
            f'<text y="16" font-family="Nowhere, sans-serif">{words}</text></svg>'.encode(),
        )
        for words in texts
    ]
    jobs._fallback_family.cache_clear()
    assert pictures[0] == pictures[1]
    opaque = Image.open(io.BytesIO(pictures[0])).convert("RGBA").getchannel("A").getbbox()
    assert opaque is not None and opaque[2] > 20


@pytest.mark.slow
def test_the_page_of_plotly_is_its_chart() -> None:
    page = f'<script>Plotly.newPlot("id", {json.dumps(PLOTLY["data"])}, {{}}, {{}});</script>'
    assert share(picture("text/html", page), (255, 0, 0)) > 0.3


def test_a_formula_is_transparent_and_in_the_ink_of_the_ground() -> None:
    image = picture("text/latex", r"$e^{-x^2}/\sqrt{x}$", "#000000")
    assert image.getchannel("A").getextrema() == (0, 255)
    assert share(image, (0xE6, 0xE6, 0xE6)) > 0.02
    assert 60 < image.width < 200
    assert 24 < image.height < 60


@pytest.mark.parametrize(
    ("source", "bare"),
    [
        (r"$\alpha$", r"\alpha"),
        (r"$$ a $$", "a"),
        (r"\[x\]", "x"),
        (r"\begin{equation*} y \label{eq}\end{equation*}", "y"),
        (r"\begin{align} a &= 1 \nonumber \end{align}", r"\begin{aligned} a &= 1  \end{aligned}"),
        (r"$\displaystyle x$", "x"),
    ],
)
def test_a_formula_is_taken_out_of_what_is_around_it(source: str, bare: str) -> None:
    assert bare_formula(source) == bare


@pytest.mark.parametrize(
    ("mime", "text", "says"),
    [
        ("application/vnd.vegalite.v5+json", "{}", "Vega-Lite chart is not drawn"),
        ("application/vnd.vegalite.v5+json", "[1]", "it is no chart"),
        ("application/vnd.vegalite.v5+json", "{", "Vega-Lite chart is not drawn"),
        ("application/vnd.vegalite.v5+json", '{"mark": "nope", "title": "A"}', "“A” is not drawn"),
        ("application/vnd.vegalite.v5+json", json.dumps({**BAR, "width": 1e9}), "is not drawn"),
        ("application/vnd.vega.v5+json", '{"marks": 7}', "Vega chart"),
        (
            "application/vnd.plotly.v1+json",
            '{"data": []}',
            "plotly chart is not drawn: it is empty",
        ),
        ("application/vnd.plotly.v1+json", "nonsense", "plotly chart is not drawn"),
        (
            "application/vnd.plotly.v1+json",
            '{"data": [{"type": "surface"}], "layout": {"title": "Hill"}}',
            "plotly chart “Hill” is not drawn: surface needs a browser",
        ),
        ("text/latex", "$a$ and $b$", "text with formulas"),
        ("text/latex", r"\frac{", "formula is not drawn"),
        ("text/html", "<p>vega-embed</p>", "it needs a browser"),
    ],
)
def test_what_cannot_be_drawn_is_told_on_one_line(mime: str, text: str, says: str) -> None:
    with pytest.raises(DocumentError, match=says) as told:
        draw(mime, text.encode(), "#ffffff")
    assert "\n" not in str(told.value)
    assert "O opens it" in str(told.value)


def test_a_hostile_title_acts_on_nothing() -> None:
    text = json.dumps({"title": "\x1b[2J\x9b\u202e evil", "data": {"url": "http://x"}})
    with pytest.raises(DocumentError) as told:
        draw("application/vnd.vegalite.v5+json", text.encode(), "#ffffff")
    assert "evil" in str(told.value)
    assert not set("\x1b\x9b\u202e") & set(str(told.value))


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("codeexec.rendering.pictures.find_spec", lambda _: None)
    with pytest.raises(DocumentError, match=r"“Sales”: pip install 'codeexec-tui\[rich\]'"):
        draw("application/vnd.vegalite.v5+json", json.dumps(BAR).encode(), "#fefefe")
