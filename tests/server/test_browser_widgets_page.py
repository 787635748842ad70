"""Widgets on the page in a real browser: live values, and control where it was given out."""

from __future__ import annotations

import asyncio

import pytest

from codeexec.domain import requests as q
from support.chromium import Tab, needs_chromium
from support.shown_page import Shown, open_page, shown_session

pytestmark = [needs_chromium, pytest.mark.slow]

HOSTILE = r"""'</script><img src=x onerror="top.stolen = 1"><script>top.stolen = 1</script>'"""

WIDGETS = f"""
import os, time
import ipywidgets as widgets
from IPython.display import HTML, display
from traitlets import Int, Unicode
hostile = {HOSTILE}
slider = widgets.IntSlider(description="number", value=3, max=10)
slider.observe(lambda change: print("moved to", change["new"]), "value")
box = widgets.Checkbox(description="tick")
fruit = widgets.Dropdown(options=["apple", "pear", hostile], description=hostile)
radio = widgets.RadioButtons(options=["x", "y"])
some = widgets.SelectMultiple(options=["a", "b", "c"])
name = widgets.Text(description="name", placeholder=hostile)
name.on_submit(lambda _: print("hello", name.value))
count = widgets.BoundedIntText(value=1, max=9)
day = widgets.DatePicker()
button = widgets.Button(description="press")
label = widgets.Label("not pressed")
button.on_click(lambda _: setattr(label, "value", "pressed"))
bar = widgets.IntProgress(max=2000)
tab = widgets.Tab([label, bar], titles=["label", hostile])
markup = widgets.HTML(hostile + "<b>bold</b>", description=hostile)
play = widgets.Play(max=3, interval=20)
clock, when = widgets.TimePicker(), widgets.NaiveDatetimePicker()
follower = widgets.IntSlider(max=3, description="follower")
widgets.jslink((play, "value"), (follower, "value"))
class Counter(widgets.DOMWidget):
    _model_name = Unicode("AnyModel").tag(sync=True)
    _anywidget_id = Unicode("some.place.Counter").tag(sync=True)
    count = Int(4).tag(sync=True)
other = Counter()
entries = [slider, box, fruit, radio, some, name, count, day, button]
display(widgets.VBox([*entries, tab, markup, play, clock, when, follower, other]))
print("slider is", slider.model_id)
"""

INTERACT = f"""
hostile = {HOSTILE}
@widgets.interact(n=(1, 5))
def shown(n=2):
    print("squared", n * n)
    display(HTML("<p>in a frame</p><script>top.stolen = document.cookie</script>"))
"""

WORK = """
while not os.path.exists("go"): time.sleep(0.02)
for number in range(2001): bar.value = number
bar.bar_style = "success"
"""


def of_kind(kind: str, part: str = "input") -> str:
    return f"document.querySelector('.widget[data-kind={kind}] {part}')"


async def _place(tab: Tab, node: str, place: float) -> list[float]:
    found: list[float] = await tab.evaluate(
        f"(n => {{ n.scrollIntoView({{block: 'center'}}); const r = n.getBoundingClientRect();"
        f" return [r.x + r.width * {place}, r.y + r.height / 2]; }})({node})"
    )
    return found


async def press(tab: Tab, node: str, place: float = 0.5) -> None:
    """Click with the mouse, at this part of the node's width, once the page stands still."""
    before, at = None, await _place(tab, node, place)
    while at != before:
        await asyncio.sleep(0.05)
        before, at = at, await _place(tab, node, place)
    x, y = at
    for kind in ("mousePressed", "mouseReleased"):
        await tab.call(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
        )  # fmt: skip


async def has(shown: Shown, expression: str, expected: object) -> None:
    """The kernel comes to have this value."""
    code = f"print('it is', {expression})"
    while True:
        execution = await shown.run(code)
        card = f"document.getElementById({execution!r})"
        await shown.tab.until(f"{card}?.dataset.status === 'ok'")
        text = await shown.tab.evaluate(f"{card}.querySelector('.rows').innerText")
        if text.strip() == f"it is {expected}":
            return
        await asyncio.sleep(0.1)


