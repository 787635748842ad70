"""The page of a session in a real browser: live rows, pictures, and what user code cannot reach."""

from __future__ import annotations

import asyncio
import time

import pytest

from codeexec.domain import requests as q
from codeexec.server.browser.app import COOKIE
from support.chromium import DEADLINE, Tab, needs_chromium
from support.shown_page import shown_session

pytestmark = [needs_chromium, pytest.mark.slow]

LIVE = """
import os, time
for number in range(3):
    print(f"\\x1b[32mrow {number}\\x1b[0m")
while not os.path.exists("go"): time.sleep(0.02)
print("after the wait")
"""
PICTURE = """
from IPython.display import Image, display
from PIL import Image as Pictures
Pictures.effect_noise((640, 480), 60).save("noise.png")
display(Image(filename="noise.png"))
"""
HOSTILE = r"""
from IPython.display import HTML, Markdown, SVG, display
display(HTML('''<p id=seen>seen</p>
<script>parent.document.title = "taken"; top.stolen = document.cookie;
parent.postMessage({height: 1e9, empty: "no", stolen: document.cookie}, "*")</script>
<img src=x onerror="top.stolen = 1"><a href="javascript:top.stolen = 1" id=link>link</a>
<meta http-equiv=refresh content="0; url=https://elsewhere.example/">
<!-- <textarea>'''))
display(HTML("<p>seen alone</p><script>window.stolen = document.cookie</script><!-- <textarea>"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
            '<script>top.stolen = 1</script></svg>'))
print("<script>top.stolen = 1</script><img src=x onerror='top.stolen = 1'>")
"""
FIGURES = r"""
import plotly.graph_objects as go
hostile = '</script><script>top.stolen = 1</script><img src=x onerror="top.stolen = 1">'
hostile += '<a href="javascript:top.stolen = 1">link</a> <b>Height</b>'
figure = go.Figure(go.Scatter(x=[1, 2, 3], y=[2, 1, 3], mode="lines+markers", name=hostile))
figure.add_layout_image(source="http://127.0.0.1:9/picture.png", x=0, y=1, sizex=1, sizey=1)
figure.update_layout(title=hostile, annotations=[{"text": hostile, "x": 2, "y": 2}])
figure.show("plotly_mimetype")

from bokeh.embed.notebook import notebook_content
from bokeh.plotting import figure as plot
from IPython.display import publish_display_data
drawn = plot(title=hostile)
drawn.line([1, 2, 3], [3, 1, 2])
script = notebook_content(drawn)[0]
mark = "application/vnd.bokehjs_exec.v0+json"
publish_display_data({"application/javascript": script, mark: ""}, {mark: {"id": drawn.id}})
"""


