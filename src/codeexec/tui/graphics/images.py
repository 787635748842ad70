"""Decode images within limits, fit them into cells, and crop for zoom and pan.

Pillow and resvg are imported when the first picture comes, so a start pays nothing for them.
"""

from __future__ import annotations

import io
import math
import threading
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from codeexec.domain.content.picture_head import is_multi_scan_jpeg, picture_size
from codeexec.domain.errors import DocumentError
from codeexec.rendering.pictures import draw, draw_svg, is_drawn
from codeexec.rendering.svg import is_svg, svg_size
from codeexec.tui.graphics.cell_size import NOMINAL_CELL, CellSize
from codeexec.tui.theme.colors import Color

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_MEMORY = 256_000_000
"""Bytes that a decoded picture may take for a moment: 64 million pixels of RGB, which Pillow keeps
in four bytes, or 256 million of grey."""

DETAIL = 8_000_000
"""Pixels that are kept of a picture; a terminal of 4K shows no more at once."""

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is looked at."""

_DEPTHS = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
"""Bytes of a pixel in Pillow's memory; other modes have 4."""
_BAND = 128
"""Rows that are made at a time."""

_one_at_a_time = threading.Lock()
_RASTER_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")


class Extent(NamedTuple):
    """Width and height in cells."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class View:
    """Visible part of a picture: `zoom` 1 is the whole, `x` and `y` are the centre.

    `x` and `y` are shares (0 to 1) of the picture's width and height.
    """

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5

    def zoomed(self, factor: float) -> View:
        """Nearer (factor above 1) or farther; never farther than the whole picture."""
        return replace(self, zoom=min(max(self.zoom * factor, 1.0), 32.0))._kept_inside()

    def panned(self, right: float, down: float) -> View:
        """Moved by shares of what is seen."""
        moved = replace(self, x=self.x + right / self.zoom, y=self.y + down / self.zoom)
        return moved._kept_inside()

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what is seen of a picture, in its pixels."""
        half = 0.5 / self.zoom
        return (
            (self.x - half) * width,
            (self.y - half) * height,
            (self.x + half) * width,
            (self.y + half) * height,
        )

    def _kept_inside(self) -> View:
        half = 0.5 / self.zoom
        return replace(
            self,
            x=min(max(self.x, half), 1 - half),
            y=min(max(self.y, half), 1 - half),
        )


WHOLE = View()


