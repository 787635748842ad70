"""Comms of real widgets in a real kernel: their state in snapshots, and what clients send."""

from __future__ import annotations

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
from support.sessions import open_host, open_session, run, text, until

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


async def test_too_many_widgets_are_refused_in_a_sentence(session: Session) -> None:
    view = await run(session, MANY)
    assert view.status == "ok"
    (notice,) = session.snapshot.notices
    assert notice.title == "Too many widgets"
    assert len(session.snapshot.comms) == 3000
