"""An SVG document that is put together from shapes. Texts are escaped, numbers are rounded."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

FONT = "Open Sans, DejaVu Sans, Verdana, Arial, sans-serif"

Place = tuple[float, float]


class Canvas:
    """Shapes in pixels from the left top; the last one is in front."""

    def __init__(self, width: float, height: float, ground: str) -> None:
        self.width, self.height = width, height
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
            f'viewBox="0 0 {_n(width)} {_n(height)}" font-family={quoteattr(FONT)}>'
        ]
        self._clips = 0
        self.rect(0, 0, width, height, ground)

    def document(self) -> str:
        return "".join([*self._parts, "</svg>"])

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, opacity: float = 1.0
    ) -> None:
        """A filled box; negative sizes go to the left and up."""
        left, top = min(x, x + width), min(y, y + height)
        self._parts.append(
            f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(abs(width))}" '
            f'height="{_n(abs(height))}" fill="{fill}"{_opacity(opacity)}/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str, width: float) -> None:
        self._parts.append(
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" '
            f'stroke="{stroke}" stroke-width="{_n(width)}"/>'
        )

    def polyline(
        self, places: Iterable[Place], stroke: str, width: float, dash: str = "", opacity: float = 1
    ) -> None:
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in places)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="{_n(width)}" '
            f'stroke-linejoin="round"{dashes}{_opacity(opacity)}/>'
        )

    def polygon(self, places: Iterable[Place], fill: str, opacity: float) -> None:
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in places)
        self._parts.append(f'<polygon points="{points}" fill="{fill}"{_opacity(opacity)}/>')

    def circle(self, x: float, y: float, radius: float, fill: str, opacity: float = 1.0) -> None:
        self._parts.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{fill}"{_opacity(opacity)}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        fill: str,
        size: float = 12,
        anchor: str = "start",
        *,
        turned: float = 0,
        bold: bool = False,
    ) -> None:
        """Words on the base line `y`, turned about their place by degrees."""
        turn = f' transform="rotate({_n(turned)} {_n(x)} {_n(y)})"' if turned else ""
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{anchor}" '
            f'fill="{fill}"{weight}{turn}>{escape(words)}</text>'
        )

    def image(self, x: float, y: float, width: float, height: float, png: bytes) -> None:
        """A picture, its pixels as they are."""
        data = base64.b64encode(png).decode()
        self._parts.append(
            f'<image x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" '
            f'preserveAspectRatio="none" style="image-rendering:optimizeSpeed" '
            f'href="data:image/png;base64,{data}"/>'
        )

    def begin_clip(self, x: float, y: float, width: float, height: float) -> None:
        """What follows is seen within a box only, until `end_clip`."""
        self._clips += 1
        self._parts.append(
            f'<clipPath id="c{self._clips}"><rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" '
            f'height="{_n(height)}"/></clipPath><g clip-path="url(#c{self._clips})">'
        )

    def end_clip(self) -> None:
        self._parts.append("</g>")


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _opacity(opacity: float) -> str:
    return f' opacity="{_n(opacity)}"' if opacity < 1 else ""
