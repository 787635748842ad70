"""Width and height of a picture from the first bytes of its file, without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_LONGEST_HEAD = 4096
"""Bytes in which an SVG begins with its root element."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_SCAN = 0xDA
"""Markers of JPEG: ITU T.81, B.1.1.3."""


def picture_mime(data: bytes) -> str:
    """The type of a picture that browsers show; empty where it is none."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"GIF8":
        return "image/gif"
    if data[:2] == b"\xff\xd8":
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    head = data[:_LONGEST_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in head:
        return "image/svg+xml"
    return ""


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Pixels of a PNG, GIF, JPEG, WebP or BMP; None where the bytes do not say."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", data, 16)
        elif data[:4] == b"GIF8":
            width, height = struct.unpack_from("<HH", data, 6)
        elif data[:2] == b"\xff\xd8":
            return _jpeg(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        elif data[:2] == b"BM":
            width, height = struct.unpack_from("<ii", data, 18)
            height = abs(height)  # negative where the rows run downward
        else:
            return None
    except struct.error:  # the head is cut off
        return None
    return width, height


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """From the start-of-frame segment."""
    for marker, at in _segments(data):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
    return None


def is_multi_scan_jpeg(data: bytes) -> bool:
    """Whether a decoder must hold all of this JPEG at full size, however small it is wanted."""
    components = 0
    for marker, at in _segments(data):
        if marker in _FRAMES:
            components = data[at + 9] if at + 9 < len(data) else 0
            if marker in _PROGRESSIVE:
                return True
        elif marker == _SCAN:
            return at + 4 < len(data) and data[at + 4] < components
    return False


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Markers of a JPEG, each with its place, up to the first scan: ITU T.81, B.1.1."""
    at = 2 if data[:2] == b"\xff\xd8" else len(data)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        yield marker, at
        if marker == _SCAN:
            return
        at += 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)


def _webp(data: bytes) -> tuple[int, int] | None:
    """https://developers.google.com/speed/webp/docs/riff_container"""
    form = data[12:16]
    if form == b"VP8X" and len(data) >= 30:
        return (
            int.from_bytes(data[24:27], "little") + 1,
            int.from_bytes(data[27:30], "little") + 1,
        )
    if form == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 " and len(data) >= 30:
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
