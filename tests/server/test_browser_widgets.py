"""Widgets of a page over HTTP: what a browser is sent of them, and who may operate them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from codeexec.client.socket import SocketHost
from codeexec.domain import requests as q
from codeexec.domain.content.comms import CommView, fold_comm
from codeexec.domain.errors import Denied
from codeexec.domain.events import Recorded
from codeexec.domain.events.comms import CommChanged, CommClosed, CommEvent, CommOpened
from codeexec.server.browser.widgets import WidgetChange, all_widgets, widget_changes
from support.servers import DEADLINE, Here, output_of, poll

CODE = """
import ipywidgets as widgets
from IPython.display import display
slider = widgets.IntSlider(value=3, max=10)
still = widgets.IntSlider(value=1, disabled=True)
button = widgets.Button()
label = widgets.Label("a label")
secret = widgets.Password(value="hunter2")
html = widgets.HTML("<b>bold</b><script>alert(1)</script> &lt;i&gt;")
button.on_click(lambda _: setattr(label, "value", "clicked"))
display(widgets.VBox([slider, still, button, label, secret, html]))
print(*[w.model_id for w in (slider, still, button, label, secret, html)])
"""


def opened_as(comm_id: str, kind: str, **state: object) -> CommOpened:
    return CommOpened(comm_id, "jupyter.widget", state={"_model_name": f"{kind}Model", **state})


def folded(events: list[CommEvent]) -> dict[str, CommView]:
    comms: dict[str, CommView] = {}
    for event in events:
        fold_comm(comms, event, 1)
    return comms


def changes(events: list[CommEvent], before: list[CommEvent]) -> dict[str, WidgetChange]:
    records = [Recorded(number, 0.0, event) for number, event in enumerate(events, 1)]
    return {change.model: change for change in widget_changes(records, folded(before + events))}


def test_a_flood_is_one_change_with_the_last_values() -> None:
    bar = opened_as("bar", "IntProgress", value=0, max=1000, _view_name="ProgressView")
    flood: list[CommEvent] = [CommChanged("bar", {"value": value}) for value in range(1001)]
    flood.append(CommChanged("bar", {"bar_style": "success"}, handled=("m1",)))
    (change,) = changes(flood, [bar]).values()
    assert change == WidgetChange(
        "bar", {"value": 1000, "bar_style": "success"}, handled=("m1",)
    )  # fmt: skip
    whole = changes([bar, *flood], [])["bar"]
    assert whole.is_whole and whole.generation == 1
    assert whole.state == {
        "_model_name": "IntProgressModel", "value": 1000, "max": 1000, "bar_style": "success",
    }  # fmt: skip
    assert changes([CommClosed("bar")], [bar])["bar"].is_closed


def test_what_is_sent_is_safe_to_show() -> None:
    text = {
        "output_type": "stream",
        "name": "stderr",
        "text": "one\r\x1b[31mtwo\x1b[0m\x1b]0;title\x07\n",
    }
    failed = {"output_type": "error", "ename": "E", "evalue": "wrong", "traceback": ["a", "b"]}
    shown = {"output_type": "display_data", "data": {"text/plain": "x", "text/html": "<b>x</b>"}}
    comms = folded(
        [
            opened_as("style", "SliderStyle"),
            opened_as("layout", "Layout", display="none", width="1px"),
            opened_as("html", "HTML", value="<b>bold</b><script>alert(1)</script> &lt;i&gt;"),
            opened_as("password", "Password", value="hunter2", placeholder="secret"),
            opened_as("out", "Output", outputs=[text, failed, shown, "nonsense"]),
            opened_as("foreign", "Any", _esm="export default {}", value=1),
            CommOpened("other", "other.target", state={"value": 1}),
        ]
    )
    states = {change.model: change.state for change in all_widgets(comms)}
    assert states.keys() == {"layout", "html", "password", "out", "foreign"}
    assert states["layout"] == {"_model_name": "LayoutModel", "display": "none"}
    assert states["html"]["value"] == "bold <i>"
    assert states["password"] == {"_model_name": "PasswordModel", "placeholder": "secret"}
    assert states["foreign"] == {"_model_name": "AnyModel", "value": 1}
    outputs: Any = states["out"]["outputs"]
    assert [run.kind for run in outputs] == ["stderr", "error", "display", "stdout"]
    assert outputs[0].text == "\x1b[31mtwo\x1b[0m"
    assert outputs[1].error.traceback == ("a", "b")


async def first_state(web: httpx.AsyncClient, place: str) -> tuple[dict[str, bool], Any]:
    """What the page can do, and the state that it begins with."""
    abilities: dict[str, bool] = {}
    async with web.stream("GET", f"{place}events") as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            if line and "state" in (content := json.loads(line)):
                return abilities, content["state"]
            abilities |= content if line else {}
    raise AssertionError("the stream has ended")


@pytest.mark.slow
async def test_a_page_operates_widgets_where_its_address_was_given_out_for_that(
    here: Here,
) -> None:
    async with here.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(here.host.state)))
        session = opened.session_id
        models = (await output_of(host, session, CODE))[-1].split()
        slider, still, button, label, _, html = models
        reading = await host.call(q.OpenPage(session, shared=True))
        control = await host.call(q.OpenPage(session, control=True))
        async with httpx.AsyncClient(base_url=control.origin, timeout=DEADLINE) as web:
            places = [address.path.partition("enter")[0] for address in (reading, control)]
            update = {"model": slider, "message": {"type": "update", "state": {"value": 7}}}
            for place in places:  # without a cookie
                assert (await web.post(f"{place}widgets", json=update)).status_code == 401
            for address in (reading, control):
                assert (await web.get(address.path)).status_code == 303
            abilities, _ = await first_state(web, places[0])
            assert abilities == {}
            refused = await web.post(f"{places[0]}widgets", json=update)
            assert refused.status_code == 403
            assert refused.json()["message"] == "This page shows widgets, and operates none."

            abilities, state = await first_state(web, places[1])
            assert abilities == {"control": True}
            values = {widget["model"]: widget["state"].get("value") for widget in state["widgets"]}
            assert [values[model] for model in models] == [3, 1, None, "a label", None, "bold <i>"]
            assert "hunter2" not in json.dumps(state["widgets"])

            async def sends(
                model: str, message: Mapping[str, object], headers: dict[str, str] | None = None
            ) -> int:
                body = {"model": model, "message": message}
                answer = await web.post(f"{places[1]}widgets", json=body, headers=headers)
                return answer.status_code

            def setting(**state: object) -> dict[str, object]:
                return {"type": "update", "state": state}

            click: dict[str, object] = {"type": "custom", "content": {"event": "click"}}
            assert await sends(slider, setting(value=7)) == 200
            assert await sends(button, click) == 200
            for model, message in (
                (slider, setting(max=10**9)),
                (slider, setting(value=7, _dom_classes=["x"])),
                (slider, setting()),
                (slider, click),
                (label, setting(value="other")),
                (html, setting(value="<script>")),
                (button, {"type": "custom", "content": {"event": "click", "more": 1}}),
                (button, {"type": "custom", "content": {"event": ["click"]}}),
                (slider, {"type": "other"}),
            ):
                assert await sends(model, message) == 400, message
            assert await sends(still, setting(value=7)) == 409
            assert await sends("none", setting(value=7)) == 404
            foreign = {"Origin": "https://elsewhere.example"}
            assert await sends(slider, setting(value=8), foreign) == 401
            raw = json.dumps(update).encode()
            assert (await web.post(f"{places[1]}widgets", content=raw)).status_code == 415
            as_form = {"Content-Type": "text/plain"}
            assert await sends(slider, setting(value=8), as_form) == 415

            async def seen() -> Any:
                _, state = await first_state(web, places[0])
                return {
                    widget["model"]: widget["state"].get("value") for widget in state["widgets"]
                }

            await poll(
                seen,
                lambda values: (values[slider], values[label]) == (7, "clicked"),
                "the kernel to change",
            )
            assert await output_of(host, session, "print(slider.value, slider.max)") == ["7 10"]

            # A revoked address operates nothing any more.
            await host.call(q.ClosePages(session))
            assert await sends(slider, setting(value=9)) == 401
        assert await output_of(host, session, "print(slider.value)") == ["7"]


CAPTURED = """
import ipywidgets as widgets
from IPython.display import HTML, display
out = widgets.Output()
with out:
    print("text")
    display(HTML("<b>bold</b><script>alert(1)</script>"))
    display({"application/vnd.plotly.v1+json": {"data": [], "layout": {}}}, raw=True)
