"""Arithmetic on colours: parse, mix, and the contrast that a reader needs."""

from __future__ import annotations

import re
from typing import NamedTuple

from codeexec.domain.terminals import palette_rgb

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class Color(NamedTuple):
    """An sRGB colour; each part is 0 to 255."""

    red: int
    green: int
    blue: int

    @property
    def hex(self) -> str:
        """The colour as `#rrggbb`."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @classmethod
    def parse(cls, text: str) -> Color:
        """Read `#rgb` or `#rrggbb`; ValueError for anything else."""
        if not _HEX.fullmatch(text):
            raise ValueError(f"{text!r} is not a colour of the form #rrggbb")
        digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
        return cls(int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16))

    def mix(self, other: Color, share: float) -> Color:
        """This colour with `share` (0 to 1) of the other in it."""
        return Color(*(round(a + (b - a) * share) for a, b in zip(self, other, strict=True)))


def palette_color(number: int) -> Color:
    """Colours 16 to 255 of xterm."""
    return Color(*palette_rgb(number).to_bytes(3, "big"))


def luminance(color: Color) -> float:
    """Relative luminance, 0 (black) to 1 (white), as WCAG 2.2 defines it."""

    def linear(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(part) for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Color, second: Color) -> float:
    """The WCAG contrast ratio of two colours, 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def farthest(ground: Color, inks: tuple[Color, ...]) -> Color:
    """The ink that stands out most from a ground."""
    return max(inks, key=lambda ink: contrast(ink, ground))


def readable(color: Color, grounds: tuple[Color, ...], toward: Color, ratio: float) -> Color:
    """The colour, moved toward another in steps until it stands `ratio` from every ground.

    Where even the other colour does not reach the ratio, it is returned as the best there is.
    """
    for step in range(21):
        candidate = color.mix(toward, step / 20)
        if all(contrast(candidate, ground) >= ratio for ground in grounds):
            return candidate
    return toward
