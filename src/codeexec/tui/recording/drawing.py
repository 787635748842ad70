"""Draws rows of cells as pixels: glyphs of a monospace font, and block elements as rectangles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import wcwidth
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

from codeexec.documents.recordings.blocks import BLOCKS
from codeexec.documents.recordings.looks import Look, Looks, blended
from codeexec.documents.recordings.model import RecordingInfo
from codeexec.domain.terminals import TerminalRow
from codeexec.domain.text.printable import printable

CELL_WIDTH, CELL_HEIGHT = 8, 17
_SIZE = 13
_SHADES = 8
"""Steps between the colours of a glyph and of its ground: a palette has 256 colours."""
_KEPT_ROWS, _KEPT_TILES = 600, 20_000

_FONTS = (
    *("DejaVuSansMono", "Menlo", "LiberationMono-Regular", "NotoSansMono-Regular"),
    *("UbuntuMono-R", "UbuntuMono[wght]", "FreeMono", "cour", "Courier New"),
)
_BOLD = {
    "DejaVuSansMono": "DejaVuSansMono-Bold",
    "LiberationMono-Regular": "LiberationMono-Bold",
    "NotoSansMono-Regular": "NotoSansMono-Bold",
    "UbuntuMono-R": "UbuntuMono-B",
    "FreeMono": "FreeMonoBold",
}
_OTHERS = ("NotoSansCJK-Regular", "wqy-microhei", "unifont", "DejaVuSans", "Symbola", "FreeSans")
"""For characters that the first font has not."""
_SUFFIXES = (".ttf", ".ttc", ".otf")
_MISSING = "\U0010fffd"

Font = FreeTypeFont | ImageFont.ImageFont


def _load(name: str) -> FreeTypeFont | None:
    """A font of this machine by the name of its file; None where it is not there."""
    for suffix in _SUFFIXES:
        try:
            return ImageFont.truetype(f"{name}{suffix}", _SIZE)
        except OSError:
            continue
    return None


@cache
def _fonts(bold: bool) -> tuple[Font, ...]:
    """The first font of this machine and those behind it; Pillow's own where there is none."""
    for name in _FONTS:
        if (regular := _load(name)) is not None:
            chosen = _load(_BOLD[name]) if bold and name in _BOLD else None
            others = [font for other in _OTHERS if (font := _load(other)) is not None]
            return chosen or regular, *others
    return (ImageFont.load_default(_SIZE),)


@cache
def _is_missing(font: FreeTypeFont, character: str) -> bool:
    box = font.getbbox(character)
    return box == font.getbbox(_MISSING) and bytes(font.getmask(character)) == bytes(
        font.getmask(_MISSING)
    )


def _font_for(text: str, bold: bool) -> Font:
    fonts = _fonts(bold)
    for font in fonts:
        if not isinstance(font, FreeTypeFont) or not _is_missing(font, text[0]):
            return font
    return fonts[0]


class RowDrawer:
    """Images of rows of one recording; rows and characters that repeat are drawn once."""

    def __init__(self, info: RecordingInfo) -> None:
        self.size = info.columns * CELL_WIDTH, info.rows * CELL_HEIGHT
        self._looks = Looks(info.colors)
        self.background = self._looks.background
        self._rows: dict[TerminalRow, Image.Image] = {}
        self._tiles: dict[tuple[str, int, Look], Image.Image] = {}

    def row(self, row: TerminalRow) -> Image.Image:
        """The row in the width of the screen."""
        image = self._rows.get(row)
        if image is None:
            if len(self._rows) >= _KEPT_ROWS:
                self._rows.clear()
            image = self._rows[row] = self._drawn(row)
        return image

    def screen(self, rows: Sequence[TerminalRow]) -> Image.Image:
        """All rows, one below the other."""
        image = Image.new("RGB", self.size, _rgb(self.background))
        for number, row in enumerate(rows):
            image.paste(self.row(row), (0, number * CELL_HEIGHT))
        return image

    def _drawn(self, row: TerminalRow) -> Image.Image:
        image = Image.new("RGB", (self.size[0], CELL_HEIGHT), _rgb(self.background))
        column = 0
        for span in row.spans:
            look = self._looks.look(span.style)
            for text, cells in _characters(printable(span.text), span.cells):
                if text != " " or look.background is not None or look.underline or look.strike:
                    image.paste(self._tile(text, cells, look), (column * CELL_WIDTH, 0))
                column += cells
        return image

    def _tile(self, text: str, cells: int, look: Look) -> Image.Image:
        key = text, cells, look
        tile = self._tiles.get(key)
        if tile is None:
            if len(self._tiles) >= _KEPT_TILES:
                self._tiles.clear()
            tile = self._tiles[key] = self._made(text, cells, look)
        return tile

    def _made(self, text: str, cells: int, look: Look) -> Image.Image:
        ground = self.background if look.background is None else look.background
        size = cells * CELL_WIDTH, CELL_HEIGHT
        ink = Image.new("L", size, 0)
        draw = ImageDraw.Draw(ink)
        if (block := BLOCKS.get(text)) is not None:
            for x, top, wide, high in block:
                corner = round(x * size[0]), round(top * size[1])
                end = round((x + wide) * size[0]) - 1, round((top + high) * size[1]) - 1
                draw.rectangle((corner, end), fill=255)
        elif text.strip():
            font = _font_for(text, look.bold)
            width = draw.textlength(text, font=font)
            x = max((size[0] - width) / 2, 0.0) if cells == 1 else 0.0
            draw.text((round(x), 1), text, fill=255, font=font)
        for is_on, line in (
            (look.underline, CELL_HEIGHT - 2),
            (look.strike, CELL_HEIGHT // 2),
            (look.overline, 0),
        ):
            if is_on:
                draw.line((0, line, size[0], line), fill=255)
        return _colored(ink, look.foreground, ground)


def _colored(ink: Image.Image, front: int, ground: int) -> Image.Image:
    """The ink in a few steps between two colours."""
    tables: list[int] = []
    steps = [blended(ground, front, step / _SHADES) for step in range(_SHADES + 1)]
    for shift in (16, 8, 0):
        tables += [steps[round(level * _SHADES / 255)] >> shift & 255 for level in range(256)]
    return Image.merge("RGB", (ink, ink, ink)).point(tables)


def _characters(text: str, cells: int) -> Iterable[tuple[str, int]]:
    """Characters with the cells that they cover, of a span that covers `cells`."""
    if len(text) == cells:
        return ((character, 1) for character in text)
    if len(text) * 2 == cells:
        return ((character, 2) for character in text)
    return _clusters(text, cells)


def _clusters(text: str, cells: int) -> Iterable[tuple[str, int]]:
    room = cells
    for cluster in wcwidth.iter_graphemes(text):
        width = min(max(wcwidth.wcswidth(cluster), 0), room)
        if width:
            yield cluster, width
        room -= width
    if room:
        yield " ", room


def _rgb(color: int) -> tuple[int, int, int]:
    return color >> 16 & 255, color >> 8 & 255, color & 255
