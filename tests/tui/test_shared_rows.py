"""Rows of a widget are rendered as the strips that it keeps, equal neighbours as one strip, and
each row still shows its own text in the styles of the widget."""

from __future__ import annotations

import asyncio

import pytest
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


class KeptRows(Rows):
    """Keeps the strips of its rows."""

    def __init__(self, rows: list[tuple[str, Style]]) -> None:
        super().__init__(rows)
        self.kept: dict[int, Strip] = {}

    def render_line(self, y: int) -> Strip:
        return self.kept.setdefault(y, super().render_line(y))


class SafeScreen(Screen[None]):
    def __init__(self) -> None:
        super().__init__()
        self._compositor = SafeCompositor()


class Shown(App[None]):
    def __init__(self, rows: list[tuple[str, Style]], kind: type[Rows] = Rows) -> None:
        super().__init__()
        self.widget = kind(rows)

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


async def test_a_row_without_border_or_effect_is_the_strip_that_the_widget_keeps() -> None:
    app = Shown([("one", Style()), ("two", Style(bold=True))], KeptRows)
    async with app.run_test(size=(WIDTH, 2)) as pilot:
        await until_shown(app, pilot, ["one", "two"])
        widget = app.widget
        assert isinstance(widget, KeptRows)
        assert all(widget.strips[y] is widget.kept[y] for y in range(2))


class AsTextual(Shown):
    """The same on a screen of Textual's own."""

    def get_default_screen(self) -> Screen[None]:
        return Screen()


@pytest.mark.parametrize(
    "css",
    [
        "padding: 0 1;",
        "border: round red;",
        "border-left: thick red;",
        "outline: heavy red;",
        "outline-left: heavy red;",
        "tint: red 40%;",
        "opacity: 50%;",
        "text-opacity: 50%;",
        "hatch: cross red;",
        "background: blue; color: yellow;",
    ],
)
async def test_styles_of_the_widget_are_painted_as_textual_paints_them(css: str) -> None:
    rows = [("one", Style(color="green")), ("", Style()), ("", Style()), ("three", Style())]

    async def painted(kind: type[Shown]) -> list[Strip]:
        class Styled(kind):  # type: ignore[misc, valid-type]
            CSS = f"Screen {{ background: black; }} KeptRows {{ height: 4; {css} }}"

        app = Styled(rows, KeptRows)
        async with app.run_test(size=(WIDTH, 5)) as pilot:
            await pilot.pause()
            strips: list[Strip] = app.screen._compositor.render_strips()
            return strips

    assert await painted(Shown) == await painted(AsTextual)


async def test_an_effect_that_begins_later_is_painted_on_rows_that_are_kept() -> None:
    app = Shown([("one", Style(color="green"))], KeptRows)
    async with app.run_test(size=(WIDTH, 1)) as pilot:
        await until_shown(app, pilot, ["one"])
        before = app.screen._compositor.render_strips()
        app.widget.styles.tint = "red 40%"
        async with asyncio.timeout(90):
            while app.screen._compositor.render_strips() == before:
                await pilot.pause(0.01)
        app.widget.styles.tint = None
        async with asyncio.timeout(90):
            while app.screen._compositor.render_strips() != before:
                await pilot.pause(0.01)
