"""Encode pictures as sixels: six rows of pixels per line, by colour.

DEC's "VT330/VT340 Programmer Reference Manual", chapter 14, has the format. Rows of a band are
held as one large integer a colour, a byte a column, so that Python shifts and joins a whole row
of pixels at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

BAND = 6
COLORS = 160
"""Enough for a plot or a small photograph; each more costs bytes in every band."""

_START = "\x1bPq"
_TRANSPARENT = "\x1bP0;1q"
_END = "\x1b\\"

_TO_SIXEL = bytes(range(0x3F, 0x3F + 64)) + bytes(192)
_RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)


@cache
def _is_color(color: int) -> bytes:
    """The table that makes a row of palette numbers a row of zeros and ones."""
    return bytes(int(index == color) for index in range(256))


def quantise(image: Image, colors: int = COLORS) -> Image:
    """An RGB picture in at most `colors` colours, for `encode`; no dither, which spoils text."""
    from PIL import Image as pillow

    few = image.getcolors(colors)
    if few is not None:
        # The picture has no more colours than that: keep every one exactly.
        palette = [part for _, color in few for part in color]  # type: ignore[union-attr]
        exact = pillow.new("P", (1, 1))
        exact.putpalette(palette)
        return image.quantize(palette=exact, dither=pillow.Dither.NONE)
    return image.quantize(colors, method=pillow.Quantize.MAXCOVERAGE, dither=pillow.Dither.NONE)


def encode(image: Image) -> str:
    """A quantised picture (mode P) as one sixel sequence."""
    width, height = image.size
    data = image.tobytes()
    palette = _palette(image)
    body = [f'"1;1;{width};{height}', _define(sorted(set(data)), palette)]
    body += _bands(data, width)
    return f"{_START}{''.join(body)}{_END}"


def encode_rows(image: Image, cell_height: int) -> list[str]:
    """A quantised picture as one sixel sequence for each row of cells, from top to bottom.

    Each sequence brings the colours it needs and leaves alone what is below its own pixels, so
    that rows can be repainted by themselves.
    """
    width, height = image.size
    data = image.tobytes()
    palette = _palette(image)
    sequences = []
    for top in range(0, height, cell_height):
        part = data[top * width : min(top + cell_height, height) * width]
        rows = len(part) // width
        body = [f'"1;1;{width};{rows}', _define(sorted(set(part)), palette), *_bands(part, width)]
        sequences.append(f"{_TRANSPARENT}{''.join(body)}{_END}")
    return sequences


def _palette(image: Image) -> list[int]:
    return image.getpalette("RGB") or []


def _define(colors: list[int], palette: list[int]) -> str:
    """Colour registers, their parts in hundredths as the VT340 has them."""
    return "".join(
        "#{};2;{};{};{}".format(color, *((part * 200 + 255) // 510 for part in parts))
        for color in colors
        if len(parts := palette[color * 3 : color * 3 + 3]) == 3
    )


def _bands(data: bytes, width: int) -> Iterator[str]:
    size = width * BAND
    for start in range(0, len(data), size):
        yield _band(data[start : start + size], width)


def _band(band: bytes, width: int) -> str:
    """Six rows of pixels: colours that do not overlap share a pass, the others go back by `$`."""
    rows = [band[at : at + width] for at in range(0, len(band), width)]
    spans = sorted(_span(rows, color, width) for color in set(band))
    passes: list[str] = []
    ends: list[int] = []
    for left, right, color in spans:
        lane = next((lane for lane, end in enumerate(ends) if end <= left), len(ends))
        if lane == len(ends):
            passes.append("")
            ends.append(0)
        gap = left - ends[lane]
        blank = "?" * gap if gap < 4 else f"!{gap}?"
        passes[lane] += f"#{color}{blank}{_sixels(rows, color, left, right)}"
        ends[lane] = right
    return "$".join(passes) + "-"


def _span(rows: list[bytes], color: int, width: int) -> tuple[int, int, int]:
    """The first column that a colour has in a band, the one after its last, and the colour."""
    first, last = width, -1
    for row in rows:
        column = row.find(color, 0, first)
        if column >= 0:
            first = column
        last = max(last, row.rfind(color, last + 1))
    return first, last + 1, color


def _sixels(rows: list[bytes], color: int, left: int, right: int) -> str:
    if right - left == 1:
        return chr(63 + sum((row[left] == color) << shift for shift, row in enumerate(rows)))
    table = _is_color(color)
    joined = 0
    for shift, row in enumerate(rows):
        joined |= int.from_bytes(row[left:right].translate(table), "little") << shift
    sixels = joined.to_bytes(right - left, "little").translate(_TO_SIXEL)
    return _RUN.sub(_repeat, sixels).decode("ascii")


def _repeat(run: re.Match[bytes]) -> bytes:
    return b"!%d%b" % (run.end() - run.start(), run[1])
