"""Pictures within a plot: cells in colours, and how dense many points are."""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Sequence

from codeexec.rendering.plotly.colors import ColorScale
from codeexec.rendering.plotly.plot import Plot
from codeexec.rendering.plotly.values import rgb

_CELL = 2
"""Pixels of the chart that a cell of a density picture has on each side."""


def density_png(
    plot: Plot, xs: Sequence[float | None], ys: Sequence[float | None], shade: str
) -> bytes:
    """How many points are where, by the logarithm: the shade, more opaque where there are more."""
    from PIL import Image

    width, height = max(int(plot.width) // _CELL, 1), max(int(plot.height) // _CELL, 1)
    counts = [0] * (width * height)
    x_factor = width / (plot.x.high - plot.x.low)
    y_factor = height / (plot.y.high - plot.y.low)
    x_low, y_high = plot.x.low, plot.y.high
    for x, y in zip(xs, ys, strict=False):  # a million times: nothing is called here but int
        if x is None or y is None:
            continue
        column, row = (x - x_low) * x_factor, (y_high - y) * y_factor
        if 0 <= column < width and 0 <= row < height:
            counts[int(row) * width + int(column)] += 1
    most = math.log1p(max(counts))
    opacity = bytes(round(60 + 195 * math.log1p(n) / most) if n else 0 for n in counts)
    image = Image.new("RGBA", (width, height), (*rgb(shade), 0))
    image.putalpha(Image.frombytes("L", (width, height), opacity))
    return _png(image)


def grid_png(
    plot: Plot,
    x_edges: Sequence[float],
    y_edges: Sequence[float],
    rows: Sequence[Sequence[float | None]],
    colors: ColorScale,
) -> bytes:
    """Cells between edges, a pixel for each of the plot; cells without a value are clear."""
    from PIL import Image

    width, height = max(round(plot.width), 1), max(round(plot.height), 1)
    x_step, y_step = (plot.x.high - plot.x.low) / width, (plot.y.high - plot.y.low) / height
    columns = _cells(x_edges, [plot.x.low + (at + 0.5) * x_step for at in range(width)])
    lines = _cells(y_edges, [plot.y.high - (at + 0.5) * y_step for at in range(height)])
    painted: dict[int | None, bytes] = {None: bytes(4 * width)}
    for line in {*lines} - {None}:
        assert line is not None
        cells = rows[line] if line < len(rows) else ()
        shades = [
            bytes((*colors.rgb(value), 255)) if value is not None else bytes(4) for value in cells
        ]
        painted[line] = b"".join(
            shades[at] if at is not None and at < len(shades) else bytes(4) for at in columns
        )
    content = b"".join(painted[line] for line in lines)
    return _png(Image.frombytes("RGBA", (width, height), content))


def _cells(edges: Sequence[float], places: Sequence[float]) -> list[int | None]:
    """The cell that each place is in."""
    is_reversed = len(edges) > 1 and edges[0] > edges[-1]
    ordered = list(reversed(edges)) if is_reversed else list(edges)
    size = len(ordered) - 1
    cells: list[int | None] = []
    for place in places:
        at = bisect_right(ordered, place) - 1
        at = size - 1 if place == ordered[-1] else at
        inside = 0 <= at < size
        cells.append((size - 1 - at if is_reversed else at) if inside else None)
    return cells


def _png(image: object) -> bytes:
    from PIL import Image

    assert isinstance(image, Image.Image)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()
