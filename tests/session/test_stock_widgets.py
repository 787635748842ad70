"""Stock widgets of ipywidgets in a kernel of this machine, in a container, and of a Jupyter server:
what clients set arrives there, and what code sets arrives here."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.session.session import Session
from support.containers import workspace_in
from support.jupyter_servers import TestServer
from support.sessions import open_host, open_session, run, text, until

MAKE = """
import sys
sys.path.insert(0, {folder!r})
import datetime
import ipywidgets as w
moved = {{}}
widgets = dict(
    slider=w.IntSlider(), floats=w.FloatSlider(), log=w.FloatLogSlider(), span=w.IntRangeSlider(),
    bar=w.IntProgress(), count=w.BoundedIntText(), name=w.Text(), lines=w.Textarea(),
    secret=w.Password(), tick=w.Checkbox(), push=w.Button(), toggle=w.ToggleButton(),
    fruit=w.Dropdown(options=["apple", "pear"]), radio=w.RadioButtons(options=["x", "y"]),
    some=w.SelectMultiple(options=["a", "b", "c"]), day=w.DatePicker(), clock=w.TimePicker(),
    when=w.NaiveDatetimePicker(), play=w.Play(), label=w.Label(), out=w.Output(),
)
widgets["push"].on_click(lambda _: setattr(widgets["label"], "value", "pressed"))
tabs = w.Tab(list(widgets.values()))
for key, widget in widgets.items():
    print(key, widget.model_id)
"""

DATE = {"year": 2026, "month": 2, "date": 1}
CLOCK = {"hours": 9, "minutes": 5, "seconds": 0, "milliseconds": 0}

SET: dict[str, tuple[dict[str, object], str]] = {
    "slider": ({"value": 7}, "7"),
    "floats": ({"value": 2.5}, "2.5"),
    "log": ({"value": 100.0}, "100.0"),
    "span": ({"value": [2, 7]}, "(2, 7)"),
    "count": ({"value": 500}, "100"),  # the kernel corrects it
    "name": ({"value": "Jo"}, "'Jo'"),
    "lines": ({"value": "a\nb"}, "'a\\nb'"),
    "secret": ({"value": "s"}, "'s'"),
    "tick": ({"value": True}, "True"),
    "toggle": ({"value": True}, "True"),
    "fruit": ({"index": 1}, "'pear'"),
    "radio": ({"index": 1}, "'y'"),
    "some": ({"index": [0, 2]}, "('a', 'c')"),
    "day": ({"value": DATE}, "datetime.date(2026, 3, 1)"),
    "clock": ({"value": CLOCK}, "datetime.time(9, 5)"),
    "when": ({"value": {**DATE, **CLOCK}}, "datetime.datetime(2026, 3, 1, 9, 5)"),
    "play": ({"value": 3}, "3"),
}


async def operate_all(session: Session, folder: str) -> None:
    """Set each widget as a client does, and read in the kernel what it is then."""
    made = await run(session, MAKE.format(folder=folder))
    assert made.status == "ok", made.error
    models = dict(line.split() for line in await text(session, made))
    for name, (state, value) in SET.items():
        await send(session, models[name], state)
        seen = await run(session, f"print(repr(widgets[{name!r}].value))")
        assert await text(session, seen) == [value], name
    await session.call(q.SendComm(models["push"], q.CommMessage({"event": "click"})))
    await until(session, lambda now: now.comms[models["label"]].state["value"] == "pressed")
    await run(session, "widgets['bar'].value = 42; tabs.selected_index = 3")
    await until(session, lambda now: now.comms[models["bar"]].state["value"] == 42)
    await run(session, "with widgets['out']: print('captured')")
    outputs = session.snapshot.comms[models["out"]].state["outputs"]
    assert "captured" in str(outputs)


async def send(session: Session, model: str, state: dict[str, object]) -> None:
    """Set keys, and wait until the kernel has handled it."""
    sent = await session.call(q.SendComm(model, q.CommUpdate(state)))
    await until(session, lambda now: sent.message_id in now.comms[model].handled)


def library_in(folder: Path) -> None:
    """A copy of ipywidgets, which is Python alone, where the kernel has none."""
    spec = find_spec("ipywidgets")
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).parent
    shutil.copytree(source, folder / "ipywidgets", ignore=shutil.ignore_patterns("tests", "*.pyc"))


@pytest.mark.slow
async def test_in_a_kernel_of_this_machine(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        await operate_all(await open_session(host, tmp_path), ".")


@pytest.mark.docker
async def test_in_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.sessions.BACKEND", "docker")
    workspace = workspace_in(tmp_path)
    library_in(workspace)
    async with open_host(tmp_path / "state") as host:
        await operate_all(await open_session(host, workspace), ".")


@pytest.mark.slow
async def test_in_a_kernel_of_a_jupyter_server(tmp_path: Path, jupyter_server: TestServer) -> None:
    library_in(tmp_path / "library")
    async with open_host(tmp_path / "state") as host:
        address = f"{jupyter_server.address}#python3"
        session = await open_session(host, tmp_path, kernel=address)
        await operate_all(session, str(tmp_path / "library"))