def own_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels that a picture's file names, whatever size it is drawn at; None
    where it names none."""
    return svg_size(data) if is_svg(data) else picture_size(data)


def shown_size(data: bytes, image: Image) -> tuple[int, int]:
    """The pixels that a decoded picture takes where there is room: an SVG document is drawn larger
    than it is, to be sharp, and takes its own size."""
    return (svg_size(data) if is_svg(data) else None) or image.size


def decode(data: bytes, ground: Color, mime: str = "") -> Image:
    """The first frame of a picture as RGB, with `ground` under what is transparent.

    PNG, JPEG, GIF, WebP, BMP, TIFF and SVG, by their bytes; charts and formulas by `mime`. One of
    more than DETAIL pixels comes smaller, by a whole factor. Blocks; one picture is decoded at a
    time, so that memory stays bounded. Raises DocumentError for anything else, for a picture that
    would take more than MAX_MEMORY, and for one that is damaged; the message has its size in pixels
    where that is known.
    """
    if len(data) > MAX_BYTES:
        raise DocumentError(
            f"The picture{_pixels(picture_size(data))} is {len(data) / 1e6:.0f} MB.",
            "Save it and open it in another program.",
        )
    if is_drawn(mime):
        data = draw(mime, data, ground.hex)
    elif is_svg(data):
        data = draw_svg(data)
    size = picture_size(data)
    if size is not None and not is_within_limits(data, size):
        raise _too_many(size)
    with _one_at_a_time:
        return _decode(data, ground)


def _decode(data: bytes, ground: Color) -> Image:
    import PIL
    from PIL import Image as pillow

    warnings.filterwarnings("ignore", category=pillow.DecompressionBombWarning)  # we say it
    try:
        image = pillow.open(io.BytesIO(data), formats=_RASTER_FORMATS)
        size = image.size
        # JPEG alone can be decoded at a half, a quarter and an eighth.
        image.draft(None, _within(size, DETAIL))
        if image.width * image.height * _DEPTHS.get(image.mode, 4) > MAX_MEMORY:
            raise _too_many(size)
        image.load()
        return composed(image, ground)
    except (pillow.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError) as fault:
        # Pillow says all of these of damaged files (SyntaxError is its word for a broken PNG).
        dimensions = _pixels(picture_size(data))
        # Its own words for this hold the address of an object.
        why = "it is of no known kind" if isinstance(fault, PIL.UnidentifiedImageError) else fault
        raise DocumentError(
            f"This picture{dimensions} cannot be shown: {why}.", "Run the code that made it again."
        ) from None


def is_within_limits(data: bytes, size: tuple[int, int]) -> bool:
    """Whether a picture of this size is opened at all."""
    return size[0] * size[1] <= _most_pixels(data)


def _most_pixels(data: bytes) -> int:
    """Pixels beyond which a file of this kind is not even opened."""
    if data[:2] != b"\xff\xd8":
        return MAX_MEMORY
    # Decoded at an eighth, unless its scans make the decoder hold all of it.
    return MAX_MEMORY // 4 * (1 if is_multi_scan_jpeg(data) else 16)


def _within(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    """The size made smaller, its shape kept, to have so many pixels."""
    scale = min(math.sqrt(pixels / max(size[0] * size[1], 1)), 1.0)
    return max(int(size[0] * scale), 1), max(int(size[1] * scale), 1)


def composed(image: Image, ground: Color) -> Image:
    """RGB on the ground, of at most DETAIL pixels; made in bands, which costs little memory."""
    from PIL import Image as pillow

    factor = max(math.ceil(math.sqrt(image.width * image.height / DETAIL)), 1)
    size = (math.ceil(image.width / factor), math.ceil(image.height / factor))
    made = pillow.new("RGB", size, tuple(ground))
    for top in range(0, image.height, _BAND * factor):
        bottom = min(top + _BAND * factor, image.height)
        band = image.crop((0, top, image.width, bottom))
        if band.mode.startswith("I;16"):
            band = band.point(lambda value: value / 256).convert("L")
        is_clear = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa")
        band = band.convert("RGBA" if is_clear else "RGB")
        if factor > 1:
            band = band.reduce(factor)
        made.paste(band, (0, top // factor), band if is_clear else None)
    return made


def _too_many(size: tuple[int, int]) -> DocumentError:
    return DocumentError(
        f"The picture has {size[0]}×{size[1]} pixels, too many to show here.",
        "Save it and open it in another program.",
    )


def _pixels(size: tuple[int, int] | None) -> str:
    return f" of {size[0]}×{size[1]} pixels" if size else ""


def fit(
    width: int, height: int, room: Extent, cell: CellSize = NOMINAL_CELL, *, grow: bool = False
) -> Extent:
    """The cells that a picture of `width` by `height` pixels takes, its shape kept.

    At most `room`, at least one cell; larger than its own pixels only with `grow`.
    """
    scale = min(room.columns * cell.width / max(width, 1), room.rows * cell.height / max(height, 1))
    if not grow:
        scale = min(scale, 1.0)
    columns = min(max(round(width * scale / cell.width), 1), max(room.columns, 1))
    rows = min(max(round(height * scale / cell.height), 1), max(room.rows, 1))
    return Extent(columns, rows)


def scaled(image: Image, width: int, height: int, view: View = WHOLE) -> Image:
    """What the view sees, in exactly `width` by `height` pixels."""
    from PIL import Image as pillow

    box = view.box(*image.size)
    if view == WHOLE and image.size == (width, height):
        return image
    larger = width > box[2] - box[0]
    # Magnified pixels are shown as they are; shrunken ones are averaged, first by whole numbers.
    method = pillow.Resampling.BICUBIC if larger else pillow.Resampling.LANCZOS
    return image.resize((width, height), method, box=box, reducing_gap=None if larger else 3.0)
