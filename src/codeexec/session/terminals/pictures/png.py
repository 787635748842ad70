"""Writes PNG files: of pixels, or of colour numbers with a palette."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 1
_PALETTE = 3
COLOR_TYPES = {3: 2, 4: 6}
"""PNG's number for pixels of 3 bytes (RGB) and of 4 (with alpha)."""


def png_of_pixels(pixels: bytes, width: int, height: int, depth: int) -> bytes:
    """`depth` is the number of bytes of a pixel, 3 or 4."""
    row = width * depth
    rows = (pixels[at : at + row] for at in range(0, row * height, row))
    return _png(width, height, COLOR_TYPES[depth], b"\0" + b"\0".join(rows))


def png_of_indexes(
    rows: Sequence[bytes | bytearray], palette: Sequence[tuple[int, int, int]]
) -> bytes:
    """Rows of colour numbers; number 255 is transparent."""
    colors = b"".join(map(bytes, palette)).ljust(256 * 3, b"\0")
    chunks = _chunk(b"PLTE", colors) + _chunk(b"tRNS", b"\xff" * 255 + b"\0")
    pixels = b"\0" + b"\0".join(map(bytes, rows))
    return _png(len(rows[0]), len(rows), _PALETTE, pixels, chunks)


def _png(width: int, height: int, color_type: int, pixels: bytes, chunks: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", head),
            chunks,
            _chunk(b"IDAT", zlib.compress(pixels, _LEVEL)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
