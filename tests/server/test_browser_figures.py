"""Figures of plotly and Bokeh for the page: which JavaScript draws them, under which policy."""

from __future__ import annotations

import json
import sys
import sysconfig
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import DocumentError, NotFound, Unavailable, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.snapshot import NO_KERNEL, KernelView
from codeexec.environments.trust.store import TrustStore
from codeexec.server.browser import libraries
from codeexec.server.browser.charts import (
    LARGEST_FIGURE,
    chart_within,
    figure_content,
    figure_frame,
    find_figure,
)
from codeexec.server.browser.libraries import read_library
from codeexec.server.browser.vega_scripts import VegaScripts, major_version
from support.servers import DEADLINE, Here

PLOTLY = "application/vnd.plotly.v1+json"
BOKEH_MARK = "application/vnd.bokehjs_exec.v0+json"
BOKEH_SCRIPT = """(function(root) {
  function embed_document(root) {
  const docs_json = {"d1":{"version":"3.9.2","roots":[{"id":"p1","text":"} </script>"}]}};
  const render_items = [{"docid":"d1"}];
"""


def display(*parts: MimePart) -> Display:
    return Display("key-1", parts)


def environment(folder: Path, content: str = "var Plotly = 'of the kernel'") -> KernelView:
    """The kernel of an environment in this folder, which has plotly."""
    file = folder / "lib/python3.11/site-packages/plotly/package_data/plotly.min.js"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    kernel = KernelRef("python", path=str(folder / "bin/python"))
    return KernelView("idle", kernel=kernel, version="3.11.7")


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of packages beside the server, empty."""
    folder = tmp_path / "beside"
    folder.mkdir()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(folder))
    return folder


def test_the_figure_of_a_display_is_found() -> None:
    plotly = MimePart(PLOTLY, 20, "{}")
    assert find_figure(display(MimePart("text/plain", 1, "x"), plotly)) == ("plotly", plotly)
    script = MimePart("application/javascript", 9, BOKEH_SCRIPT)
    assert find_figure(display(script, MimePart(BOKEH_MARK, 0, ""))) == ("bokeh", script)
    vega = MimePart("application/vnd.vegalite.v5+json", 2, "{}")
    assert find_figure(display(vega)) == ("vega", vega)
    html = MimePart("text/html", 9, '<script>vegaEmbed(\'#v\', {"mark": "bar"})</script>')
    assert find_figure(display(html)) == ("html", html)
    for other in (display(script), display(MimePart("text/html", 9, "<p>vega</p>"))):
        with pytest.raises(NotFound):
            find_figure(other)
    with pytest.raises(UsageError, match=r"The figure has 50 MB, and the page draws up to 24 MB\."):
        find_figure(display(MimePart(PLOTLY, 50 * 2**20, blob="0" * 64)))
    assert find_figure(display(MimePart(PLOTLY, LARGEST_FIGURE, blob="0" * 64)))


def test_a_chart_within_html_is_read() -> None:
    library, chart = chart_within('<script>vegaEmbed(\'#v\', {"mark": "bar"}, {})</script>')
    assert (library, chart.text) == ("vega", '{"mark": "bar"}')
    with pytest.raises(DocumentError, match="no chart"):
        chart_within("<script>vegaEmbed('#v', spec)</script>")


@pytest.mark.parametrize(
    ("mime", "schema", "major"),
    [
        ("application/vnd.vegalite.v5+json", "vega-lite/v6.4.1.json", "6"),
        ("application/vnd.vegalite.v5+json", "", "5"),
        ("application/vnd.vegalite.v2+json", "", "5"),
        ("application/vnd.vega.v5+json", "vega/v5.json", "5"),
        ("application/vnd.vega.v6+json", "", "6"),
        ("application/vnd.vegalite.v9+json", "", "6"),
    ],
)
def test_a_chart_is_drawn_by_scripts_of_its_version(mime: str, schema: str, major: str) -> None:
    text = json.dumps({"$schema": f"https://vega.github.io/schema/{schema}"} if schema else {})
    assert major_version(mime, text) == major


async def test_scripts_of_vega_that_are_not_there_are_asked_for_again(tmp_path: Path) -> None:
    program = tmp_path / "scripts.py"
    program.write_text("import sys; sys.exit(3)")
    scripts = VegaScripts((sys.executable, str(program)))
    with pytest.raises(Unavailable) as missing:
        await scripts.read("application/vnd.vegalite.v5+json", "{}")
    assert missing.value.next_step == "Install it there: pip install 'codeexec-tui[rich]'"
    program.write_text("import sys; print('of', sys.argv[1])")
    assert await scripts.read("application/vnd.vegalite.v5+json", "{}") == ("of 5\n",)
    program.unlink()
    assert await scripts.read("application/vnd.vegalite.v5+json", "{}") == ("of 5\n",)


def test_of_a_bokeh_script_its_json_alone_is_taken() -> None:
    content = figure_content("bokeh", BOKEH_SCRIPT)
    assert json.loads(content)["d1"]["roots"] == [{"id": "p1", "text": "} </script>"}]
    for wrong in ("", "alert(1)", "docs_json = alert(1)", "docs_json = {'a': 1}", "docs_json ="):
        with pytest.raises(DocumentError):
            figure_content("bokeh", wrong)


class Scripts(HTMLParser):
    """The scripts of a document, and the names of its other tags."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.tags: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append("")
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags[-1] == "script":
            self.scripts[-1] += data


