"""The answer bar: a line, the end of the input by key and by mouse, and what Ctrl+D means else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from codeexec.domain.events import StdinRequested
from codeexec.tui.panes.console.bars import AnswerBar
from support.pane_app import PaneApp, until


@asynccontextmanager
async def opened(*, may_end: bool) -> AsyncIterator[tuple[PaneApp, Pilot[None], AnswerBar]]:
    """A bar that asks and has the keys."""
    bar = AnswerBar()
    app = PaneApp(bar)
    async with app.run_test(size=(80, 5)) as pilot:
        bar.ask(StdinRequested("r1", "e1", "n? "), may_end=may_end)
        bar.take_focus()
        await until(pilot, lambda: bar.field.has_focus)
        await pilot.pause()
        yield app, pilot, bar


def answers(app: PaneApp) -> list[tuple[str, str]]:
    return [
        (message.request_id, message.text)
        for message in app.heard
        if isinstance(message, AnswerBar.Answered)
    ]


@pytest.mark.slow
async def test_ctrl_d_ends_the_input_of_a_program_where_nothing_is_typed() -> None:
    async with opened(may_end=True) as (app, pilot, bar):
        assert "Ctrl+D ends the input" in str(bar.query_one("#answer-end").render())
        # With text in the field it deletes to the right, as everywhere.
        await pilot.press("a", "b", "home", "ctrl+d")
        assert (bar.field.value, answers(app)) == ("b", [])
        await pilot.press("ctrl+d", "ctrl+d")
        await until(pilot, lambda: answers(app))
        assert answers(app) == [("r1", "\x04")]


async def test_a_click_on_the_hint_ends_the_input() -> None:
    async with opened(may_end=True) as (app, pilot, _):
        await pilot.click("#answer-end", offset=(3, 0))
        await until(pilot, lambda: answers(app))
        assert answers(app) == [("r1", "\x04")]


@pytest.mark.slow
async def test_a_question_of_a_kernel_has_no_end() -> None:
    async with opened(may_end=False) as (app, pilot, bar):
        assert not bar.query_one("#answer-end").display
        await pilot.press("ctrl+d", "x", "enter")
        await until(pilot, lambda: answers(app))
        assert answers(app) == [("r1", "x")]
