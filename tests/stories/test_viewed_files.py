"""Files that are looked at: pictures and PDF open in the viewer, tables and pages by a command."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from textual.widgets import Static

from codeexec.tui.output.contents import prepare
from codeexec.tui.screens.viewer import ViewerScreen
from codeexec.tui.widgets.picture import Picture
from support.bench import Bench, open_bench


def viewer_title(bench: Bench) -> str:
    screen = bench.program.screen
    title = screen.query("#title") if isinstance(screen, ViewerScreen) else ()
    return next((str(word.render()) for word in title if isinstance(word, Static)), "")


@pytest.mark.slow
async def test_a_picture_opens_in_the_viewer_and_a_table_by_a_command(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"sales.csv": "city,sold\nBern,3\nOslo,7\n"}) as bench:
        Image.new("RGB", (40, 30), "red").save(tmp_path / "plot.png")
        (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4")
        workbench = bench.workbench
        await workbench.files.open_path(tmp_path / "plot.png")
        await bench.until(lambda: viewer_title(bench).split() == ["plot.png", "40×30"], "title")
        await bench.until(lambda: list(bench.program.screen.query(Picture)), "the picture")
        await bench.press("escape")
        await workbench.files.open_path(tmp_path / "broken.pdf")
        await bench.sees("PDF document is not drawn: it is damaged")
        await bench.press("escape")
        await workbench.files.open_path(tmp_path / "gone.gif")
        await bench.is_told("There is no file")
        await workbench.files.view_document()
        await bench.until(lambda: viewer_title(bench).startswith("sales.csv"), "the table")
        await bench.sees("Oslo")


def test_a_sound_says_what_it_is() -> None:
    content = prepare("audio/mpeg", b"\0" * 500, "a.mp3")
    assert str(getattr(content, "message", "")) == "Mpeg audio, 500 B.\nO opens it elsewhere."
