"""Reads pictures of sixels: columns of six pixels, by colour.

DEC's "VT330/VT340 Programmer Reference Manual", chapter 14, has the format. A run of columns is
painted as one large integer for each of its six rows, so that Python handles no single pixels.
"""

from __future__ import annotations

import colorsys
import re
import time
from functools import lru_cache

from codeexec.session.terminals.pictures.png import png_of_indexes

MOST_PIXELS = 4_000_000
MOST_SIDE = 10_000
MOST_UNSIZED = 1 << 18
"""Bytes of a picture that does not begin with its size: all of it is read to find that."""
SECONDS = 3.0
"""After which what has been read of a picture is all that is shown of it."""
_TOKENS_AT_ONCE = 50
"""Between two looks at the clock: one that chooses a colour takes up to a millisecond."""

_SIZE = re.compile(rb'"\d*;\d*;(\d{1,6});(\d{1,6})')
_TOKEN = re.compile(rb"([?-~]+)|!(\d{1,6})([?-~])|#([\d;]{1,40})|([$-])")
_CLEAR = 255
"""The colour number of what is not painted."""
_FIRST = (
    (0, 0, 0), (51, 51, 204), (204, 33, 33), (51, 204, 51), (204, 51, 204), (51, 204, 204),
    (204, 204, 51), (135, 135, 135), (66, 66, 66), (84, 84, 153), (153, 66, 66), (84, 153, 84),
    (153, 84, 153), (84, 153, 153), (153, 153, 84), (204, 204, 204),
)  # fmt: skip
"""The colours of a VT340."""


def sixel_size(body: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where there are none, or too many to be shown."""
    stated = _SIZE.match(body.lstrip()[:64])
    if stated is not None:
        size = int(stated[1]), int(stated[2])
    elif len(body) <= MOST_UNSIZED:
        size = _measured(body)
    else:
        return None
    width, height = size
    is_good = 0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE and width * height <= MOST_PIXELS
    return size if is_good else None


def _measured(body: bytes) -> tuple[int, int]:
    widest = x = bands = 0
    for token in _TOKEN.finditer(body):
        run, count, _, _, mark = token.groups()
        if run is not None:
            x += len(run)
        elif count is not None:
            x += int(count)
        elif mark is not None:
            x = 0
            bands += mark == b"-"
        widest = max(widest, x)
    return widest, (bands + (x > 0)) * 6


def sixel_png(body: bytes, size: tuple[int, int]) -> bytes:
    """The picture as PNG; what is outside of `size` is left out. Blocks, for SECONDS at most."""
    painter = _Painter(*size)
    deadline = time.monotonic() + SECONDS
    for number, token in enumerate(_TOKEN.finditer(body)):
        if number % _TOKENS_AT_ONCE == 0 and time.monotonic() > deadline:
            break
        run, count, column, color, mark = token.groups()
        if run is not None:
            painter.paint(run)
        elif count is not None:
            painter.repeat(column[0], int(count))
        elif color is not None:
            painter.choose(color)
        elif mark == b"$":
            painter.x = 0
        elif not painter.next_band():
            break
    return png_of_indexes(painter.rows, painter.palette)


class _Painter:
    """Where a picture is painted next, and in which colour."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.rows = [bytearray(b"\xff") * width for _ in range(height)]
        self.x = self._top = 0
        self._registers: dict[int, tuple[int, int, int]] = dict(enumerate(_FIRST))
        self._numbers: dict[tuple[int, int, int], int] = {}
        self.palette: list[tuple[int, int, int]] = []
        self._color = self._number((0, 0, 0))

    def next_band(self) -> bool:
        """Whether there is room for one more."""
        self.x = 0
        self._top += 6
        return self._top < len(self.rows)

    def choose(self, parameters: bytes) -> None:
        """Choose a colour, after defining it where there are parameters for that."""
        register, *definition = (int(part or 0) for part in parameters.split(b";"))
        if len(definition) >= 4:
            first, second, third = (min(part, 360) for part in definition[1:4])
            if definition[0] == 1:
                hue = ((first + 240) % 360) / 360  # DEC counts from blue
                shares = colorsys.hls_to_rgb(hue, min(second, 100) / 100, min(third, 100) / 100)
            else:
                shares = (min(first, 100) / 100, min(second, 100) / 100, min(third, 100) / 100)
            red, green, blue = (round(share * 255) for share in shares)
            self._registers[register % 1024] = (red, green, blue)
        self._color = self._number(self._registers.get(register % 1024, (0, 0, 0)))

    def _number(self, color: tuple[int, int, int]) -> int:
        number = self._numbers.get(color)
        if number is None:
            if len(self.palette) >= _CLEAR:
                return self._nearest(color)
            number = self._numbers[color] = len(self.palette)
            self.palette.append(color)
        return number

    def _nearest(self, color: tuple[int, int, int]) -> int:
        def distance(number: int) -> int:
            return sum((a - b) ** 2 for a, b in zip(self.palette[number], color, strict=True))

        number = min(range(len(self.palette)), key=distance)
        if len(self._numbers) < 4096:
            self._numbers[color] = number
        return number

    def paint(self, run: bytes) -> None:
        """Paint a column for each character."""
        start, run = self.x, run[: max(self.width - self.x, 0)]
        self.x += len(run)
        for bit, row in enumerate(self.rows[self._top : self._top + 6]):
            painted = int.from_bytes(run.translate(_mask(bit)), "little")
            if painted:
                end = start + len(run)
                before = int.from_bytes(row[start:end], "little")
                color = int.from_bytes(run.translate(_colored(bit, self._color)), "little")
                row[start:end] = (before & ~painted | color).to_bytes(len(run), "little")

    def repeat(self, column: int, count: int) -> None:
        """Paint a column several times."""
        start, end = self.x, min(self.x + count, self.width)
        self.x = max(end, self.x)
        if start >= end:
            return
        for bit, row in enumerate(self.rows[self._top : self._top + 6]):
            if (column - 63) >> bit & 1:
                row[start:end] = bytes((self._color,)) * (end - start)


@lru_cache(maxsize=8)
def _mask(bit: int) -> bytes:
    """The table that makes 255 of a column with this row painted, and 0 of any other."""
    return bytes(255 * _is_painted(column, bit) for column in range(256))


@lru_cache(maxsize=2048)
def _colored(bit: int, color: int) -> bytes:
    """The same with the number of a colour."""
    return bytes(color * _is_painted(column, bit) for column in range(256))


def _is_painted(column: int, bit: int) -> int:
    return (column - 63) >> bit & 1 if 63 <= column <= 126 else 0
