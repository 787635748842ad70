"""Palettes of limited terminals, and the nearest palette colour to any colour.

Distance is measured in Oklab. Of 256 colours only the cube and the greys are used (16 to 255): what
the first sixteen look like is up to each person. A colour with little hue becomes a grey, and one
that has a hue keeps some.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import hypot

from codeexec.tui.theme.colors import Color, palette_color
from codeexec.tui.theme.tables import Limited

SIXTEEN: tuple[Color, ...] = (
    Color(0, 0, 0),
    Color(205, 0, 0),
    Color(0, 205, 0),
    Color(205, 205, 0),
    Color(0, 0, 238),
    Color(205, 0, 205),
    Color(0, 205, 205),
    Color(229, 229, 229),
    Color(127, 127, 127),
    Color(255, 0, 0),
    Color(0, 255, 0),
    Color(255, 255, 0),
    Color(92, 92, 255),
    Color(255, 0, 255),
    Color(0, 255, 255),
    Color(255, 255, 255),
)
"""xterm's own sixteen, which stand for whatever the terminal makes of them."""

_GREY = 0.022
"""Chroma in Oklab below which a colour is a grey."""


def numbers(depth: Limited) -> range:
    """The colours that are used at a depth."""
    return range(16) if depth == "16" else range(16, 256)


def color_of(number: int) -> Color:
    """What a number of the palette looks like."""
    return SIXTEEN[number] if number < 16 else palette_color(number)


@lru_cache(4096)
def nearest(color: Color, depth: Limited) -> int:
    """The number of the colour of the palette that looks most like another."""
    return nearest_first(color, depth)[0]


@lru_cache(256)
def nearest_first(color: Color, depth: Limited) -> tuple[int, ...]:
    """The palette, ordered by how much each of it looks like the colour. A grey has greys only."""
    light, a, b = _oklab(color)
    chroma = hypot(a, b)
    greyish = chroma < _GREY

    def distance(entry: _Entry) -> float:
        _, other_light, other_a, other_b = entry
        if depth == "16" and not greyish:
            # Of sixteen none is pale: the hue is what tells one from another.
            other = hypot(other_a, other_b)
            if not other:
                return (light - other_light) ** 2 + 3 * chroma**2
            hue = 1 - (a * other_a + b * other_b) / (chroma * other)
            return (light - other_light) ** 2 + 0.3 * hue
        # A wrong hue is seen more than a wrong lightness.
        hue = (a - other_a) ** 2 + (b - other_b) ** 2
        return (light - other_light) ** 2 + hue * (1 if greyish else 2)

    every, greys = _entries(depth)
    return tuple(entry[0] for entry in sorted(greys if greyish else every, key=distance))


_Entry = tuple[int, float, float, float]
"""A number, and its lightness and hue."""


@cache
def _entries(depth: Limited) -> tuple[list[_Entry], list[_Entry]]:
    """All colours of the palette in Oklab, and the greys among them."""
    every = [(number, *_oklab(color_of(number))) for number in numbers(depth)]
    greys = [entry for entry in every if hypot(*entry[2:]) < 1e-3]
    return every, greys


@lru_cache(4096)
def _oklab(color: Color) -> tuple[float, float, float]:
    """Lightness (0 to 1) and two axes of hue, after Ottosson's definition of Oklab."""
    red, green, blue = (
        part / 3294.6 if part <= 10.31475 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in color
    )
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )
