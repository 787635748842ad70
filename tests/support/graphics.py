"""A terminal's side of pictures: kitty messages, sixels and tmux wrapping back to pixels."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass, field

from PIL import Image

_TMUX = re.compile(r"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\")
_KITTY = re.compile(r"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\")
_SIXEL = re.compile(r"\x1bP([\d;]*)q([^\x1b]*)\x1b\\")
_ITEM = re.compile(r'"([\d;]*)|#([\d;]+)|!(\d+)([?-~])|([?-~])|([$-])')


def through_tmux(stream: str) -> str:
    """What tmux hands to the terminal outside, of a stream of wrapped sequences alone."""
    assert _TMUX.sub("", stream) == "", "something was not wrapped"
    return "".join(match[1].replace("\x1b\x1b", "\x1b") for match in _TMUX.finditer(stream))


@dataclass
class KittyTerminal:
    """Keeps pictures by number as kitty does: chunks joined, placements laid, deletions obeyed."""

    images: dict[int, Image.Image] = field(default_factory=dict)
    placements: dict[int, tuple[int, int]] = field(default_factory=dict)
    _open: dict[str, str] | None = None
    _payload: str = ""

    def feed(self, stream: str) -> None:
        assert _KITTY.sub("", stream) == "", "not a kitty message"
        for match in _KITTY.finditer(stream):
            keys = dict(pair.split("=", 1) for pair in match[1].split(","))
            assert len(match[2]) <= 4096, "a chunk is too long"
            if keys.get("a") == "d":
                assert keys["d"] == "I"
                self.images.pop(int(keys["i"]), None)
                self.placements.pop(int(keys["i"]), None)
                continue
            if self._open is None:
                self._open = keys
            self._payload += match[2]
            if keys.get("m", "0") == "0":
                self._finish(self._open)
                self._open, self._payload = None, ""

    def _finish(self, keys: dict[str, str]) -> None:
        data = base64.b64decode(self._payload, validate=True)
        if keys.get("o") == "z":
            data = zlib.decompress(data)
        mode = {"24": "RGB", "32": "RGBA"}[keys["f"]]
        image_id = int(keys["i"])
        self.images[image_id] = Image.frombytes(mode, (int(keys["s"]), int(keys["v"])), data)
        assert (keys["a"], keys["U"], keys["q"]) == ("T", "1", "2")
        self.placements[image_id] = (int(keys["c"]), int(keys["r"]))


def sixel_pixels(sequence: str) -> Image.Image:
    """One sixel sequence drawn on a transparent ground (RGBA), as a VT340 would."""
    whole = _SIXEL.fullmatch(sequence)
    assert whole is not None, "not one sixel sequence"
    colors: dict[int, tuple[int, int, int, int]] = {}
    width = height = 0
    x = top = 0
    current = (0, 0, 0, 0)
    image: Image.Image | None = None
    at = 0
    body = whole[2]
    for item in _ITEM.finditer(body):
        assert item.start() == at, f"unexpected {body[at : item.start()]!r}"
        at = item.end()
        raster, color, times, repeated, single, motion = item.groups()
        if raster is not None:
            width, height = (int(part) for part in raster.split(";")[2:])
            image = Image.new("RGBA", (width, height))
        elif color is not None:
            number, *spec = (int(part) for part in color.split(";"))
            if spec:
                assert spec[0] == 2 and len(spec) == 4
                red, green, blue = (round(part * 255 / 100) for part in spec[1:])
                colors[number] = (red, green, blue, 255)
            current = colors[number]
        elif motion == "$":
            x = 0
        elif motion == "-":
            x, top = 0, top + 6
        else:
            assert image is not None, "pixels before raster attributes"
            bits = ord(repeated or single) - 63
            count = int(times or 1)
            for bit in range(6):
                if bits >> bit & 1:
                    assert x + count <= width and top + bit < height, "outside the picture"
                    image.paste(current, (x, top + bit, x + count, top + bit + 1))
            x += count
    assert at == len(body)
    assert image is not None
    return image
