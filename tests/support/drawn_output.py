"""What `run` has drawn on a terminal, by what it was sent: sections, words, pictures, a sheet."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyte
from PIL import Image, ImageChops, ImageDraw, ImageStat

from support.graphics import KittyTerminal, kitty_messages_in, sixel_pixels, sixels_in
from support.output_kinds import Color

_COLUMNS = 200

_ESCAPES = re.compile(r"\x1b[P_].*?\x1b\\|\x1b\[[0-9;?]*[A-Za-z]", re.DOTALL)


def sections_of(text: str) -> dict[str, str]:
    """What stands below the name of each kind."""
    pieces = re.split(r"(?m)^.*?== (.+?) ==\r?\n", text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def words_in(sent: str) -> str:
    """What stands there without pictures and escape sequences."""
    return _ESCAPES.sub("", sent)


def picture_in(name: str, sent: str) -> Image.Image | None:
    """The picture that a terminal shows of what it was sent, the last one of several."""
    if name == "kitty":
        terminal = KittyTerminal()
        terminal.feed(kitty_messages_in(sent))
        images = list(terminal.images.values())
        return images[-1].convert("RGB") if images else None
    if name == "sixel":
        found = [sixel_pixels(sequence) for sequence in sixels_in(sent)]
        return found[-1].convert("RGB") if found else None
    rows = [row for row in cells_of(sent) if "▀" in {text for text, _, _ in row}]
    width = max((len(row) for row in rows), default=0)
    if not width:
        return None
    image = Image.new("RGB", (width, 2 * len(rows)))
    for y, row in enumerate(rows):
        for x, (text, ink, ground) in enumerate(row):
            image.putpixel((x, 2 * y), ink if text == "▀" else ground)
            image.putpixel((x, 2 * y + 1), ground)
    return image


def cells_of(sent: str) -> Iterator[list[tuple[str, Color, Color]]]:
    """The cells of each line with the colours of text and ground."""
    lines = sent.count("\n") + 1
    screen = pyte.Screen(_COLUMNS, lines)
    pyte.Stream(screen).feed(sent)
    for y in range(lines):
        yield [
            (char.data, rgb(char.fg), rgb(char.bg))
            for x in range(_COLUMNS)
            if (char := screen.buffer[y][x]).data == "▀" or char.bg != "default"
        ]


def rgb(name: str) -> Color:
    if not re.fullmatch("[0-9a-f]{6}", name):
        return (0, 0, 0)
    return int(name[:2], 16), int(name[2:4], 16), int(name[4:], 16)


def share(image: Image.Image, color: Color) -> float:
    """The share of pixels that are about of this colour."""
    far = ImageChops.difference(image, Image.new("RGB", image.size, color)).convert("RGB")
    pixels = far.tobytes()
    near = sum(max(pixels[at : at + 3]) < 90 for at in range(0, len(pixels), 3))
    return near / (image.width * image.height)


def distance(one: Image.Image, other: Image.Image) -> float:
    """How far the colours of two pictures are apart, on a coarse grid; at most 255."""
    grids = [image.resize((16, 8), Image.Resampling.BOX) for image in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*grids)).mean)


def contact_sheet(pictures: list[tuple[str, Image.Image]]) -> Image.Image:
    """The pictures side by side, each under its name."""
    width, height, across = 420, 300, 4
    rows = -(-len(pictures) // across)
    sheet = Image.new("RGB", (width * across, height * rows), "#808080")
    for at, (name, image) in enumerate(pictures):
        left, top = at % across * width, at // across * height
        scale = min((width - 20) / image.width, (height - 40) / image.height)
        size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
        sheet.paste(image.resize(size), (left + 10, top + 30))
        ImageDraw.Draw(sheet).text((left + 10, top + 8), f"{name} {image.size}", "white")
    return sheet
