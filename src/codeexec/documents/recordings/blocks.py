"""Block elements as rectangles: fonts leave gaps between them, and pictures are made of them."""

from __future__ import annotations

Rectangle = tuple[float, float, float, float]
"""Left, top, width and height, as shares of a cell."""

_QUADRANTS: tuple[Rectangle, ...] = (
    (0.0, 0.0, 0.5, 0.5),
    (0.5, 0.0, 0.5, 0.5),
    (0.0, 0.5, 0.5, 0.5),
    (0.5, 0.5, 0.5, 0.5),
)
"""Upper left, upper right, lower left, lower right."""
_CORNERS = ("2", "3", "0", "023", "03", "012", "013", "1", "12", "123")
"""Quadrants of U+2596 to U+259F."""


def _blocks() -> dict[str, tuple[Rectangle, ...]]:
    blocks: dict[str, tuple[Rectangle, ...]] = {
        "\u2580": ((0.0, 0.0, 1.0, 0.5),),
        "\u2590": ((0.5, 0.0, 0.5, 1.0),),
        "\u2594": ((0.0, 0.0, 1.0, 0.125),),
        "\u2595": ((0.875, 0.0, 0.125, 1.0),),
    }
    for eighths in range(1, 9):
        blocks[chr(0x2580 + eighths)] = ((0.0, 1 - eighths / 8, 1.0, eighths / 8),)
    for eighths in range(1, 8):
        blocks[chr(0x2590 - eighths)] = ((0.0, 0.0, eighths / 8, 1.0),)
    for number, corners in enumerate(_CORNERS):
        blocks[chr(0x2596 + number)] = tuple(_QUADRANTS[int(corner)] for corner in corners)
    return blocks


BLOCKS = _blocks()
"""The rectangles of each block element that is not a shade."""
