"""A terminal's side of pictures: kitty messages, sixels and tmux wrapping back to pixels."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
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


def sixels_in(stream: str) -> list[str]:
    """The sixel sequences within what a program has written."""
    return [match[0] for match in _SIXEL.finditer(stream)]


def kitty_messages_in(stream: str) -> str:
    """The kitty messages within what a program has written, one after the other."""
    return "".join(match[0] for match in _KITTY.finditer(stream))


def tmux_messages_in(stream: str) -> str:
    """What tmux would hand on to the terminal outside."""
    return through_tmux("".join(match[0] for match in _TMUX.finditer(stream)))


def written_by(arguments: list[str], rows: int, columns: int, deadline: float = 60) -> str:
    """All that a program writes to a terminal of that size until it ends by itself."""
    person, program = pty.openpty()
    fcntl.ioctl(person, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environ.pop("NO_COLOR", None)
    child = subprocess.Popen(
        arguments, stdin=program, stdout=program, stderr=program, env=environ, close_fds=True
    )
    os.close(program)
    written = bytearray()
    ends = time.monotonic() + deadline
    try:
        while True:
            left = ends - time.monotonic()
            assert left > 0, f"the program has not ended; it wrote {bytes(written[-500:])!r}"
            if select.select([person], [], [], left)[0]:
                try:
                    data = os.read(person, 65536)
                except OSError:
                    break  # Linux says EIO when the program has closed its side
                if not data:
                    break
                written += data
        assert child.wait(timeout=90) == 0, bytes(written[-2000:]).decode(errors="replace")
    finally:
        child.kill()
        child.wait()
        os.close(person)
    return written.decode("utf-8")
