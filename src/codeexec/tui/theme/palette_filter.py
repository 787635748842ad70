"""Line filter that maps each drawn colour to the palette of a limited terminal."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color as RichColor
from rich.color import ColorType
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as TextualColor
from textual.filter import LineFilter

from codeexec.tui.theme.colors import Color, contrast
from codeexec.tui.theme.palette import color_of, nearest
from codeexec.tui.theme.tables import Limited

_PLACEHOLDER = "\U0010eeee"
"""kitty's: its foreground is not a colour, but the number of a picture."""


_LEAST = 4.0


class PaletteFilter(LineFilter):
    """Line filter that converts colours to palette numbers of a depth.

    A colour of the palette stays what it is: those of the themes are. All others (pictures in
    blocks, colours that a program chose, blends) become the nearest.

    `surface` is the ground of most text, for which the theme has chosen its colours. On other
    grounds of sixteen words get black or white where they could not be read.
    """

    def __init__(self, depth: Limited, surface: Color) -> None:
        super().__init__()
        self.depth = depth
        self._surface = nearest(surface, depth) if depth == "16" else None

    def apply(self, segments: list[Segment], background: TextualColor) -> list[Segment]:
        depth, surface = self.depth, self._surface
        return [
            Segment(text, _limited(style, depth, surface, _has_words(text)), control)
            if style is not None and not text.startswith(_PLACEHOLDER)
            else Segment(text, style, control)
            for text, style, control in segments
        ]


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


@lru_cache(4096)
def _limited(style: Style, depth: Limited, surface: int | None, is_words: bool) -> Style:
    color, ground = style.color, style.bgcolor
    front, limited_ground = _number(color, depth), _number(ground, depth)
    if front is not None and limited_ground is not None and is_words and not style.conceal:
        if front == limited_ground and color != ground:
            front = _apart(front, depth)
        if surface not in (None, limited_ground):
            front = _readable(front, limited_ground)
    limited = Style(
        color=color if front is None else _color(front, depth),
        bgcolor=ground if limited_ground is None else _color(limited_ground, depth),
    )
    return style + limited


def _readable(front: int, ground: int) -> int:
    if contrast(color_of(front), color_of(ground)) >= _LEAST:
        return front
    return 0 if sum(color_of(ground)) > 382 else 15


def _number(color: RichColor | None, depth: Limited) -> int | None:
    if color is None or color.is_default:
        return None
    if color.number is not None and color.type is not ColorType.TRUECOLOR:
        number = color.number
        return number if depth == "256" or number < 16 else nearest(color_of(number), depth)
    if color.triplet is None:
        return None
    return nearest(Color(*color.triplet), depth)


def _apart(number: int, depth: Limited) -> int:
    """A grey for text whose colour has become that of its ground, that is seen on it."""
    is_light = sum(color_of(number)) > 382
    if depth == "16":
        return 0 if is_light else 15
    return 238 if is_light else 249


@lru_cache(512)
def _color(number: int, depth: Limited) -> RichColor:
    """Palette colour with its RGB value, which Textual needs for blending."""
    kind = ColorType.STANDARD if depth == "16" else ColorType.EIGHT_BIT
    return RichColor(f"color({number})", kind, number, ColorTriplet(*color_of(number)))
