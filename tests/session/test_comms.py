"""Comms of real widgets in a real kernel: their state in snapshots, and what clients send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.domain.content.comms import CommView
from codeexec.domain.errors import Conflict, NotFound, UsageError
from codeexec.domain.events.comms import CommChanged
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.session.session import Session
from support.sessions import DEADLINE, open_host, open_session, run, text, until

SLIDER = """
from ipywidgets import Button, IntSlider
slider = IntSlider(value=3, max=9, description="n")
slider.observe(lambda change: print("now", change["new"]), "value")
button = Button(description="press")
button.on_click(lambda _: print("pressed"))
slider
"""
FLOOD = """
from ipywidgets import IntProgress
bar = IntProgress(max=20_000)
for bar.value in range(20_001):
    pass
"""
SILENT = """
import time
bar.value = 1
time.sleep(0.02)
bar.value = 2
time.sleep(30)
"""
THREAD = """
import os, threading, time
from ipywidgets import IntProgress
bar = IntProgress(max=3000)
def work():
    while not os.path.exists("go"):
        time.sleep(0.01)
    for bar.value in range(3000):
        pass
    bar.value = 42
threading.Thread(target=work).start()
bar
"""
MANY = """
from ipywidgets import IntProgress
bars = [IntProgress(value=n) for n in range(2000)]
"""


@pytest.fixture(name="session")
async def opened(tmp_path: Path) -> AsyncIterator[Session]:
    async with open_host(tmp_path / "state") as host:
        yield await open_session(host, tmp_path)


def model(session: Session, name: str) -> CommView:
    """The newest model of a kind."""
    views = session.snapshot.comms.values()
    return [view for view in views if view.state.get("_model_name") == f"{name}Model"][-1]


async def send(session: Session, view: CommView, message: q.CommUpdate | q.CommMessage) -> None:
    """Send a message, and wait until the kernel has handled it."""
    sent = await session.call(q.SendComm(view.comm_id, message))
    await until(session, lambda now: sent.message_id in now.comms[view.comm_id].handled)


@pytest.mark.slow
async def test_a_slider_and_a_button_are_operated(session: Session) -> None:
    shown = await run(session, SLIDER)
    slider = model(session, "IntSlider")
    assert slider.state["value"] == 3 and slider.execution_id == shown.execution_id
    assert slider.target == "jupyter.widget"
    await send(session, slider, q.CommUpdate({"value": 7}))
    assert model(session, "IntSlider").state["value"] == 7
    await send(session, slider, q.CommUpdate({"value": 99}))  # the kernel corrects it
    assert model(session, "IntSlider").state["value"] == 9
    await send(session, model(session, "Button"), q.CommMessage({"event": "click"}))
    assert await text(session, shown) == ["now 7", "now 9", "pressed"]
    # A client that comes now has the same.
    late = apply(Snapshot(), session.recorder.journal.read(0, 100_000))
    assert late.comms == session.snapshot.comms

    with pytest.raises(NotFound, match="no widget"):
        await session.call(q.SendComm("gone", q.CommUpdate({"value": 1})))
    with pytest.raises(UsageError, match="at most"):
        await session.call(q.SendComm(slider.comm_id, q.CommUpdate({"value": "x" * 2_000_000})))
    await run(session, "button.close()")
    with pytest.raises(Conflict, match="closed"):
        message = q.CommMessage({"event": "click"})
        await session.call(q.SendComm(model(session, "Button").comm_id, message))
    await session.call(q.RestartKernel())
    await until(session, lambda now: now.kernel.generation == 2)
    with pytest.raises(Conflict, match="has ended"):
        await session.call(q.SendComm(slider.comm_id, q.CommUpdate({"value": 1})))


@pytest.mark.slow
async def test_floods_are_few_events_and_the_last_value_comes(session: Session) -> None:
    view = await run(session, FLOOD)
    assert view.status == "ok"
    assert model(session, "IntProgress").state["value"] == 20_000
    records = session.recorder.journal.read(0, 100_000)
    changes = [record for record in records if isinstance(record.event, CommChanged)]
    took = (view.finished_at or 0) - (view.started_at or 0)
    assert len(changes) <= took * 25 + 5

    await session.call(q.Execute(SILENT))
    await until(session, lambda _: model(session, "IntProgress").state["value"] == 2)
    assert session.snapshot.is_running
    await session.call(q.Interrupt())


@pytest.mark.slow
async def test_what_a_thread_sets_after_its_cell_comes_as_few_events(
    session: Session, tmp_path: Path
) -> None:
    await run(session, THREAD)
    # What the thread says then has the parent of this question, and not that of its cell.
    await session.call(q.RefreshVariables())
    before, began = session.snapshot.seq, time.monotonic()
    (tmp_path / "go").touch()
    await until(session, lambda _: model(session, "IntProgress").state["value"] == 42)
    count = session.snapshot.seq - before
    assert count <= (time.monotonic() - began) * 35 + 20


@pytest.mark.slow
async def test_too_many_widgets_are_refused_in_a_sentence(session: Session) -> None:
    view = await run(session, MANY)
    assert view.status == "ok"
    (notice,) = session.snapshot.notices
    assert notice.title == "Too many widgets"
    assert len(session.snapshot.comms) == 3000


LINKED = """
from ipywidgets import BoundedIntText, FloatSlider, IntSlider, Play, jsdlink, jslink
first, second, third = IntSlider(value=3), IntSlider(), BoundedIntText(max=10)
link = jslink((first, "value"), (second, "value"))
one_way = jsdlink((second, "value"), (third, "value"))
first.observe(lambda change: print("first", change["new"]), "value")
third.observe(lambda change: print("third", change["new"]), "value")
"""


async def test_linked_models_follow_each_other(session: Session) -> None:
    shown = await run(session, LINKED)
    views = list(session.snapshot.comms.values())
    first, second = (v for v in views if v.state.get("_model_name") == "IntSliderModel")
    third = model(session, "BoundedIntText")

    def values() -> list[object]:
        return [session.snapshot.comms[v.comm_id].state["value"] for v in (first, second, third)]

    # The target begins with the value of the source.
    await until(session, lambda _: values() == [3, 3, 3])
    await send(session, first, q.CommUpdate({"value": 7}))
    await until(session, lambda _: values() == [7, 7, 7])
    await send(session, second, q.CommUpdate({"value": 9}))
    await until(session, lambda _: values() == [9, 9, 9])
    # One way alone.
    await send(session, third, q.CommUpdate({"value": 1}))
    assert values() == [9, 9, 1]
    # The kernel knows them too, whether code sets a value or a client.
    code = "second.value = 4"
    await run(session, code)
    await until(session, lambda _: values() == [4, 4, 4])
    seen = await run(session, "print(first.value, second.value, third.value)")
    assert await text(session, seen) == ["4 4 4"]
    told = await text(session, session.snapshot.executions[shown.execution_id])
    assert "first 9" in told and "third 7" in told
    await run(session, "link.unlink()")
    await send(session, first, q.CommUpdate({"value": 50}))
    assert values() == [50, 4, 4]


async def test_a_link_between_values_that_never_agree_comes_to_an_end(session: Session) -> None:
    await run(
        session,
        "from ipywidgets import IntSlider, jslink\n"
        "low, high = IntSlider(min=0, max=10), IntSlider(min=20, max=30)\n"
        "jslink((low, 'value'), (high, 'value'))",
    )
    low = next(view for view in session.snapshot.comms.values() if view.state.get("max") == 10)
    await send(session, low, q.CommUpdate({"value": 5}))
    front_end = session.kernels.widgets
    async with asyncio.timeout(DEADLINE):
        while front_end._unhandled:  # noqa: ASYNC110  # it is no event
            await asyncio.sleep(0.01)


async def test_while_a_cell_runs_linked_values_are_shown_at_once(session: Session) -> None:
    await run(session, LINKED)
    views = list(session.snapshot.comms.values())
    first, second = (v for v in views if v.state.get("_model_name") == "IntSliderModel")
    await until(session, lambda now: now.comms[second.comm_id].state["value"] == 3)
    await run(session, "1")
    await session.call(q.Execute("import time\nwhile True: time.sleep(0.05)"))
    await until(session, lambda now: now.kernel.state == "busy")
    for value in (5, 6, 8):
        await session.call(q.SendComm(first.comm_id, q.CommUpdate({"value": value})))
    assert session.snapshot.comms[second.comm_id].state["value"] == 8
    await session.call(q.Interrupt())
    await until(
        session,
        lambda now: (
            [now.comms[view.comm_id].state["value"] for view in (first, second)] == [8, 8]
            and not now.is_running
        ),
    )
    seen = await run(session, "print(first.value, second.value)")
    assert await text(session, seen) == ["8 8"]


async def test_an_animation_plays_for_all_clients_and_ends(session: Session) -> None:
    shown = await run(
        session,
        "from ipywidgets import IntSlider, Play, jslink\n"
        "play, slider = Play(max=5, interval=20), IntSlider(max=5)\n"
        "jslink((play, 'value'), (slider, 'value'))\n"
        "slider.observe(lambda change: print(change['new']), 'value')",
    )
    play, slider = model(session, "Play"), model(session, "IntSlider")
    follower = session.events(session.snapshot.seq, "full")
    reading = asyncio.ensure_future(anext(aiter(follower)))
    try:
        await send(session, play, q.CommUpdate({"playing": True}))
        await until(
            session,
            lambda now: (
                now.comms[play.comm_id].state["playing"] is False
                and now.comms[slider.comm_id].state["value"] == 5
            ),
        )
    finally:
        reading.cancel()
    await run(session, "1")
    told = session.snapshot.executions[shown.execution_id]
    assert await text(session, told) == ["1", "2", "3", "4", "5"]


async def test_messages_of_a_widget_of_its_own_are_events(session: Session) -> None:
    await run(
        session,
        "import ipywidgets\n"
        "class Own(ipywidgets.DOMWidget): pass\n"
        "own = Own()\n"
        "own.on_msg(lambda _, content, buffers: own.send({'echo': content}, [b'x']))",
    )
    own = model(session, "DOMWidget")
    await send(session, own, q.CommMessage({"any": ["thing", 1]}))
    records = session.recorder.journal.read(0, 100_000)
    messages = [
        message
        for record in records
        if isinstance(record.event, CommChanged)
        for message in record.event.messages
    ]
    assert messages == [{"echo": {"any": ["thing", 1]}}]
