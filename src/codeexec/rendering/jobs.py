"""Jobs of the helper process: each makes a PNG, most of them by way of an SVG document."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from codeexec.rendering.faults import Fault
from codeexec.rendering.svg import LONGEST, svg_size, without_references

_SCALE = 2.0
"""Pixels of a chart or formula for one of its own."""


def run(job: str, payload: bytes) -> bytes:
    """The PNG of a job, whose name is JSON: `kind` and, by kind, `ground`, `mime`, `side`.

    Raises Fault, and whatever the libraries raise on damaged documents.
    """
    options: dict[str, Any] = json.loads(job)
    text = payload.decode("utf-8", "replace")
    match options["kind"]:
        case "svg":
            name, _, number = str(options["side"]).partition("=")
            return _rasterised(text, int(number), is_height=name == "height")
        case "vega":
            from codeexec.rendering.vega import vega_svg

            return _scaled(vega_svg(text, options["mime"], options["ground"]))
        case "plotly":
            from codeexec.rendering.plotly.chart import plotly_svg

            return _scaled(plotly_svg(text, options["ground"]))
        case "latex":
            from codeexec.rendering.formula import formula_svg

            return _scaled(formula_svg(text, options["ground"]))
        case "mermaid":
            from codeexec.rendering.mermaid import mermaid_png

            return mermaid_png(text, options["ground"])
        case "pdf":
            from codeexec.rendering.pdf import first_page

            return first_page(payload)
        case kind:
            raise Fault(f"there is no job {kind}")


def _scaled(svg: str) -> bytes:
    """A document of a known size at twice that size, its longer side at most LONGEST pixels."""
    size = svg_size(svg.encode("utf-8", "replace"))
    if size is None:
        raise Fault("it has no size")
    width, height = size
    scale = min(_SCALE, LONGEST / max(size))
    longer = max(round(max(size) * scale), 1)
    return _rasterised(without_references(svg), longer, is_height=height > width)


def _rasterised(svg: str, longer: int, *, is_height: bool) -> bytes:
    """PNG of a document whose longer side is to have so many pixels."""
    import resvg_py

    path, family = _fallback_family() or ("", None)
    if family is not None:
        svg = svg.replace("−", "-")  # a minus sign, which that font lacks
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            width=None if is_height else longer,
            height=longer if is_height else None,
            font_files=[path] if path else None,
            font_family=family,
            sans_serif_family=family,
        )
    )


@cache
def _fallback_family() -> tuple[str, str] | None:
    """File and name of the font to write with on a machine that has none; else None."""
    return None if _has_fonts() else _font_of_pillow()


def _has_fonts() -> bool:
    """Whether the system's fonts can write a letter."""
    import io

    import resvg_py
    from PIL import Image

    sample = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
        '<text x="1" y="16" font-size="18" font-family="sans-serif">M</text></svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=sample))
    return Image.open(io.BytesIO(png)).convert("RGBA").getchannel("A").getextrema() != (0, 0)


def _font_of_pillow() -> tuple[str, str] | None:
    """The font that Pillow has within itself (Aileron, Latin letters), written to a file."""
    import atexit
    import os
    import tempfile

    from PIL import ImageFont

    font = ImageFont.load_default(16)
    if not isinstance(font, ImageFont.FreeTypeFont):
        return None
    handle, path = tempfile.mkstemp(suffix=".ttf")
    atexit.register(os.unlink, path)
    with os.fdopen(handle, "wb") as file:
        file.write(font.font_bytes)
    return path, font.getname()[0] or "Aileron"
