"""How cells look in the colours of a recording: nothing is a palette number or a default."""

from __future__ import annotations

from typing import NamedTuple

from codeexec.documents.recordings.model import ColorScheme
from codeexec.domain.terminals import (
    BOLD,
    DEFAULT_COLOR,
    DIM,
    HIDDEN,
    ITALIC,
    OVERLINE,
    REVERSE,
    RGB,
    STRIKE,
    CellStyle,
    palette_rgb,
)
from codeexec.domain.text.printable import is_web_address


class Look(NamedTuple):
    """Colours are `0xRRGGBB`. `background` None is that of the screen. `link` leads to the web."""

    foreground: int
    background: int | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    overline: bool = False
    link: str = ""


class Looks:
    """Looks of the styles of cells in one scheme."""

    def __init__(self, colors: ColorScheme) -> None:
        self.foreground = int(colors.foreground[1:], 16)
        self.background = int(colors.background[1:], 16)
        self._palette = [int(color[1:], 16) for color in colors.palette]
        self._palette += [palette_rgb(number) for number in range(16, 256)]
        self._plain = Look(self.foreground)
        self._known: dict[CellStyle, Look] = {}

    def look(self, style: CellStyle | None) -> Look:
        if style is None:
            return self._plain
        look = self._known.get(style)
        if look is None:
            look = self._known[style] = self._made(style)
        return look

    def _made(self, style: CellStyle) -> Look:
        flags = style.flags
        foreground = self._color(style.foreground)
        background = self._color(style.background)
        if flags & REVERSE:
            foreground, background = (
                self.background if background is None else background,
                self.foreground if foreground is None else foreground,
            )
        front = self.foreground if foreground is None else foreground
        ground = self.background if background is None else background
        if flags & HIDDEN:
            front = ground
        elif flags & DIM:
            front = blended(front, ground, 0.4)
        return Look(
            front,
            background,
            bool(flags & BOLD),
            bool(flags & ITALIC),
            bool(style.underline),
            bool(flags & STRIKE),
            bool(flags & OVERLINE),
            style.link if style.link and is_web_address(style.link) else "",
        )

    def _color(self, color: int) -> int | None:
        if color == DEFAULT_COLOR:
            return None
        return color - RGB if color >= RGB else self._palette[color & 255]


def blended(color: int, other: int, share: float) -> int:
    """A colour with a share of another one mixed in."""
    mixed = 0
    for shift in (16, 8, 0):
        one, two = color >> shift & 255, other >> shift & 255
        mixed |= round(one + (two - one) * share) << shift
    return mixed
