"""What is on a Textual screen as SVG, and that SVG as PNG: cells as a terminal draws them.

Blocks and lines are drawn as shapes that meet from cell to cell, as terminals do it themselves;
all other text keeps to its column whatever font the reader has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

WIDE, HIGH, FONT_SIZE, MARGIN = 10, 20, 16.6, 14
"""Pixels of a cell, of the type in it, and around all of it."""

_FONTS = "'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, monospace"

_QUADRANTS = {
    "▘": 1, "▝": 2, "▀": 3, "▖": 4, "▌": 5, "▞": 6, "▛": 7, "▗": 8, "▚": 9, "▐": 10, "▜": 11,
    "▄": 12, "▙": 13, "▟": 14, "█": 15,
}  # fmt: skip
"""Which quarters of its cell a character fills: 1 and 2 above, 4 and 8 below."""

_EIGHTHS = "▁▂▃▄▅▆▇█"
_LEFT_EIGHTHS = "▏▎▍▌▋▊▉█"

Box = tuple[float, float, float, float]
"""Left, top, width and height, in parts of a cell."""

_THIN_X, _THIN_Y = 1 / WIDE, 1 / HIGH
_LINES: dict[str, tuple[Box, ...]] = {
    "─": ((0, 0.5, 1, _THIN_Y),),
    "━": ((0, 0.475, 1, 2 * _THIN_Y),),
    "│": ((0.5, 0, _THIN_X, 1),),
    "┃": ((0.4, 0, 2 * _THIN_X, 1),),
    "▕": ((0.875, 0, 0.125, 1),),
    "▔": ((0, 0, 1, 0.125),),
}


def shapes(character: str) -> tuple[Box, ...]:
    """What to fill for a block or a line; nothing for all that is text."""
    if character in _LINES:
        return _LINES[character]
    if character in _QUADRANTS:
        bits = _QUADRANTS[character]
        if bits in (3, 12):
            return ((0, 0 if bits == 3 else 0.5, 1, 0.5),)
        if bits == 15:
            return ((0, 0, 1, 1),)
        return tuple(
            (0.5 * (quarter % 2), 0.5 * (quarter // 2), 0.5, 0.5)
            for quarter in range(4)
            if bits & 1 << quarter
        )
    if character in _EIGHTHS:
        part = (_EIGHTHS.index(character) + 1) / 8
        return ((0, 1 - part, 1, part),)
    if character in _LEFT_EIGHTHS:
        return ((0, 0, (_LEFT_EIGHTHS.index(character) + 1) / 8, 1),)
    return ()


def draw(rows: Sequence[Iterable[Segment]], width: int, ground: str, text: str) -> str:
    """The rows as one SVG document; `ground` and `text` are what is meant by no colour."""
    filled: list[str] = []
    written: list[str] = []
    for number, row in enumerate(rows):
        column = 0
        for segment in row:
            if segment.control or not segment.text:
                continue
            style = segment.style or Style()
            front, back = _colors(style, ground, text)
            size = cell_len(segment.text)
            if back != ground:
                filled.append(_rect((column, number, size, 1), back))
            if not style.conceal:
                _write(segment.text, style, column, number, front, filled, written)
            column += size
    wide, high = width * WIDE + 2 * MARGIN, len(rows) * HIGH + 2 * MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
            f'width="{wide}" height="{high}">',
            f'<rect width="{wide}" height="{high}" rx="8" fill="{ground}"/>',
            f'<g transform="translate({MARGIN} {MARGIN})" shape-rendering="crispEdges">',
            *filled,
            "</g>",
            f'<g transform="translate({MARGIN} {MARGIN})" font-family="{_FONTS}" '
            f'font-size="{FONT_SIZE}" xml:space="preserve">',
            *written,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _colors(style: Style, ground: str, text: str) -> tuple[str, str]:
    front, back = _hex(style.color, text), _hex(style.bgcolor, ground)
    return (back, front) if style.reverse else (front, back)


def _hex(color: Color | None, otherwise: str) -> str:
    if color is None or color.is_default:
        return otherwise
    return (color.triplet or color.get_truecolor()).hex


def _rect(box: Box, color: str) -> str:
    x, y, wide, high = box
    return (
        f'<rect x="{x * WIDE:g}" y="{y * HIGH:g}" width="{wide * WIDE:g}" '
        f'height="{high * HIGH:g}" fill="{color}"/>'
    )


def _write(
    text: str, style: Style, column: int, row: int, color: str,
    filled: list[str], written: list[str],
) -> None:  # fmt: skip
    """Put a segment's shapes among what is filled, and its words among what is written."""
    if style.underline:
        filled.append(_rect((column, row + 0.9, cell_len(text), _THIN_Y), color))
    if style.strike:
        filled.append(_rect((column, row + 0.5, cell_len(text), _THIN_Y), color))
    look = (' font-weight="bold"' if style.bold else "") + (
        ' font-style="italic"' if style.italic else ""
    )
    word = ""
    begun = column

    def end_word() -> None:
        # Words are placed each for itself: so no blank decides where a column is.
        if word:
            written.append(
                f'<text x="{begun * WIDE}" y="{row * HIGH + 0.75 * HIGH:g}" fill="{color}"'
                f'{look} textLength="{cell_len(word) * WIDE}">{escape(word)}</text>'
            )

    for character in text:
        boxes = shapes(character)
        size = cell_len(character)
        if character == " " or boxes:
            end_word()
            word = ""
            for x, y, wide, high in boxes:
                filled.append(_rect((column + x, row + y, wide, high), color))
        else:
            if not word:
                begun = column
            word += character
        column += size
    end_word()


def to_png(svg: str) -> bytes:
    """The same in pixels, two for one. Needs a DejaVu Sans Mono among the system's fonts."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=2.0))
