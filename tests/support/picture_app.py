"""An app that shows one picture in one way and ends: `picture_app.py WAY FILE [tmux]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from textual.app import App, ComposeResult
from textual.widgets import Static

from codeexec.tui.graphics import kitty
from codeexec.tui.graphics.cell_size import CellSize
from codeexec.tui.graphics.probe import Graphics, Way
from codeexec.tui.widgets.picture import Picture

MARKS = {"kitty": kitty.PLACEHOLDER, "sixel": "\x1bP0;1q"}
"""What stands once in each cell (kitty) or row (sixel) of a picture."""

ROWS = {"kitty": 32 * 12, "sixel": 12}


class PictureApp(App[None]):
    """A line of text, a picture, a line of text."""

    def __init__(self, data: bytes, graphics: Graphics) -> None:
        super().__init__()
        self._data = data
        self._graphics = graphics

    def compose(self) -> ComposeResult:
        yield Static("above")
        yield Picture(self._data, graphics=self._graphics)
        yield Static("below")

    def on_picture_shown(self, shown: Picture.Shown) -> None:
        assert not shown.fault

    def on_mount(self) -> None:
        """End as soon as the whole picture is written to the terminal."""
        driver = self._driver
        assert driver is not None
        write = driver.write

        def write_and_end(data: str) -> None:
            write(data)
            if data.count(MARKS[self._graphics.way]) >= ROWS[self._graphics.way]:
                self.call_later(self.exit)

        driver.write = write_and_end  # type: ignore[method-assign]


if __name__ == "__main__":
    way, file, *rest = sys.argv[1:]
    chosen = Graphics(cast(Way, way), CellSize(10, 20), tmux="tmux" in rest)
    PictureApp(Path(file).read_bytes(), chosen).run()
