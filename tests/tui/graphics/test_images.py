"""Decoding within bounds, fitting into cells, zoom and pan, and pictures from blocks."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.segment import Segment

from codeexec.domain.errors import DocumentError
from codeexec.rendering.svg import is_svg
from codeexec.tui.graphics import images
from codeexec.tui.graphics.cell_size import NOMINAL_CELL, CellSize
from codeexec.tui.graphics.halfblock import Blocks, mosaic
from codeexec.tui.graphics.images import (
    MAX_MEMORY,
    WHOLE,
    Extent,
    View,
    decode,
    fit,
    scaled,
)
from codeexec.tui.theme.colors import Color

BLACK = Color(0, 0, 0)
SVG = b"""<?xml version="1.0"?><!-- made by hand -->
<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">
<rect width="20" height="20" fill="#ff0000"/></svg>"""


def _file(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_the_usual_formats(kind: str) -> None:
    image = decode(_file(Image.new("RGB", (30, 20), "#20a040"), kind), BLACK)
    assert (image.mode, image.size) == ("RGB", (30, 20))
    red, green, blue = image.getpixel((15, 10))  # type: ignore[misc]
    assert abs(red - 0x20) < 4 and abs(green - 0xA0) < 4 and abs(blue - 0x40) < 4


def test_transparency_shows_the_theme() -> None:
    image = decode(_file(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG"), Color(1, 2, 3))
    assert image.getpixel((0, 0)) == (1, 2, 3)


def test_deep_grey_is_grey() -> None:
    deep = Image.new("I;16", (2, 2), 0x8000)
    assert decode(_file(deep, "PNG"), BLACK).getpixel((0, 0)) == (128, 128, 128)


def test_svg_is_drawn() -> None:
    assert is_svg(SVG)
    image = decode(SVG, Color(9, 9, 9))
    assert image.width == 2 * image.height
    assert image.getpixel((image.width // 4, image.height // 2)) == (255, 0, 0)
    assert image.getpixel((image.width * 3 // 4, image.height // 2)) == (9, 9, 9)


def _bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises more pixels than anybody wants."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        _bomb(60_000, 60_000),
        _bomb(MAX_MEMORY // 1000 + 1, 1000),
        b"",
        b"not a picture",
        _file(Image.new("RGB", (50, 50)), "PNG")[:60],
        b"<svg xmlns='http://www.w3.org/2000/svg'><g>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
)
def test_what_cannot_be_shown_is_said(data: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        decode(data, BLACK)
    assert caught.value.message


def test_pictures_keep_their_shape_in_cells() -> None:
    assert fit(640, 480, Extent(80, 24)) == (64, 24)
    assert fit(640, 480, Extent(40, 24)) == (40, 15)
    assert fit(640, 480, Extent(200, 50)) == (64, 24)
    assert fit(640, 480, Extent(200, 50), grow=True) == (133, 50)
    assert fit(1, 1, Extent(80, 24)) == (1, 1)
    assert fit(10_000, 1, Extent(80, 24)) == (80, 1)


@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.builds(Extent, st.integers(1, 300), st.integers(1, 100)),
    st.builds(CellSize, st.integers(4, 40), st.integers(4, 60)),
    st.booleans(),
)
def test_a_fit_is_within_its_room(
    width: int, height: int, room: Extent, cell: CellSize, grow: bool
) -> None:
    extent = fit(width, height, room, cell, grow=grow)
    assert 1 <= extent.columns <= room.columns
    assert 1 <= extent.rows <= room.rows


moves = st.lists(
    st.tuples(st.floats(0.1, 10), st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=10
)


@given(moves)
def test_a_view_never_leaves_the_picture(steps: list[tuple[float, float, float]]) -> None:
    view = WHOLE
    for factor, right, down in steps:
        view = view.zoomed(factor).panned(right, down)
        left, top, end, bottom = view.box(100, 50)
        assert -1e-6 <= left < end <= 100 + 1e-6
        assert -1e-6 <= top < bottom <= 50 + 1e-6


def test_zooming_shows_the_part() -> None:
    image = Image.new("RGB", (100, 100), "white")
    image.paste("black", (50, 50, 100, 100))
    corner = scaled(image, 10, 10, View().zoomed(2).panned(1, 1))
    assert corner.getpixel((5, 5)) == (0, 0, 0)
    assert scaled(image, 10, 10).getpixel((2, 2)) == (255, 255, 255)


def _pixels(rows: list[list[Segment]], across: int, down: int, glyphs: str) -> Image.Image:
    """Block characters drawn back to pixels."""
    cells = [(glyph, segment.style) for row in rows for segment in row for glyph in segment.text]
    columns = len(cells) // len(rows)
    image = Image.new("RGB", (columns * across, len(rows) * down))
    for at, (glyph, style) in enumerate(cells):
        assert style is not None and style.color is not None and style.bgcolor is not None
        row, column = divmod(at, columns)
        mask = glyphs.index(glyph)
        for bit in range(across * down):
            paint = style.color if mask >> bit & 1 else style.bgcolor
            y, x = divmod(bit, across)
            image.putpixel((column * across + x, row * down + y), tuple(paint.get_truecolor()))
    return image


@pytest.mark.parametrize(
    ("blocks", "across", "down", "glyphs"),
    [("half", 1, 2, " ▀▄█"), ("quadrant", 2, 2, " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█")],
)
def test_two_colours_to_a_cell_are_exact(
    blocks: Blocks, across: int, down: int, glyphs: str
) -> None:
    image = Image.new("RGB", (8 * across, 5 * down), "#f8f8f2")
    for y in range(image.height):
        for x in range(image.width):
            if (x * 7 + y * 3) % 5 < 2:
                image.putpixel((x, y), (31, 119, 180))
    drawn = _pixels(mosaic(image, Extent(8, 5), blocks=blocks), across, down, glyphs)
    assert drawn.tobytes() == image.tobytes()


@pytest.mark.parametrize("blocks", ["half", "quadrant", "sextant"])
def test_a_mosaic_fills_its_cells(blocks: Blocks) -> None:
    rows = mosaic(Image.effect_noise((64, 48), 80).convert("RGB"), Extent(21, 9), blocks=blocks)
    assert [Segment.get_line_length(row) for row in rows] == [21] * 9


def test_a_flat_picture_is_one_segment_a_row() -> None:
    rows = mosaic(Image.new("RGB", (64, 48), "#336699"), Extent(20, 3))
    assert [len(row) for row in rows] == [1, 1, 1]


def test_the_nominal_cell_is_twice_as_high_as_wide() -> None:
    assert NOMINAL_CELL.height == 2 * NOMINAL_CELL.width


@pytest.mark.parametrize("ground", ["white", "black"])
def test_thin_lines_outlive_a_small_pane(ground: str) -> None:
    ink = (30, 30, 30) if ground == "white" else (230, 230, 230)
    image = Image.new("RGB", (640, 480), ground)
    image.paste(ink, (0, 240, 640, 242))
    rows = mosaic(image, Extent(24, 9))
    colors = {
        paint.get_truecolor().red
        for row in rows
        for segment in row
        if segment.style is not None
        for paint in (segment.style.color, segment.style.bgcolor)
        if paint is not None
    }
    strongest = min(colors) if ground == "white" else max(colors)
    assert abs(strongest - ink[0]) < 160


def test_a_large_picture_comes_smaller_and_whole() -> None:
    image = Image.new("RGBA", (4000, 3001), (0, 0, 0, 0))
    image.paste((250, 0, 0, 255), (0, 0, 4000, 1500))
    made = decode(_file(image, "PNG"), Color(1, 2, 3))
    assert (made.mode, made.size) == ("RGB", (2000, 1501))
    assert made.getpixel((1000, 700)) == (250, 0, 0)
    assert made.getpixel((1000, 1500)) == (1, 2, 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "CMYK", "I;16", "RGB"])
def test_large_pictures_of_every_mode(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "DETAIL", 10_000)
    kind = {"CMYK": "TIFF"}.get(mode, "PNG")
    made = decode(_file(Image.new(mode, (300, 271)), kind), BLACK)
    assert (made.mode, made.size) == ("RGB", (100, 91))


def test_a_jpeg_too_large_to_hold_is_decoded_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_MEMORY", 1000 * 1000)
    monkeypatch.setattr(images, "DETAIL", 10_000)
    large = Image.new("RGB", (900, 800), "#20a040")
    assert decode(_file(large, "JPEG"), BLACK).size == (57, 50)
    with pytest.raises(DocumentError, match="900×800 pixels"):
        decode(_file(large, "PNG"), BLACK)


def test_the_size_of_a_picture_that_is_not_shown_is_told() -> None:
    with pytest.raises(DocumentError, match="60000×60000 pixels"):
        decode(_bomb(60_000, 60_000), BLACK)
    with pytest.raises(DocumentError, match="50×50 pixels"):
        decode(_file(Image.effect_noise((50, 50), 90), "PNG")[:200], BLACK)


@pytest.mark.slow
def test_a_picture_of_62_megapixels_takes_little_memory() -> None:
    code = (
        "import io; from PIL import Image\n"
        "from codeexec.tui.graphics.images import decode\n"
        "from codeexec.tui.theme.colors import Color\n"
        "image = Image.new('RGBA', (7900, 7900), (9, 9, 9, 9)); file = io.BytesIO()\n"
        "image.save(file, 'PNG', compress_level=1); image.close(); del image\n"
        "print(decode(file.getvalue(), Color(0, 0, 0)).size)\n"
        # ru_maxrss would begin at the size of the process that started this one.
        "peak = next(l for l in open('/proc/self/status') if l.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    assert done[0] == "(2634, 2634)"
    assert int(done[1]) < 500  # MB; the pixels alone are 250
