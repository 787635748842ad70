"""Parse SGR sequences, the colour codes of terminals."""

from __future__ import annotations

from typing import NamedTuple

from codeexec.tui.theme.colors import Color

BOLD, DIM, ITALIC, UNDERLINE, REVERSE, CONCEAL, STRIKE = (1 << bit for bit in range(7))

_ON = {1: BOLD, 2: DIM, 3: ITALIC, 4: UNDERLINE, 7: REVERSE, 8: CONCEAL, 9: STRIKE, 21: UNDERLINE}
_OFF = {
    22: BOLD | DIM,
    23: ITALIC,
    24: UNDERLINE,
    27: REVERSE,
    28: CONCEAL,
    29: STRIKE,
}

Paint = int | Color | None
"""A colour as asked for: its number (0 to 255), its parts, or None for the default."""


class Sgr(NamedTuple):
    """Text attributes set by SGR codes; `flags` is a union of BOLD, DIM, ..."""

    color: Paint = None
    ground: Paint = None
    flags: int = 0


PLAIN = Sgr()


def apply(pen: Sgr, parameters: str) -> Sgr:
    """The pen after `ESC [ parameters m`; what makes no sense is left out, as terminals do."""
    color, ground, flags = pen
    groups = [_numbers(group) for group in parameters.split(";")]
    at = 0
    while at < len(groups):
        group = groups[at]
        at += 1
        code = group[0]
        if code in (38, 48):
            # `38;2;r;g;b` is spread over what follows, `38:2::r:g:b` is in the group itself.
            if len(group) > 1:
                paint, used = _extended(_without_color_space(group[1:])), 0
            else:
                following = [part[0] for part in groups[at : at + 4]]
                paint, used = _extended(following), _length(following)
            at += used
            if paint is not None:
                color, ground = (paint, ground) if code == 38 else (color, paint)
        elif code == 0:
            color, ground, flags = PLAIN
        elif code == 4 and group[1:] == [0]:
            flags &= ~UNDERLINE
        elif code in _ON:
            flags |= _ON[code]
        elif code in _OFF:
            flags &= ~_OFF[code]
        elif 30 <= code <= 37:
            color = code - 30
        elif code == 39:
            color = None
        elif 40 <= code <= 47:
            ground = code - 40
        elif code == 49:
            ground = None
        elif 90 <= code <= 97:
            color = code - 82
        elif 100 <= code <= 107:
            ground = code - 92
    return Sgr(color, ground, flags)


def _numbers(group: str) -> list[int]:
    return [int(part) if part.isdecimal() and len(part) < 6 else 0 for part in group.split(":")]


def _without_color_space(numbers: list[int]) -> list[int]:
    if numbers[:1] == [2] and len(numbers) >= 5:
        return [2, *numbers[2:5]]
    return numbers


def _extended(numbers: list[int]) -> Paint:
    match numbers:
        case [5, number, *_] if number <= 255:
            return number
        case [2, red, green, blue, *_] if max(red, green, blue) <= 255:
            return Color(red, green, blue)
    return None


def _length(numbers: list[int]) -> int:
    return {5: 2, 2: 4}.get(numbers[0], 1) if numbers else 0
