"""Protocol of a layer over a text, such as a page with the outputs of cells."""

from __future__ import annotations

from typing import Protocol

from rich.segment import Segment


class EditorLayer(Protocol):
    """Puts blocks into one editor. All methods are called in the event loop."""

    def before_sync(self) -> None:
        """The text or the caret has changed, and is about to be drawn: bring the blocks up."""

    def painted(self) -> None:
        """Rows were painted; those of blocks may have noted what they miss."""

    def resized(self) -> None:
        """The editor has another size."""

    def escape(self) -> bool:
        """Escape was pressed and there was nothing to close; whether the layer used it."""

    def heading(self, line: int, room: int) -> list[Segment] | None:
        """The row of a separator, or of the line that closes a fence, in `room` cells; None to show
        it as it is written."""

    def block_glyph(self, block_key: str, row: int) -> str:
        """The sign in the gutter beside a row of a block; empty for none."""

    def scroll_block(self, block_key: str, across: int, down: int) -> bool:
        """The wheel was turned over a block, to scroll it by columns or rows; whether the layer
        used it."""

    def press_line(self, line: int, button: int, *, shift: bool) -> bool:
        """A mouse button went down on a line of text; whether the layer used it."""
