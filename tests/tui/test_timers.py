"""Timers that fire once: also those whose time is over before they begin to wait."""

from __future__ import annotations

import ast
import inspect
import time
from pathlib import Path

import pytest
from textual.app import App

import codeexec.tui
from codeexec.tui.textual_ext import timers
from codeexec.tui.textual_ext.timers import call_after
from support.pane_app import until


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 0.001, 0.05])
async def test_a_timer_fires_on_a_busy_machine(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    def late() -> float:
        time.sleep(0.002)  # another process has the processor
        return time.monotonic()

    app: App[None] = App()
    fired: list[float] = []
    async with app.run_test() as pilot:
        with monkeypatch.context() as patch:
            patch.setattr("textual._time.get_time", late)
            for _ in range(20):
                call_after(app, seconds, lambda: fired.append(seconds))
            await until(pilot, lambda: len(fired) == 20)


@pytest.mark.slow
def test_all_timers_that_fire_once_are_set_there() -> None:
    """Textual's own may be lost."""
    folder = Path(inspect.getfile(codeexec.tui)).parent
    setting = {
        path
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "set_timer"
    }
    assert setting == {Path(inspect.getfile(timers))}
