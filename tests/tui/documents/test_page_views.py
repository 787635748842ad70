"""Pages in two halves, and what pages with pictures send to the terminal."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from PIL import Image

from codeexec.tui.graphics.probe import Graphics, Way
from codeexec.tui.output.pictures import paint_picture
from codeexec.tui.panes.editor.code_editor import CodeEditor
from support.notebooks import code, markdown, stream
from support.page_pane import make, opened, rows, shows, write_notebook
from support.pane_app import PaneApp, until

P = ParamSpec("P")
R = TypeVar("R")


def text_of(editor: CodeEditor) -> str:
    return "\n".join(editor.render_line(y).text for y in range(editor.size.height))


async def test_one_notebook_in_two_halves_is_a_page_in_both(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", markdown("**bold**"), code("x", stream("out\n")))
    async with PaneApp(pane := make()).run_test(size=(140, 30)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "out"))
        pane.halves.toggle()
        await until(pilot, lambda: len(sheet.views) == 2)
        first, second = (view.editor for view in sheet.views)
        await until(pilot, lambda: all("out" in text_of(one) for one in (first, second)))
        # Each half has a caret of its own, and the text is one.
        first.focus()
        await until(pilot, lambda: first.has_focus)
        first.move_to(first.model.buffer.end)
        await pilot.press("y")
        await until(pilot, lambda: all("y" in text_of(one) for one in (first, second)))
        assert first.model.cursor != second.model.cursor
        first.action_page("toggle")
        await until(pilot, lambda: all("out" not in text_of(one) for one in (first, second)))
        first.action_page("toggle")
        await until(pilot, lambda: all("out" in text_of(one) for one in (first, second)))


class Paints:
    """Paints pictures once `allowed` is set; counts those that were begun and that have ended."""

    def __init__(self) -> None:
        self.allowed = threading.Event()
        self.begun = self.ended = 0

    def counted(self, function: Callable[P, R]) -> Callable[P, R]:
        def call(*arguments: P.args, **options: P.kwargs) -> R:
            self.begun += 1
            self.allowed.wait()
            try:
                return function(*arguments, **options)
            finally:
                self.ended += 1

        return call


@pytest.mark.slow
@pytest.mark.parametrize("way", ["kitty", "quadrant"])
async def test_scrolling_over_pictures_sends_them_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    """Pictures do not flicker: none is sent again, and no frame is without one that was there."""
    file = io.BytesIO()
    Image.new("RGB", (200, 120), "red").save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    output = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": data, "text/plain": "words"},
    }
    cells = [markdown(f"![words](data:image/png;base64,{data})"), code("a", output)]
    path = write_notebook(tmp_path / "a.ipynb", *cells, *(code("x") for _ in range(12)))
    pane = make()
    pane.pages.graphics = Graphics(way)
    app = PaneApp(pane)
    # A slow machine gives the page its last size after it has asked for pictures.
    paints = Paints()
    for room in ("output.loader", "panes.documents.page.markdown_pictures"):
        paint = paints.counted(paint_picture)
        monkeypatch.setattr(f"codeexec.tui.{room}.paint_picture", paint)
    async with app.run_test(size=(60, 20)) as pilot:
        assert app._driver is not None
        sent: list[str] = []
        monkeypatch.setattr(app._driver, "write", sent.append)
        sheet = await opened(pane, path)
        model, editor = sheet.editor.model, sheet.editor
        await until(pilot, lambda: model.rows.total > 20)
        paints.allowed.set()
        keys = model.rows.blocks.keys

        def is_painted() -> bool:
            blocks = [block for key in keys() if (block := model.rows.blocks.get(key))]
            is_shown = len(blocks) == 2 and all(block.height > 3 for block in blocks)
            return is_shown and paints.begun == paints.ended

        for y in (0, 8):
            editor.scroll_to(y=y, animate=False, immediate=True)
            await until(pilot, lambda: "words" not in "\n".join(rows(sheet)))
        await until(pilot, is_painted)
        await pilot.pause()
        pictures = sum("\x1b_G" in one for one in sent)
        # One that was asked for at an earlier size of the page is painted, and sent, at both.
        assert pictures in (range(1, paints.ended + 1) if way == "kitty" else (0,))
        for y in [*range(model.rows.total - 20), *range(model.rows.total - 20, 0, -1)]:
            editor.scroll_to(y=y, animate=False, immediate=True)
            await pilot.pause()
            assert "words" not in "\n".join(rows(sheet))
        assert sum("\x1b_G" in one for one in sent) == pictures
        assert not any("\x1b[2J" in one for one in sent)