async def test_widgets_of_the_page_change_the_kernel() -> None:
    async with shown_session(is_controlling=True) as shown:
        tab = shown.tab
        await shown.run(WIDGETS)
        slider = of_kind("IntSlider")
        await tab.until(f"{slider}?.disabled === false")
        assert await tab.evaluate(f"{slider}.value") == "3"
        # By mouse: the middle of the track. What the callback prints stands below the cell.
        await press(tab, slider)
        await shown.sees("moved to 5")
        await has(shown, "slider.value", 5)
        # By key, which is none of the page's while the slider has it.
        await tab.evaluate(f"{slider}.focus()")
        for kind in ("keyDown", "keyUp"):
            await tab.call(
                "Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight",
                windowsVirtualKeyCode=39,
            )  # fmt: skip
        await has(shown, "slider.value", 6)

        await press(tab, of_kind("Checkbox"))
        await press(tab, of_kind("Button", "button"))
        await press(tab, of_kind("RadioButtons", "label:nth-child(2) input"))
        choose = "dispatchEvent(new Event('change', {bubbles: true}))"
        fruit = of_kind("Dropdown", "select")
        await tab.evaluate(f"(s => {{ s.selectedIndex = 1; s.{choose} }})({fruit})")
        await tab.evaluate(
            "(s => { s.options[0].selected = s.options[2].selected = true; "
            f"s.{choose} }})({of_kind('SelectMultiple', 'select')})"
        )
        entries = {"BoundedIntText": "99", "DatePicker": "2026-03-01", "Time": "09:05"}
        entries["NaiveDatetime"] = "2026-03-01T14:30"
        for kind, typed in entries.items():
            field = of_kind(kind)
            await tab.evaluate(f"(i => {{ i.value = {typed!r}; i.{choose} }})({field})")
        await tab.evaluate(f"{of_kind('Text')}.focus()")
        await tab.call("Input.insertText", text="jo and k")
        for kind in ("keyDown", "keyUp"):
            await tab.call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter",
                windowsVirtualKeyCode=13, text="\r",
            )  # fmt: skip
        await shown.sees("hello jo and k")
        await has(shown, "box.value, fruit.value, radio.value", "True pear y")
        await has(shown, "some.value, count.value, day.value", "('a', 'c') 9 2026-03-01")
        await has(shown, "clock.value, when.value", "09:05:00 2026-03-01 14:30:00")
        # It plays to its end, and the linked slider follows.
        await press(tab, of_kind("Play", "button"))
        await has(shown, "play.playing, play.value, follower.value", "False 3 3")
        await shown.sees("pressed")
        assert await tab.evaluate(of_kind("Label", ".written") + ".textContent") == "pressed"
        await press(tab, of_kind("Tab", ".head:nth-child(2)"))
        await has(shown, "tab.selected_index", 1)
        await shown.sees("[Counter count 4 · Jupyter shows it, from the saved notebook]")

        # An Output widget follows its slider, with HTML in a frame that reaches nothing.
        await shown.run(INTERACT)
        await shown.sees("squared 4")
        captured = "document.querySelector('.captured')"
        await tab.until(f"{captured}.querySelector('iframe')?.style.height")
        moved = f"{captured}.closest('.card').querySelector('input[type=range]')"
        await press(tab, moved, 0.99)
        await shown.sees("squared 25")
        assert await tab.evaluate("window.stolen") is None
        markup = "document.querySelectorAll('img[src=x], main script').length"
        assert await tab.evaluate(markup) == 0
        assert not [error for error in tab.errors if "violates" in error], tab.errors

        # While a cell runs, what was set waits for the kernel, and says so; then the last value of
        # a flood has arrived.
        await shown.run(WORK)
        await tab.until("document.getElementById('kernel').dataset.state === 'busy'")
        await press(tab, slider, 0.01)
        await tab.until(f"{slider}.closest('.widget').querySelector('.waiting').hidden === false")
        assert await tab.evaluate(f"{slider}.value") == "0"
        await shown.session.call(q.WriteFile("go", b""))
        await tab.until(of_kind("IntProgress", "progress") + ".dataset.style === 'success'")
        assert await tab.evaluate(of_kind("IntProgress", "progress") + ".value") == 2000
        await tab.until(f"{slider}.closest('.widget').querySelector('.waiting').hidden")
        await has(shown, "slider.value", 0)

        # A page that is opened later, and was not given out for control.
        async with shown.here.client() as host:
            reading = await host.call(q.OpenPage(shown.session.session_id, shared=True))
        async with shown.browser.tab() as other:
            await other.look(600, 900, is_dark=True)
            await open_page(other, reading)
            await other.until(f"{slider}?.value === '0'")
            assert await other.evaluate(of_kind("Label", ".written")) is None
            assert await other.evaluate(f"{slider}.disabled")
            assert await other.evaluate(of_kind("Text") + ".value") == "jo and k"
            assert await other.evaluate(of_kind("Dropdown", "select") + ".selectedIndex") == 1
            assert await other.evaluate(of_kind("IntProgress", "progress") + ".value") == 2000
            await other.until(f"{captured}.querySelector('iframe')?.style.height")
            # It may open a child for itself, and sends nothing.
            await press(other, of_kind("Tab", ".head"))
            await other.until(of_kind("Label", ".written") + "?.textContent === 'pressed'")
            text = await other.evaluate("document.getElementById('main').innerText")
            model = text.rpartition("slider is ")[2].split()[0]
            body = {"model": model, "message": {"type": "update", "state": {"value": 9}}}
            intrusion = f"""fetch("widgets", {{method: "POST", body: JSON.stringify({body}),
                headers: {{"Content-Type": "application/json"}}}}).then(answer => answer.status)"""
            assert await other.evaluate(intrusion) == 403
            # What is set by the presenter arrives. A tab behind others lets its stream go.
            await tab.call("Page.bringToFront")
            await press(tab, slider)
            await other.until(f"{slider}.value === '5'")
            await has(shown, "tab.selected_index", 1)

        # The kernel is another one: nothing there answers any more.
        await shown.session.call(q.RestartKernel())
        await shown.sees("The kernel has closed it, or has ended: run its cell again to use it.")
        await tab.until(f"{slider}.disabled")
