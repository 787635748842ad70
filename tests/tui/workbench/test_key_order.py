"""Keys in order with the focus, where the widget that moves it is slow."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from codeexec.tui.workbench.key_order import KeyHandled, KeyOrder


class SlowCards(Widget, can_focus=True):
    """Leads to the field below on `i`, after half a second."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    async def on_key(self, event: events.Key) -> None:
        self.keys.append(event.key)
        await asyncio.sleep(0.5)
        self.app.query_one(Input).focus()


class Fields(App[str]):
    BINDINGS: ClassVar[list[BindingType]] = [
        ("f", "search", "The field"),
        ("o", "open", "The field, as a dialog is opened"),
    ]

    async def action_search(self) -> None:
        await asyncio.sleep(0)
        self.query_one(Input).focus()

    def action_open(self) -> None:
        self.run_worker(self._open(), group="choose")

    async def _open(self) -> None:
        await asyncio.sleep(0.6)
        self.query_one(Input).focus()

    def compose(self) -> ComposeResult:
        self._key_order = KeyOrder(self, super().on_event)
        yield SlowCards()
        yield Input()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._key_order.take(event)
        else:
            await super().on_event(event)

    def on_key_handled(self, event: KeyHandled) -> None:
        self._key_order.handled(event.number)


async def test_keys_wait_for_a_widget_that_is_slow_to_move_the_focus() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        cards, field = app.query_one(SlowCards), app.query_one(Input)
        cards.focus()
        await pilot.pause()
        for character in "iabc":
            app.post_message(events.Key(character, character))
        async with asyncio.timeout(90):
            while field.value != "abc":
                await pilot.pause(0.01)
        assert cards.keys == ["i"]


async def test_keys_wait_for_the_screen_where_nothing_has_the_focus() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        field = app.query_one(Input)
        app.screen.set_focus(None)
        for character in "fabc":
            app.post_message(events.Key(character, character))
        async with asyncio.timeout(90):
            while field.value != "abc":
                await pilot.pause(0.01)


@pytest.mark.slow
async def test_keys_go_on_when_the_widget_is_removed() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        cards, field = app.query_one(SlowCards), app.query_one(Input)
        cards.focus()
        await pilot.pause()
        app.post_message(events.Key("i", "i"))
        async with asyncio.timeout(90):
            while not cards.keys:
                await pilot.pause(0.01)
            cards.remove()
            field.focus()
            app.post_message(events.Key("x", "x"))
            while field.value != "x":
                await pilot.pause(0.01)


async def test_a_pilot_that_presses_keys_waits_for_those_that_are_held() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        app.screen.set_focus(None)
        await pilot.press("o", "a", "b")
        assert app.query_one(Input).value == "ab"
