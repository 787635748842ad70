"""Equal rows of a widget are rendered as one strip, and each row still shows its own text."""

from __future__ import annotations

import asyncio

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from codeexec.tui.textual_ext.compositor import SafeCompositor

WIDTH = 12


class Rows(Widget):
    """Shows rows; each time a row is rendered it is a new strip."""

    def __init__(self, rows: list[tuple[str, Style]]) -> None:
        super().__init__()
        self.rows = rows

    def render_line(self, y: int) -> Strip:
        text, style = self.rows[y]
        return Strip([Segment(text.ljust(self.size.width), style)])

    @property
    def strips(self) -> dict[int, Strip]:
        return self._styles_cache._cache


class SafeScreen(Screen[None]):
    def __init__(self) -> None:
        super().__init__()
        self._compositor = SafeCompositor()


class Shown(App[None]):
    def __init__(self, rows: list[tuple[str, Style]]) -> None:
        super().__init__()
        self.widget = Rows(rows)

    def compose(self) -> ComposeResult:
        yield self.widget

    def get_default_screen(self) -> Screen[None]:
        return SafeScreen()

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


async def until_shown(app: Shown, pilot: Pilot[None], lines: list[str]) -> None:
    async with asyncio.timeout(90):
        while app.lines != lines:
            await pilot.pause(0.01)


async def test_equal_rows_that_follow_each_other_are_one_strip() -> None:
    plain, bold = Style(), Style(bold=True)
    rows = [("a", plain), ("", plain), ("", plain), ("", plain), ("a", plain), ("a", bold)]
    app = Shown(rows)
    async with app.run_test(size=(WIDTH, len(rows))) as pilot:
        await until_shown(app, pilot, ["a", "", "", "", "a", "a"])
        strips = app.widget.strips
        assert strips[1] is strips[2] is strips[3]
        assert len({id(strip) for strip in strips.values()}) == 4


async def test_rows_of_two_links_stay_two_strips() -> None:
    rows = [("here", Style(link="https://example.org")) for _ in range(2)]
    app = Shown(rows)
    async with app.run_test(size=(WIDTH, len(rows))) as pilot:
        await until_shown(app, pilot, ["here", "here"])
        assert app.widget.strips[0] is not app.widget.strips[1]


async def test_a_row_that_changes_leaves_its_equals_as_they_were() -> None:
    app = Shown([("", Style())] * 4)
    async with app.run_test(size=(WIDTH, 4)) as pilot:
        await until_shown(app, pilot, ["", "", "", ""])
        app.widget.rows[1] = ("x", Style())
        app.widget.refresh(Region(0, 1, WIDTH, 1))
        await until_shown(app, pilot, ["", "x", "", ""])
        app.widget.rows[1] = ("", Style())
        app.widget.refresh(Region(0, 1, WIDTH, 1))
        await until_shown(app, pilot, ["", "", "", ""])
        app.widget.styles.border = ("round", "red")
        app.widget.styles.width = 6
        await until_shown(app, pilot, ["╭────╮", "│    │", "│    │", "╰────╯"])
        assert app.widget.strips[1] is app.widget.strips[2]
