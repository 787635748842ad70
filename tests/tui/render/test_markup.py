"""HTML and LaTeX to what a terminal can show, and the choice among a display's forms."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.markdown import Markdown

from codeexec.documents.displays.html import html_to_markdown
from codeexec.documents.displays.latex import latex_to_text
from codeexec.domain.errors import DocumentError
from codeexec.tui.render import json_tree
from codeexec.tui.render.registry import choose, kind_of


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        (
            "<h2>Title</h2><p>Some <b>bold</b> and <code>code</code></p>",
            "## Title\n\nSome **bold** and `code`",
        ),
        (
            "<a href='https://example.org/a'>here</a> &lt;now&gt;",
            "[here](https://example.org/a) \\<now\\>",
        ),
        ("<a href='javascript:alert(1)'>here</a>", "here"),
        ("<ul><li>one<li>two</ul><ol><li>a</li><li>b</li></ol>", "- one\n- two\n\n1. a\n2. b"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        ("<script>x()</script><style>p{}</style>", ""),
        ("a<br>b<hr>c", "a\nb\n\n---\n\nc"),
        ("<img src=x alt='a plot'>", "*[a plot]*"),
        ("<audio controls><source src='x'>Get a browser.</audio>", "*[audio: a browser plays it]*"),
        (
            "<table><caption>Sales</caption><tr><th>a</th></tr><tr><td>1</td></tr></table>",
            "Sales\n\n| a |\n| --- |\n| 1 |",
        ),
        ("<p>2 * 3 * 4</p>", "2 \\* 3 \\* 4"),
    ],
)
def test_html_reads_well(html: str, markdown: str) -> None:
    assert html_to_markdown(html) == markdown


def test_tables_stay_tables() -> None:
    frame = pd.DataFrame({"a|b": [1, 2]})
    markdown = html_to_markdown(f"<p>Before</p>{frame._repr_html_()}<p>After</p>")
    assert "| 0 | 1 |" in markdown
    assert "a\\|b" in markdown
    console = Console(width=40, record=True, file=None, quiet=True)
    console.print(Markdown(markdown))
    assert markdown.index("Before") < markdown.index("| 0 | 1 |") < markdown.index("After")


@given(st.text(alphabet="<>/abdiprelus =\"'&;\n", max_size=300))
def test_no_html_breaks_the_reader(html: str) -> None:
    assert "<script" not in html_to_markdown(html)


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        ("$$\\frac{\\alpha}{2}$$", "α/2"),
        ("$\\displaystyle x^2 + y_1$", "x² + y₁"),
        ("\\int_0^1 f(x)\\,dx", "∫₀¹ f(x) dx"),
        ("\\sum_{i} \\leq \\infty", "∑_i ≤∞"),
        ("e^{-x^2}/\\sqrt{x}", "e^(-x²)/√(x)"),
        ("\\frac{a+b}{2c}", "(a+b)/(2c)"),
        ("\\dfrac{a}{b} + \\tfrac12", "a/b + 1/2"),
        ("\\frac{-b \\pm \\sqrt{b^2-4ac}}{2a}", "(-b ±√(b²-4ac))/(2a)"),
        ("\\prod_{i=1}^{n} x_{ij}^{k+1}", "∏ᵢ₌₁ⁿ xᵢⱼ^(k+1)"),
        ("x_{max}^{10}", "x_(max)¹⁰"),
        ("\\binom{n}{k} \\sqrt[3]{x}", "C(n, k) ∛(x)"),
        ("\\[ e^{i\\pi} \\]", "e^(iπ)"),
    ],
)
def test_latex_is_near(latex: str, text: str) -> None:
    assert latex_to_text(latex).replace("∑ᵢ", "∑_i").replace(" ", "") == text.replace(" ", "")


def test_broken_latex_is_itself() -> None:
    assert "frac" in latex_to_text("\\frac{1") or "1" in latex_to_text("\\frac{1")


@pytest.mark.parametrize("latex", ["^", "_", "x^", "\\frac", "\\sqrt[", "{" * 200, "^{" * 200])
def test_latex_that_is_cut_short_keeps_something(latex: str) -> None:
    assert latex_to_text(latex)


PLOTLY, VEGA = "application/vnd.plotly.v1+json", "application/vnd.vegalite.v6.json"
FRAME_HTML = pd.DataFrame({"a": [1]})._repr_html_()


@pytest.mark.parametrize(
    ("bundle", "mime"),
    [
        ({"text/plain": "<Figure>", "image/png": None}, "image/png"),
        ({"text/plain": "a", "text/html": FRAME_HTML}, "text/html"),
        ({"text/plain": "x", "text/html": "<script>draw()</script>"}, "text/plain"),
        ({"text/plain": "x", "text/html": "<pre style='a'>x</pre>"}, "text/plain"),
        ({"text/plain": "x", "text/latex": "$x$", "image/svg+xml": "<svg/>"}, "image/svg+xml"),
        ({"text/plain": "x", "text/html": None}, "text/html"),
        ({"text/plain": "F", PLOTLY: "{}", "text/html": None}, PLOTLY),
        ({"text/plain": "x", "application/vnd.vegalite.v6.json": "{}"}, VEGA),
        ({"text/plain": "alt.Chart(...)", "text/html": None}, "text/html"),
        ({"text/plain": "c", "text/html": "<script>vegaEmbed(1)</script>"}, "text/html"),
        ({"application/x-thing": None, "application/vnd.a+json": "{}"}, "application/vnd.a+json"),
        ({}, None),
    ],
)
def test_the_richest_form_is_chosen(bundle: dict[str, str | None], mime: str | None) -> None:
    assert choose(bundle) == mime


def test_without_pictures_words_are_chosen() -> None:
    assert choose({"image/png": None, "text/plain": "<Figure>"}, pictures=False) == "text/plain"


def test_kinds() -> None:
    assert kind_of("text/html", FRAME_HTML) == "table"
    assert kind_of("text/html", "<p>hi") == "html"
    assert kind_of("text/plain; charset=utf-8") == "text"
    assert kind_of("application/geo+json") == "json"
    assert kind_of("application/zip") == "file"
    assert kind_of("image/svg+xml") == "picture"


def test_json_children_and_previews() -> None:
    value = json_tree.parse('{"a": [1, 2, {"b": null}], "c": "x", "d": 1.5, "e": true}')
    assert [name for name, _ in json_tree.children(value)] == ["a", "c", "d", "e"]
    assert json_tree.preview(value) == "{a, c, d, e}"
    assert [json_tree.kind(child) for _, child in json_tree.children(value)] == [
        "array",
        "string",
        "number",
        "boolean",
    ]
    long: json_tree.Json = list(range(250))
    assert list(json_tree.groups(long)) == [(0, 100), (100, 200), (200, 250)]
    assert [name for name, _ in json_tree.children(long, 200, 202)] == ["200", "201"]
    assert len(json_tree.preview("x" * 10_000)) == 60


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_what_is_not_json_is_said(text: str) -> None:
    with pytest.raises(DocumentError):
        json_tree.parse(text)


@pytest.mark.parametrize(
    ("html", "says_more"),
    [
        ("<table><tr><td> 1</td></tr></table>", True),
        ("<table><tr><th class='x'>a</th></tr></table>", True),
        ("<!-- nothing --><style>td { color: red }</style>", False),
        ("<div id='plot'></div><script>draw('<td>1</td>')</script>", False),
    ],
)
def test_html_is_chosen_where_it_shows_something(html: str, says_more: bool) -> None:
    chosen = choose({"text/html": html, "text/plain": "plain"})
    assert (chosen == "text/html") is says_more
