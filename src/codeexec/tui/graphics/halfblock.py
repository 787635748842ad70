"""Pictures from block characters, for every terminal: two colours per cell.

A cell is cut into 1×2 (half), 2×2 (quadrant) or 2×3 (sextant) pixels. Its pixels are parted in
two by brightness, and the glyph whose ink covers the brighter ones is painted in the mean of
each side. Lines of a plot stay thin and text nearly readable; halves cost least.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style

from codeexec.tui.graphics.images import WHOLE, Extent, View, scaled

if TYPE_CHECKING:
    from PIL.Image import Image

Blocks = Literal["half", "quadrant", "sextant"]

_GRID: dict[Blocks, tuple[int, int]] = {"half": (1, 2), "quadrant": (2, 2), "sextant": (2, 3)}

# Glyphs by mask: bit 0 is the pixel at the upper left, then to the right, then down.
_QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"


def _sextants() -> str:
    """Unicode's block of sextants leaves out the four that older blocks already have."""
    old = {0: " ", 0b010101: "▌", 0b101010: "▐", 0b111111: "█"}
    code = iter(range(0x1FB00, 0x1FB3C))
    return "".join(old.get(mask) or chr(next(code)) for mask in range(64))


_GLYPHS: dict[Blocks, str] = {"half": " ▀▄█", "quadrant": _QUADRANTS, "sextant": _sextants()}

_FLAT = 24
"""A cell whose pixels differ in brightness by less (of 255 · 8) is one colour."""

_GROUND_SHARE = 0.6
_LIGHT, _DARK = 225, 60
"""A drawing has so much ground, at least so light or at most so dark (of 255)."""

_SPREAD = 0.4
"""How far lines are spread, as a share of the pixels that become one."""

_LARGE = 1_000_000
"""Pixels above which a picture that is shrunken much is halved before it is looked at."""

Row = list[Segment]


def mosaic(
    image: Image, extent: Extent, view: View = WHOLE, blocks: Blocks = "quadrant"
) -> list[Row]:
    """What the view sees of an RGB picture, as rows of segments over `extent` cells."""
    across, down = _GRID[blocks]
    width = extent.columns * across
    height = extent.rows * down
    pixels = scaled(_thickened(image, width, height, view), width, height, view).tobytes()
    if blocks == "half":
        return _halves(pixels, width, extent)
    glyphs = _GLYPHS[blocks]
    rows = []
    for top in range(extent.rows):
        lines = [
            pixels[(top * down + line) * width * 3 : (top * down + line + 1) * width * 3]
            for line in range(down)
        ]
        cells = [
            _cell([line[at + shift : at + shift + 3] for line in lines for shift in (0, 3)], glyphs)
            for at in range(0, width * 3, across * 3)
        ]
        rows.append(_joined(cells))
    return rows


def _thickened(image: Image, width: int, height: int, view: View) -> Image:
    """A drawing with lines thick enough to outlive shrinking; a photograph as it is.

    A drawing is what is mostly one very light or very dark ground. Its lines, a pixel or two wide,
    would otherwise fade into that ground when a cell stands for hundreds of pixels.
    """
    from PIL import ImageChops

    across = image.width / view.zoom / max(width, 1)
    down = image.height / view.zoom / max(height, 1)
    if min(across, down) < 2:
        return image
    if min(across, down) >= 4 and image.width * image.height > _LARGE:
        image = image.reduce(2)
        across, down = across / 2, down / 2
    light = image.convert("L").histogram()
    enough = sum(light) * _GROUND_SHARE
    if sum(light[_LIGHT:]) >= enough:
        stronger = ImageChops.darker
    elif sum(light[:_DARK]) >= enough:
        stronger = ImageChops.lighter
    else:
        return image
    # Each pass doubles the spread: a pixel with its neighbour, then pairs with pairs.
    step = 1
    while step < max(across, down) * _SPREAD:
        if step < across * _SPREAD:
            image = stronger(image, ImageChops.offset(image, step, 0))
        if step < down * _SPREAD:
            image = stronger(image, ImageChops.offset(image, 0, step))
        step *= 2
    return image


def _halves(pixels: bytes, width: int, extent: Extent) -> list[Row]:
    line = width * 3
    return [
        _joined(
            [
                ("▀", pixels[at : at + 3], pixels[at + line : at + line + 3])
                for at in range(row * 2 * line, (row * 2 + 1) * line, 3)
            ]
        )
        for row in range(extent.rows)
    ]


def _cell(pixels: list[bytes], glyphs: str) -> tuple[str, bytes, bytes]:
    """The glyph and the two colours, as three bytes each, that come nearest to some pixels."""
    light = [2 * pixel[0] + 5 * pixel[1] + pixel[2] for pixel in pixels]
    low, high = min(light), max(light)
    if high - low < _FLAT:
        mean = _mean(pixels)
        return " ", mean, mean
    middle = (low + high) / 2
    mask = 0
    bright, dark = [], []
    for bit, (value, pixel) in enumerate(zip(light, pixels, strict=True)):
        if value > middle:
            mask |= 1 << bit
            bright.append(pixel)
        else:
            dark.append(pixel)
    return glyphs[mask], _mean(bright), _mean(dark)


def _mean(pixels: list[bytes]) -> bytes:
    count = len(pixels)
    if count == 1:
        return pixels[0]
    red, green, blue = map(sum, zip(*pixels, strict=True))
    return bytes((red // count, green // count, blue // count))


def _joined(cells: list[tuple[str, bytes, bytes]]) -> Row:
    """Cells of the same colours side by side become one segment."""
    segments: Row = []
    text, style = "", _style(b"\0\0\0", b"\0\0\0")
    for glyph, color, ground in cells:
        this = _style(color, ground)
        if this is not style and text:
            segments.append(Segment(text, style))
            text = ""
        text += glyph
        style = this
    segments.append(Segment(text, style))
    return segments


@lru_cache(maxsize=32_768)
def _style(color: bytes, ground: bytes) -> Style:
    return Style(color=RichColor.from_rgb(*color), bgcolor=RichColor.from_rgb(*ground))
