"""Paint a picture as rows of cells by the terminal's best method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import ControlType, Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.tui.graphics import kitty, sixel
from codeexec.tui.graphics.halfblock import Blocks, mosaic
from codeexec.tui.graphics.images import Extent, View, scaled
from codeexec.tui.graphics.probe import Graphics

if TYPE_CHECKING:
    from PIL.Image import Image

_CONTROL = [(ControlType.CURSOR_FORWARD, 0)]
"""Marks a segment as taking no cells."""


@dataclass(frozen=True, slots=True)
class Painting:
    """Painted rows, and the bytes to send to the terminal once before them.

    `covered` stands in where part of the picture is hidden. A picture with an `image_id` is kept
    by the terminal until it is told to forget it.
    """

    extent: Extent
    rows: list[Strip]
    covered: list[Strip]
    sent: str = ""
    image_id: int = 0


def paint(image: Image, extent: Extent, view: View, graphics: Graphics) -> Painting:
    """Paint over `extent` cells; takes up to tens of milliseconds, so call it in a thread."""
    way = graphics.way
    if way == "kitty" and max(extent) > kitty.MAX_SIDE:
        way = "quadrant"
    match way:
        case "kitty":
            return _paint_kitty(image, extent, view, graphics)
        case "sixel":
            return _paint_sixel(image, extent, view, graphics)
        case "half" | "quadrant" | "sextant":
            rows = _paint_blocks(image, extent, view, way)
            return Painting(extent, rows, rows)
        case "none":
            return Painting(extent, [], [])


def _paint_blocks(image: Image, extent: Extent, view: View, blocks: Blocks) -> list[Strip]:
    return [Strip(row, extent.columns) for row in mosaic(image, extent, view, blocks)]


def _paint_kitty(image: Image, extent: Extent, view: View, graphics: Graphics) -> Painting:
    left, top, right, bottom = view.box(*image.size)
    # Never more pixels than there are: the terminal enlarges as well as we do.
    width = min(extent.columns * graphics.cell.width, round(right - left))
    height = min(extent.rows * graphics.cell.height, round(bottom - top))
    part = scaled(image, max(width, 1), max(height, 1), view)
    image_id = kitty.new_id()
    style = Style(color=kitty.id_color(image_id).hex)
    rows = [Strip([Segment(row, style)], extent.columns) for row in kitty.placeholders(extent)]
    sent = kitty.transmit(part, image_id, extent, tmux=graphics.tmux)
    return Painting(extent, rows, rows, sent, image_id)


def _paint_sixel(image: Image, extent: Extent, view: View, graphics: Graphics) -> Painting:
    cell = graphics.cell
    part = scaled(image, extent.columns * cell.width, extent.rows * cell.height, view)
    sequences = sixel.encode_rows(sixel.quantise(part), cell.height)
    blank = Segment(" " * extent.columns)
    ahead = f"\x1b8\x1b[{extent.columns}C"
    rows = [
        # Blank the cells, go back and lay the pixels over them, then go on behind them.
        Strip(
            [
                Segment("\x1b7", None, _CONTROL),
                blank,
                Segment(f"\x1b8{sequence}{ahead}", None, _CONTROL),
            ],
            extent.columns,
        )
        for sequence in sequences
    ]
    return Painting(extent, rows, _paint_blocks(image, extent, view, "quadrant"))