async def test_a_page_follows_its_session() -> None:
    async with shown_session() as shown:
        tab = shown.tab
        assert await tab.evaluate("document.title") == "shown – codeexec-tui"
        assert "code=" not in await tab.evaluate("location.href")
        history = await tab.call("Page.getNavigationHistory")
        assert not any("code=" in entry["url"] for entry in history["entries"])
        first = await shown.run(LIVE)
        await shown.sees("row 2")
        card = f"document.getElementById({first!r})"
        assert await tab.evaluate(f"{card}.dataset.status") == "running"
        color = await tab.evaluate(f"{card}.querySelector('.row.stdout span').style.color")
        assert color == "var(--c2)"

        # A cut: the rows that come meanwhile are there afterwards, and each is there once.
        await tab.call("Network.emulateNetworkConditions", offline=True, latency=0,
                       downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip
        listening = list(shown.here.service._servers)[-1]
        shown.here.service.connections(listening).abort_all()
        await tab.until("document.getElementById('connection').dataset.state === 'cut'")
        await shown.session.call(q.WriteFile("go", b""))
        await shown.run("print('while it was cut')")
        await tab.call("Network.emulateNetworkConditions", offline=False, latency=0,
                       downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip
        await shown.sees("while it was cut")
        await tab.until("document.getElementById('connection').dataset.state === 'live'")
        await tab.until(f"{card}.dataset.status === 'ok'")
        rows = await tab.evaluate(f"[...{card}.querySelectorAll('.row')].map(r => r.innerText)")
        assert rows == ["row 0", "row 1", "row 2", "after the wait"]

        # More rows than a page begins with are asked for, in their order.
        many = await shown.run("for number in range(3000): print('number', number)")
        card = f"document.getElementById({many!r})"
        await tab.until(f"{card}?.dataset.status === 'ok'")
        first_row = f"{card}.querySelector('.row').innerText"
        while await tab.evaluate(first_row) != "number 0":
            before = await tab.evaluate(first_row)
            await tab.evaluate(f"{card}.querySelector('.earlier').click()")
            await tab.until(f"{first_row} !== {before!r}")
        rows = await tab.evaluate(f"[...{card}.querySelectorAll('.row')].map(r => r.innerText)")
        assert rows == [f"number {number}" for number in range(3000)]

        # In full quality, from the session's files.
        await shown.run(PICTURE)
        size = await tab.until(
            "(i => i?.naturalWidth && [i.naturalWidth, i.naturalHeight])"
            "(document.querySelector('img.picture'))"
        )
        assert size == [640, 480]
        assert "/blobs/" in await tab.evaluate("document.querySelector('img.picture').src")

        # The address is spent.
        await tab.go(shown.address.origin + shown.address.path)
        await tab.until("document.body.innerText.includes('This address was used already.')")


async def test_outputs_reach_neither_the_page_nor_its_cookie() -> None:
    async with shown_session() as shown:
        tab = shown.tab
        place = await tab.evaluate("location.href")
        await shown.run(HOSTILE)
        await shown.sees("<script>top.stolen")
        # The frame has told its height, so what it has was read; our bound holds.
        height = await tab.until(
            "parseFloat(document.querySelector('iframe.frame')?.style.height || 0)"
        )
        assert 16 <= height <= 12000
        await tab.until("document.querySelector('img.picture')?.complete")
        assert await tab.evaluate("window.stolen") is None
        assert await tab.evaluate("document.title") == "shown – codeexec-tui"
        assert await tab.evaluate("location.href") == place
        assert await tab.evaluate("document.cookie") == ""
        cookies = (await tab.call("Network.getCookies"))["cookies"]
        (cookie,) = [cookie for cookie in cookies if cookie["name"] == COOKIE]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
        frame = "document.querySelector('iframe.frame')"
        assert await tab.evaluate(f"{frame}.contentDocument") is None
        assert "allow-same-origin" not in await tab.evaluate(f"{frame}.getAttribute('sandbox')")
        # Opened by itself it has no more.
        await tab.go(await tab.evaluate("document.querySelectorAll('iframe.frame')[1].src"))
        await tab.until("document.body?.innerText.includes('seen alone')")
        assert await tab.evaluate("window.origin") == "null"
        assert await tab.evaluate("window.stolen") is None


async def hovers(tab: Tab, point: str) -> None:
    """Move the mouse onto a point until plotly shows its label: it listens once it has drawn."""
    center = f"(r => [r.x + r.width / 2, r.y + r.height / 2])({point}.getBoundingClientRect())"
    deadline = time.monotonic() + DEADLINE
    while not await tab.evaluate("document.querySelector('.hoverlayer .hovertext')?.textContent"):
        assert time.monotonic() < deadline, "no label"
        x, y = await tab.evaluate(center)
        for away in (40, 0):
            await tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + away, y=y)
        await asyncio.sleep(0.1)


VEGA = '''
import json
from IPython.display import HTML
spec = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.4.1.json",
    "data": {"values": [{"x": n, "c": "ab"[n % 2]} for n in range(5)]},
    "transform": [{"calculate": "datum.x * datum.x", "as": "square"}],
    "params": [{"name": "chosen", "select": {"type": "point", "fields": ["c"]}}],
    "mark": {"type": "bar", "tooltip": True}, "width": 400, "height": 200,
    "encoding": {
        "x": {"field": "x", "type": "ordinal"}, "y": {"field": "square", "type": "quantitative"},
        "color": {"condition": {"param": "chosen", "value": "#d00000"}, "value": "#0000d0"},
    },
    "usermeta": {"embedOptions": {"ast": False, "actions": True}},
}
display({"application/vnd.vegalite.v6.json": spec}, raw=True)
HTML("""<div id="v"></div><script>(function(spec, o){ vegaEmbed("#v", spec, o); top.stolen = 1;
})(%s, {"mode": "vega-lite"});</script>""" % json.dumps({**spec, "mark": "line"}))
'''


async def test_charts_of_vega_are_used_without_eval() -> None:
    async with shown_session(is_interactive=True) as shown:
        tab = shown.tab
        await shown.run(VEGA)
        frames = "[...document.querySelectorAll('iframe.figure')]"
        for number in range(2):
            await tab.until(f"{frames}.length === 2 && ({frames}[{number}].scrollIntoView(), true)")
            await tab.until(f"{frames}[{number}].dataset.state === 'drawn'")
        assert await tab.evaluate("window.stolen") is None
        address = (await tab.evaluate(f"{frames}.map(f => f.src)"))[0]
        answer = await tab.evaluate(
            f"fetch({address!r}).then(a => a.headers.get('Content-Security-Policy'))"
        )
        assert "unsafe-eval" not in answer and "default-src 'none'" in answer
        await tab.go(address)
        bars = "[...document.querySelectorAll('#chart svg .role-mark path')]"
        fills = f"{bars}.map(bar => bar.getAttribute('fill'))"
        await tab.until(f"{bars}.length === 5")
        assert await tab.evaluate("document.querySelector('.vega-actions')") is None
        # A label tells what a bar stands for, and the bars of another colour are let go.
        assert await tab.evaluate(fills) == ["#d00000"] * 5
        x, y = await tab.evaluate(
            f"(r => [r.x + r.width / 2, r.bottom - 2])({bars}[3].getBoundingClientRect())"
        )
        await tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        await tab.until("document.getElementById('vg-tooltip-element')?.innerText.includes('9')")
        for kind in ("mousePressed", "mouseReleased"):
            await tab.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )
        await tab.until(f"{fills}[0] === '#0000d0'")
        assert await tab.evaluate(fills) == ["#0000d0", "#d00000", "#0000d0", "#d00000", "#0000d0"]
        assert await tab.evaluate("window.origin") == "null"