display(out)
print(out.model_id)
"""


@pytest.mark.slow
async def test_what_an_output_widget_has_captured_stands_in_frames(here: Here) -> None:
    async with here.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(here.host.state)))
        model = (await output_of(host, opened.session_id, CAPTURED))[-1]
        page = await host.call(q.OpenPage(opened.session_id, interactive=True))
    async with httpx.AsyncClient(base_url=page.origin, timeout=DEADLINE) as web:
        assert (await web.get(page.path)).status_code == 303
        place = page.path.partition("enter")[0]

        async def get(name: str, number: int, **more: str) -> httpx.Response:
            return await web.get(
                f"{place}{name}", params={"widget": model, "output": number, **more}
            )

        html = await get("frame", 1)
        assert html.status_code == 200 and "<b>bold</b>" in html.text
        policy = html.headers["content-security-policy"]
        assert policy.startswith("sandbox ") and "allow-same-origin" not in policy
        assert (await get("text", 1)).text.strip().startswith("bold")
        for name, number in (("frame", 0), ("frame", 3), ("frame", 10**9), ("text", 0)):
            assert (await get(name, number)).status_code == 404, (name, number)
        assert (await get("figure", 1)).status_code == 404
        assert (await get("figure", 2, check="1")).status_code == 204
        figure = await get("figure", 2)
        assert figure.headers["content-security-policy"].startswith("sandbox allow-scripts; ")


async def test_agents_give_out_no_page_that_operates_widgets(here: Here) -> None:
    async with here.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(here.host.state), start_kernel=False))
    async with SocketHost(here.address, q.ClientInfo("an agent", is_agent=True)) as agent:
        assert (await agent.call(q.OpenPage(opened.session_id))).path
        with pytest.raises(Denied, match="An agent gives out no page"):
            await agent.call(q.OpenPage(opened.session_id, control=True))
    async with httpx.AsyncClient(base_url=here.url, timeout=DEADLINE) as web:
        headers = {"Authorization": f"Bearer {here.token}", "X-Agent": "an agent"}
        path = f"/v1/sessions/{opened.session_id}/pages"
        answer = await web.post(path, json={"control": True}, headers=headers)
        assert answer.status_code == 403
