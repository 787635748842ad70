"""An app that shows one picture in one way and ends: `picture_app.py WAY FILE [tmux]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from textual.app import App, ComposeResult
from textual.widgets import Static

from codeexec.tui.graphics.images import CellSize
from codeexec.tui.graphics.probe import Graphics, Way
from codeexec.tui.widgets.picture import Picture


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
        if shown.picture.size.height > 1:
            self.call_after_refresh(self.call_after_refresh, self.exit)


if __name__ == "__main__":
    way, file, *rest = sys.argv[1:]
    chosen = Graphics(cast(Way, way), CellSize(10, 20), tmux="tmux" in rest)
    PictureApp(Path(file).read_bytes(), chosen).run()
