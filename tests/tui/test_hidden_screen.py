"""A screen that another one hides paints nothing, and is there as it is once it is seen again."""

from __future__ import annotations

import asyncio

from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Label

from codeexec.tui.textual_ext.screen import RoutedScreen


class Below(RoutedScreen):
    def __init__(self) -> None:
        super().__init__(())
        self.label = Label("before")

    def compose(self) -> ComposeResult:
        yield self.label


class Above(Screen[None]):
    def __init__(self, background: str) -> None:
        super().__init__()
        self.styles.background = background


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.below = Below()
        self.paints = 0

    def get_default_screen(self) -> Screen[None]:
        return self.below

    def _display(self, screen: Screen, renderable: object) -> None:  # type: ignore[type-arg]
        self.paints += 1
        super()._display(screen, renderable)  # type: ignore[arg-type]

    def shows(self, text: str) -> bool:
        return text in "".join(strip.text for strip in self.screen._compositor.render_strips())


async def test_a_hidden_screen_paints_nothing() -> None:
    app = Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        for background, paints in (("black", False), ("black 50%", True)):
            app.below.label.update("before")
            await app.push_screen(Above(background))
            await pilot.pause()
            painted = app.paints
            app.below.label.update(f"below {background}")
            async with asyncio.timeout(90):
                while app.below._dirty_widgets or app.below._compositor._dirty_regions:
                    await pilot.pause(0.01)
            await pilot.pause(0.1)
            assert (app.paints > painted) is paints, background
            app.pop_screen()
            async with asyncio.timeout(90):
                while not app.shows(f"below {background}"):
                    await pilot.pause(0.01)
