"""Charts that the server has drawn for the page: by a program of its own, once for all watchers."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from codeexec.domain.errors import DocumentError, NotFound, UsageError
from codeexec.domain.outputs import Display, MimePart
from codeexec.server.browser.drawings import (
    LARGEST,
    PROGRAM,
    Drawings,
    find_drawing,
    ground_named,
)
from support.chromium import needs_chromium
from support.shown_page import shown_session

VEGA = "application/vnd.vegalite.v5+json"
SPEC = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "title": "Sales",
    "data": {"values": [{"x": "a", "y": 3}, {"x": "b", "y": 7}]},
    "mark": "bar",
    "encoding": {
        "x": {"field": "x", "type": "nominal"},
        "y": {"field": "y", "type": "quantitative"},
    },
}


def display(*parts: MimePart) -> Display:
    return Display("key-1", parts)


def test_what_of_a_display_is_drawn() -> None:
    vega = MimePart(VEGA, 2, "{}")
    assert find_drawing(display(MimePart("text/plain", 1, "x"), vega)) == (VEGA, vega)
    html = MimePart("text/html", 20, "<script>vegaEmbed('#x', {})</script>")
    assert find_drawing(display(html)) == ("text/html", html)
    for other in (display(MimePart("text/html", 5, "<b>x</b>")), display()):
        with pytest.raises(NotFound):
            find_drawing(other)
    with pytest.raises(UsageError, match="up to 24 MB"):
        find_drawing(display(MimePart(VEGA, LARGEST + 1, blob="0" * 64)))
    assert ground_named("dark") == "dark"
    with pytest.raises(UsageError):
        ground_named("#ffffff")


def program(folder: Path, body: str) -> tuple[str, ...]:
    """A program in the place of the one that draws, which counts its starts in `starts`."""
    script = folder / "draws.py"
    script.write_text(
        "import sys, time\n"
        f"open({str(folder / 'starts')!r}, 'a').write('x')\n"
        f"data = sys.stdin.buffer.read()\n{body}\n"
    )
    return (sys.executable, str(script))


async def test_a_picture_is_drawn_once_for_all(tmp_path: Path) -> None:
    drawings = Drawings(program(tmp_path, "sys.stdout.write(' '.join(sys.argv[1:]))"))
    pictures = await asyncio.gather(*(drawings.draw(VEGA, b"{}", "light") for _ in range(20)))
    assert set(pictures) == {f"{VEGA} #ffffff".encode()}
    await drawings.draw(VEGA, b"{}", "light")
    assert (tmp_path / "starts").read_text() == "x"
    await drawings.draw(VEGA, b"{}", "dark")
    assert (tmp_path / "starts").read_text() == "xx"


async def test_a_refusal_has_its_reason_and_a_fault_costs_one_picture(tmp_path: Path) -> None:
    refusing = "sys.stderr.write('It is no chart.'); sys.exit(3)"
    with pytest.raises(DocumentError, match=r"It is no chart\."):
        await Drawings(program(tmp_path, refusing)).draw(VEGA, b"{}", "light")
    with pytest.raises(DocumentError, match="has failed"):
        await Drawings(program(tmp_path, "1 / 0")).draw(VEGA, b"{}", "light")
    with pytest.raises(DocumentError, match=r"more than 0\.2 s"):
        await Drawings(program(tmp_path, "time.sleep(60)"), 0.2).draw(VEGA, b"{}", "light")
    with pytest.raises(DocumentError, match="cannot start"):
        await Drawings((str(tmp_path / "absent"),)).draw(VEGA, b"{}", "light")


@pytest.mark.slow
async def test_a_real_chart_on_each_ground() -> None:
    drawings = Drawings(PROGRAM)
    data = json.dumps(SPEC).encode()
    for ground, corner in (("light", (255, 255, 255)), ("dark", (13, 17, 23))):
        picture = await drawings.draw(VEGA, data, ground_named(ground))
        image = Image.open(io.BytesIO(picture)).convert("RGB")
        assert image.getpixel((0, 0)) == corner
    with pytest.raises(DocumentError, match="nothing is loaded from there"):
        spec = {**SPEC, "data": {"url": "https://elsewhere.example/data.csv"}}
        await drawings.draw(VEGA, json.dumps(spec).encode(), "light")


CODE = f"""
from IPython.display import display
spec = {SPEC!r}
display({{{VEGA!r}: spec, "text/plain": "a chart"}}, raw=True)
figure = {{"data": [{{"type": "bar", "x": ["a"], "y": [1]}}], "layout": {{}}}}
display({{"application/vnd.plotly.v1+json": figure}}, raw=True)
display({{{VEGA!r}: {{"data": {{"url": "https://elsewhere.example/"}}}}}}, raw=True)
"""


@needs_chromium
@pytest.mark.slow
async def test_the_page_shows_charts_as_pictures() -> None:
    async with shown_session() as shown:
        tab = shown.tab
        await shown.run(CODE)
        pictures = "[...document.querySelectorAll('img.picture')].map(i => i.naturalWidth > 100)"
        await tab.until(f"JSON.stringify({pictures}) === '[true,true]'")
        await shown.sees("lets you zoom and hover")
        await shown.sees("nothing is loaded from there")
        assert not [error for error in tab.errors if "violates" in error], tab.errors
