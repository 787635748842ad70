"""Widgets hear of their size, also where the map of the screen was made between two layouts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from codeexec.tui.textual_ext.compositor import SafeCompositor


class Sized(Widget):
    """Notes the sizes of which it was notified."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[Size] = []

    def on_resize(self) -> None:
        self.sizes.append(self.size)


class SafeScreen(Screen[None]):
    def __init__(self) -> None:
        super().__init__()
        self._compositor = SafeCompositor()


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        with Vertical():
            yield Sized()

    def get_default_screen(self) -> Screen[None]:
        return SafeScreen()


async def test_a_widget_hears_of_its_size_where_a_place_was_looked_up_before_the_layout() -> None:
    app = Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        widget, box = app.query_one(Sized), app.query_one(Vertical)

        async def until(holds: Callable[[], bool]) -> None:
            async with asyncio.timeout(90):
                while not holds():
                    await pilot.pause(0.01)

        await until(lambda: widget.sizes[-1:] == [Size(40, 10)])
        box.display = False
        await until(lambda: widget not in app.screen._compositor.visible_widgets)
        widget.sizes.clear()
        app.screen._refresh_layout(scroll=True)  # what something that scrolls does
        box.display = True
        assert widget in app.screen._compositor.full_map  # a place is looked up
        await until(lambda: widget.sizes == [Size(40, 10)])
        app.screen._refresh_layout(scroll=True)
        widget.styles.height = 4
        assert widget in app.screen._compositor.full_map
        await until(lambda: widget.sizes == [Size(40, 10), Size(40, 4)])
        app.screen._refresh_layout()
        has_handled_all = asyncio.Event()
        widget.call_later(has_handled_all.set)  # behind a size that is posted once more
        async with asyncio.timeout(90):
            await has_handled_all.wait()
        assert len(widget.sizes) == 2