async def test_figures_are_used_in_frames_that_reach_nothing() -> None:
    async with shown_session(is_interactive=True) as shown:
        tab = shown.tab
        place = await tab.evaluate("location.href")
        await shown.run(FIGURES)
        frames = "[...document.querySelectorAll('iframe.figure')]"
        for number in range(2):
            # A frame is loaded as soon as it is in sight.
            await tab.until(f"{frames}.length === 2 && ({frames}[{number}].scrollIntoView(), true)")
            await tab.until(f"{frames}[{number}].dataset.state === 'drawn'")
        await shown.sees("Nothing is loaded from there.")
        sandboxes = await tab.evaluate(f"{frames}.map(f => f.getAttribute('sandbox'))")
        assert sandboxes == ["allow-scripts"] * 2
        assert await tab.evaluate(f"{frames}.map(f => f.contentDocument)") == [None, None]
        assert await tab.evaluate("window.stolen") is None
        assert await tab.evaluate("document.title") == "shown – codeexec-tui"
        assert await tab.evaluate("location.href") == place
        plotly, bokeh = await tab.evaluate(f"{frames}.map(f => f.src)")

        # By itself each document has the policy that it has in its frame, and can be looked into.
        await tab.go(bokeh)
        await tab.until("window.Bokeh?.documents[0]?.is_idle")
        await tab.go(plotly)
        assert await tab.until(
            "document.querySelectorAll('.scatterlayer .trace path.point').length"
        )
        assert await tab.evaluate("document.querySelector('.scatterlayer path.js-line').tagName")
        await hovers(tab, "document.querySelectorAll('path.point')[1]")
        assert await tab.evaluate("document.querySelector('.gtitle b, .gtitle tspan').textContent")
        assert await tab.evaluate("window.origin") == "null"
        assert await tab.evaluate("window.stolen") is None
        assert await tab.evaluate("document.querySelectorAll('[href^=javascript]').length") == 0
        origin = shown.address.origin
        for reach in (
            "document.cookie",
            f"fetch({origin!r} + '/v1/sessions')",
            "fetch('https://elsewhere.example/')",
            f"new Promise((ok, no) => Object.assign(new Image(), {{src: {origin!r} + '/x.png', "
            "onload: ok, onerror: no}))",
            "window.open('https://elsewhere.example/') || Promise.reject()",
        ):
            code = f"(async () => {{ await ({reach}); return 'reached' }})().catch(() => 'refused')"
            assert await tab.evaluate(code) == "refused", reach
