"""Image bytes to pixels: decoded within bounds, fitted into cells, cut for zoom and pan.

Pillow and resvg are imported when the first picture comes, so a start pays nothing for them.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from codeexec.domain.errors import DocumentError
from codeexec.tui.theme_colors import Color

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
"""The largest picture that is decoded, in pixels: 256 MB of RGBA for a moment."""

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is looked at."""

_SVG_WIDTH = 1600
"""Vector pictures are drawn this wide at most, in pixels."""

_RASTER_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")


class CellSize(NamedTuple):
    """A terminal cell in pixels."""

    width: int
    height: int


class Extent(NamedTuple):
    """A stretch of screen in cells."""

    columns: int
    rows: int


NOMINAL_CELL = CellSize(10, 20)
"""What a cell is taken to be where the terminal does not say: the VT340's, and near most fonts."""


@dataclass(frozen=True, slots=True)
class View:
    """What part of a picture is looked at: `zoom` 1 is all of it, `x` and `y` are the middle.

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


def decode(data: bytes, ground: Color) -> Image:
    """The first frame of a picture as RGB, with `ground` under what is transparent.

    PNG, JPEG, GIF, WebP, BMP, TIFF and SVG. Raises DocumentError for anything else, for a picture
    of more than MAX_PIXELS, and for one that is damaged.
    """
    from PIL import Image as pillow

    if len(data) > MAX_BYTES:
        raise DocumentError(
            f"The picture is {len(data) / 1e6:.0f} MB.", "Save it and open it in another program."
        )
    if is_svg(data):
        data = draw_svg(data)
    try:
        image = pillow.open(io.BytesIO(data), formats=_RASTER_FORMATS)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise DocumentError(
                f"The picture has {width}×{height} pixels, too many to show here.",
                "Save it and open it in another program.",
            )
        if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
            under = pillow.new("RGBA", image.size, (*ground, 255))
            return pillow.alpha_composite(under, image.convert("RGBA")).convert("RGB")
        if image.mode.startswith("I;16"):
            return image.point(lambda value: value / 256).convert("L").convert("RGB")
        return image.convert("RGB")
    except (pillow.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError) as fault:
        # Pillow says all of these of damaged files (SyntaxError is its word for a broken PNG).
        raise DocumentError(f"This is not a picture that can be shown: {fault}.") from None


_SVG = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<svg\b", re.DOTALL
)


def is_svg(data: bytes) -> bool:
    """Whether the bytes begin as an SVG document does."""
    return _SVG.match(data[:4096]) is not None


def can_draw_svg() -> bool:
    """Whether the renderer for vector pictures is installed."""
    from importlib.util import find_spec

    return find_spec("resvg_py") is not None


def draw_svg(data: bytes) -> bytes:
    """An SVG document drawn to PNG bytes; files and addresses it refers to are not fetched."""
    try:
        import resvg_py
    except ImportError:
        raise DocumentError(
            "Vector pictures need the package resvg-py.", "Install it, or look at the SVG's text."
        ) from None
    try:
        drawn: bytes = resvg_py.svg_to_bytes(
            svg_string=data.decode("utf-8", errors="replace"), width=_SVG_WIDTH
        )
    except ValueError as fault:
        raise DocumentError(f"This SVG cannot be drawn: {fault}.") from None
    return drawn


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
