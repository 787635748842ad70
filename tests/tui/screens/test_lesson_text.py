"""The text of a lesson: its pictures are drawn from beside the lesson, or words say why not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.screens.lesson.text import LessonText, PicturePlace
from codeexec.tui.theme import theme

THEME = theme.load_themes([theme.built_in_folder()])[theme.DEFAULT]
DEADLINE = 60.0


class TextApp(App[None]):
    drawn = 0

    def compose(self) -> ComposeResult:
        yield LessonText(THEME)

    @on(LessonText.HeightChanged)
    def count(self) -> None:
        self.drawn += 1


async def _until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not holds():
            await pilot.pause(0.01)


def _rows(text: LessonText) -> str:
    return "\n".join(text.render_line(row).text.rstrip() for row in range(text.size.height))


async def test_a_picture_beside_the_lesson_is_drawn(tmp_path: Path) -> None:
    Image.new("RGB", (200, 100), "navy").save(tmp_path / "a.png")
    app = TextApp()
    async with app.run_test(size=(80, 24)) as pilot:
        text = app.query_one(LessonText)
        source = "Above.\n\n![A plot](a.png)\n\nBelow."
        height = text.show(source, 60, PicturePlace(Graphics("quadrant"), tmp_path, 6))
        await _until(pilot, lambda: app.drawn == 1)
        assert height == 5
        taller = text.show(source, 60, PicturePlace(Graphics("quadrant"), tmp_path, 6))
        assert 5 < taller <= 10
        assert "A plot" not in _rows(text) and "Below." in _rows(text)


async def test_a_picture_within_a_line_is_drawn_below_its_paragraph(tmp_path: Path) -> None:
    Image.new("RGB", (200, 100), "navy").save(tmp_path / "a.png")
    app = TextApp()
    async with app.run_test(size=(80, 24)) as pilot:
        text = app.query_one(LessonText)
        source = "See ![a plot](a.png) here,\nand ![more](https://example.org/a.png).\n\nBelow."
        assert text.show(source, 60) == 3 and "a plot" in _rows(text)
        place = PicturePlace(Graphics("quadrant"), tmp_path, 6)
        text.show(source, 60, place)
        await _until(pilot, lambda: app.drawn == 1)
        assert 5 < text.show(source, 60, place) <= 10
        rows = _rows(text)
        assert "▣" not in rows and "a plot" in rows and rows.rstrip().endswith("Below.")


async def test_words_stand_in_place_of_a_picture_that_cannot_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    app = TextApp()
    async with app.run_test(size=(100, 24)) as pilot:
        text = app.query_one(LessonText)
        source = (
            "![one](gone.png)\n\n![two](../a.png)\n\n![three](https://example.org/a.png)\n\n"
            "![four](bad.png)"
        )
        text.show(source, 76, PicturePlace(Graphics("quadrant"), tmp_path, 6))
        await _until(pilot, lambda: app.drawn == 4)
        rows = _rows(text)
        assert "▣ one (" in rows and "▣ two (It is not below the folder" in rows
        assert "▣ three (It is in the network)" in rows
        assert "picture" in rows
        assert text.show("![one](gone.png)", 76) == 1
        await pilot.pause()
        assert "▣ one" in _rows(text)
