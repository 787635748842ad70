"""Export of documents: HTML that runs nothing, Markdown, scripts, notebooks, PDF."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.export.forms import as_notebook, export
from codeexec.documents.export.markdown import fenced, from_markdown, to_markdown
from codeexec.documents.export.pdf import to_pdf
from codeexec.documents.export.sanitize import sanitized
from codeexec.documents.export.svg import without_addresses
from codeexec.documents.formats import open_document
from codeexec.documents.notebook.convert import Notebook, parse_notebook
from codeexec.domain.errors import StorageError, UsageError

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def output(**data: Any) -> dict[str, Any]:
    forms = {mime.replace("__", "/").replace("_", "+"): value for mime, value in data.items()}
    return {"output_type": "display_data", "data": forms, "metadata": {}}


def notebook(*cells: dict[str, Any], language: str = "python") -> Notebook:
    metadata = {"language_info": {"name": language}}
    whole = [{"metadata": {}, "id": str(number), **cell} for number, cell in enumerate(cells)]
    data = {"cells": whole, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return parse_notebook(json.dumps(data))


def code(source: str, *outputs: dict[str, Any], count: int | None = 1) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "outputs": outputs,
        "execution_count": count,
    }


def prose(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source, **more}


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def page(*cells: dict[str, Any]) -> Tags:
    return Tags(export(notebook(*cells), "html", "a <b>").decode())


def test_the_page_has_everything_in_it() -> None:
    stream = {"output_type": "stream", "name": "stderr", "text": ["\x1b[31mred\x1b[0m & <plain>\n"]}
    made = page(
        prose("# Title\n\n| a | b |\n|---|---|\n| 1 | $x^2$ |\n\n![p](attachment:p.png)",
              attachments={"p.png": {"image/png": PNG}}),
        code("print('<hi>')", stream, output(image__png=PNG, text__plain="plot"), count=7),
    )  # fmt: skip
    assert made.named("h1")
    assert len(made.named("td")) == 2
    assert "x²" in made.text
    assert [image["src"] for image in made.named("img")] == [f"data:image/png;base64,{PNG}"] * 2
    assert "[7]" in made.text
    assert "print('<hi>')" in made.text
    assert "red & <plain>" in made.text
    (colored,) = [span for span in made.named("span") if "color:#c0392b" in str(span.get("style"))]
    assert colored
    assert made.named("meta")[1]["content"] == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
    )


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>1</script></svg>",
    "<iframe srcdoc='<script>1</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\tscript:alert(1)'>x</a>",
    "<form action=https://example.org><input></form>",
    "<table><td onclick=1 style='background:url(https://example.org)'>kept</td>",
    "<math><mtext><style><img src=x onerror=1></style></mtext></math>",
    "<!--<img src=x onerror=1>--><b",
    "</div></section></body><base href=https://example.org>",
    "<img src='data:image/svg+xml;base64,PHN2Zy8+'>",
    "<meta http-equiv=refresh content='0;url=https://example.org'>",
    "<noscript><p title='</noscript><img src=x onerror=1>'>",
]
ALLOWED = {"script", "iframe", "svg", "form", "input", "base", "style", "object", "embed", "math"}


def _assert_harmless(made: Tags) -> None:
    tags = [tag for tag, _ in made.tags]
    assert tags.count("meta") == 3
    assert tags.count("style") == 1
    assert not (ALLOWED - {"style"}) & set(tags)
    for _, attributes in made.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "srcdoc"]
        for address in (attributes.get("href"), attributes.get("src")):
            scheme = re.match(r"[\s\w+.-]*:", address or "")
            assert scheme is None or scheme[0] in ("http:", "https:", "mailto:", "data:")


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_others_wrote_is_run(attack: str) -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": attack}
    error = {"output_type": "error", "ename": attack, "evalue": attack, "traceback": []}
    made = page(
        prose(attack),
        prose(f"[x]({attack.split(chr(39))[1] if chr(39) in attack else '#y'})"),
        code(attack, output(text__html=attack), output(text__markdown=attack), stream, error),
        {"cell_type": "raw", "source": attack},
    )
    _assert_harmless(made)
    assert "onerror" not in sanitized(attack)


def test_tables_of_libraries_are_kept() -> None:
    table = (
        '<style scoped>td {}</style><table border="1" class="dataframe"><tr><th>a<td colspan=2>1'
    )
    assert sanitized(table) == (
        '<table class="dataframe"><tr><th>a<td colspan="2">1</td></th></tr></table>'
    )


@given(st.text(alphabet="<>ab/\"'= svgscriptonclick!-&;\n", max_size=60))
def test_any_html_is_harmless(html: str) -> None:
    made = Tags(sanitized(html))
    assert not ALLOWED & {tag for tag, _ in made.tags}
    assert not [name for _, pairs in made.tags for name in pairs if name.startswith("on")]


def test_pictures_that_are_scripts_are_pictures() -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"
    (image,) = page(code("x", output(image__svg_xml=svg))).named("img")
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")


def test_markdown_has_fences_that_hold() -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": "```\nin a fence\n"}
    made = to_markdown(
        notebook(prose("# T"), code("x = '```'", stream, output(image__png=PNG)), language="julia")
    )
    assert made == (
        "# T\n\n```julia\nx = '```'\n```\n\n````text\n```\nin a fence\n````\n\n"
        f"![](data:image/png;base64,{PNG})\n"
    )
    back = from_markdown(made)
    assert [cell["cell_type"] for cell in back.data["cells"]] == ["markdown", "code", "markdown"]
    assert back.cells[1].source == "x = '```'"


@given(st.text(alphabet="`~a\n ", max_size=40))
def test_a_fence_holds_any_text(text: str) -> None:
    (cell,) = from_markdown(fenced(f"x{text}", "python")).data["cells"]
    assert "".join(cell["source"]) == f"x{text}"


@pytest.mark.parametrize(
    ("name", "text", "kinds"),
    [
        ("a.py", "# %% [markdown]\n# # T\n\n# %%\nx = 1\n", ["markdown", "code"]),
        ("a.py", "x = 1\n", ["code"]),
        ("a.md", "T\n\n```python\nx\n```\n\n```text\n```\n", ["markdown", "code", "markdown"]),
        ("a.md", "only prose", ["markdown"]),
        ("a.py", "", []),
    ],
)  # fmt: skip
def test_documents_of_all_kinds(tmp_path: Path, name: str, text: str, kinds: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text)
    made = as_notebook(open_document(path))
    assert [cell["cell_type"] for cell in made.data["cells"]] == kinds
    for form in ("html", "md", "py", "ipynb"):
        export(made, form, name)
    again = parse_notebook(export(made, "ipynb", name))
    assert [cell.source for cell in again.cells] == [cell.source for cell in made.cells]


@pytest.mark.parametrize(
    "outputs",
    [
        [{"output_type": "display_data"}],
        [{"output_type": "display_data", "data": None}],
        [{"output_type": "stream"}],
        [{"output_type": "error"}],
        [{"output_type": "new"}, {}],
        [{"output_type": "display_data", "data": {"image/png": "no base64!", "text/plain": 5}}],
    ],
)
def test_outputs_without_data_are_left_out(outputs: list[dict[str, Any]]) -> None:
    made = notebook({"cell_type": "code", "source": "shown", "outputs": outputs})
    for form in ("html", "md", "py"):
        assert b"shown" in export(made, form, "a")


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="docx is not a format"):
        export(notebook(), "docx", "a")


def test_pdf_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="PDF needs a converter") as caught:
        to_pdf("<p>")
    assert "weasyprint" in caught.value.next_step


def svg_in(content: str) -> str:
    """What remains of the content of an SVG picture in a page for a converter."""
    namespaces = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'"
    data = base64.b64encode(f"<svg {namespaces}>{content}</svg>".encode()).decode()
    page = without_addresses(f"<img src='data:image/svg+xml;base64,{data}'>")
    return base64.b64decode(page.partition("base64,")[2].rstrip("'>")).decode()


@pytest.mark.parametrize(
    "content",
    [
        "<image xlink:href='file:///etc/passwd'/>",
        "<image href='&#102;ile:///etc/passwd'/>",
        "<image href='//etc/passwd'/>",
        "<use href='http://h/etc/passwd#a'/>",
        "<style>@import 'file:///etc/passwd';</style>",
        "<style>a { fill: URL( 'file:///etc/passwd#a') }</style>",
        "<style>a { fill: u\\72l(/etc/passwd) }</style>",
        "<rect fill='url(/etc/passwd#a)'/>",
        "<rect style='background:url(&quot;/etc/passwd&quot;)'/>",
        "<foreignObject><img src='/etc/passwd'/></foreignObject>",
        "<g xml:base='/etc/passwd'/>",
        "<image href='data:image/svg+xml;base64,/etc/passwd'/>",
        "<a",
    ],
)
def test_pictures_for_a_converter_name_no_file(content: str) -> None:
    assert "etc/passwd" not in svg_in(content)
    assert "<svg" in svg_in(content).replace("<ns0:svg", "<svg")


def test_pictures_for_a_converter_keep_what_is_in_them() -> None:
    raster = "data:image/png;base64,iVBORw0K"
    kept = svg_in(
        f"<style>*{{stroke: red}}</style><image xlink:href='{raster}'/><use href='#a'/>"
        "<rect clip-path='url(#b)'/><text>é &lt;</text>"
    )
    for words in (raster, "stroke: red", "#a", "url(#b)", "é &lt;"):
        assert words in kept


def test_pdf_by_an_installed_converter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "weasyprint"
    program.write_text('#!/bin/sh\n/bin/cat "$1" > "$2"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert to_pdf("<p>é") == "<p>é".encode()
    program.write_text("#!/bin/sh\necho first >&2\necho no font >&2\nexit 3\n")
    with pytest.raises(StorageError, match="weasyprint made no PDF: no font"):
        to_pdf("<p>")