def test_no_text_of_a_figure_becomes_markup() -> None:
    title = "</script><script>top.stolen = 1</script><!--<script>"
    content = json.dumps({"data": [], "layout": {"title": title}})
    answer = figure_frame("plotly", ("var Plotly = 1",), content)
    document = Scripts(bytes(answer.body).decode())
    assert len(document.scripts) == 4  # reports, the figure, the library, and what draws
    assert json.loads(document.scripts[1])["layout"]["title"] == title
    assert document.scripts[2] == "var Plotly = 1"
    assert document.tags.count("img") == 0
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; script-src 'nonce-")
    assert "unsafe-eval" not in policy and "connect-src" not in policy and "'self';" not in policy


def test_the_library_of_the_kernel_comes_before_that_of_the_server(
    tmp_path: Path, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = environment(tmp_path / "env")
    assert read_library("plotly", kernel) == ("var Plotly = 'of the kernel'",)
    with pytest.raises(Unavailable, match="JavaScript of plotly") as missing:
        read_library("plotly", NO_KERNEL)
    assert missing.value.next_step == "Install it in one of them: pip install plotly"
    file = beside / "plotly/package_data/plotly.min.js"
    file.parent.mkdir(parents=True)
    file.write_text("var Plotly = 'of the server'")
    assert read_library("plotly", NO_KERNEL) == ("var Plotly = 'of the server'",)
    monkeypatch.setattr(libraries, "LONGEST", 28)
    assert read_library("plotly", environment(tmp_path / "large", "x" * 29)) == (
        "var Plotly = 'of the server'",
    )
    with pytest.raises(Unavailable, match="JavaScript of bokeh"):
        read_library("bokeh", kernel)


def test_no_link_of_an_environment_that_a_container_can_change_is_followed(
    tmp_path: Path, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    kernel = environment(tmp_path / "workspace/env")
    TrustStore().record_mount(str(tmp_path / "workspace"))
    assert read_library("plotly", kernel) == ("var Plotly = 'of the kernel'",)
    (file,) = (tmp_path / "workspace").rglob("plotly.min.js")
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(Unavailable):
        read_library("plotly", kernel)


async def test_a_page_draws_figures_where_that_was_asked_for(here: Here) -> None:
    async with here.client() as host:
        session = await host.call(q.OpenSession(cwd=str(here.host.state), start_kernel=False))
        plain = await host.call(q.OpenPage(session.session_id))
        drawing = await host.call(q.OpenPage(session.session_id, interactive=True))
    async with httpx.AsyncClient(base_url=plain.origin, timeout=DEADLINE) as web:
        firsts = []
        for address in (plain, drawing):
            place = address.path.partition("enter")[0]
            refused = await web.get(f"{place}figure?execution=none")
            assert refused.status_code == 401  # no cookie
            assert (await web.get(address.path)).status_code == 303
            async with web.stream("GET", f"{place}events") as answer:
                firsts.append(json.loads(await anext(answer.aiter_lines())))
            answer = await web.get(f"{place}figure?execution=none")
            firsts.append(answer.status_code)
    assert "state" in firsts[0] and firsts[1] == 400
    assert firsts[2] == {"interactive": True} and firsts[3] == 404
