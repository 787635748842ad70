"""A recording as an animated GIF: each frame is the rectangle that has changed."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from PIL import Image

from codeexec.documents.recordings.model import Marker, RecordingInfo, ScreenFrame
from codeexec.domain.errors import UsageError
from codeexec.domain.terminals import EMPTY_ROW
from codeexec.tui.recording.drawing import CELL_HEIGHT, CELL_WIDTH, RowDrawer
from codeexec.tui.recording.gif_frames import FrameEncoder, FramePixels

SHORTEST = 2
"""Hundredths of a second; what is shorter browsers show for a tenth."""
_LONGEST = 65_535
_AT_END = 300
MOST_BYTES = 512 << 20


class GifWriter:
    """A `RecordingWriter`. Times are rounded, not the pauses: errors do not add up."""

    def __init__(self, info: RecordingInfo) -> None:
        self._drawer = RowDrawer(info)
        width, height = self._drawer.size
        self._screen = Image.new("RGB", (width, height))
        blank = self._drawer.row(EMPTY_ROW)
        for number in range(info.rows):
            self._screen.paste(blank, (0, number * CELL_HEIGHT))
        self._rows = info.rows
        self._changed: tuple[int, int] | None = (0, info.rows)
        """The first row that has changed since the last frame was written, and the end of them."""
        self._widths = [0] * info.rows
        """Columns of each row up to which it is not blank."""
        self._right = info.columns
        """Columns that have changed are before this one."""
        self._at = 0
        self._pieces = [
            b"GIF89a",
            struct.pack("<HHBBB", width, height, 0x70, 0, 0),
            b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",
        ]
        self._bytes = 0
        self._encoder = FrameEncoder()

    def write(self, frame: ScreenFrame) -> None:
        at = round(frame.at * 100)
        if at - self._at >= SHORTEST:
            self._flush(at)
        for number, row in frame.changed.items():
            if number < self._rows:
                self._screen.paste(self._drawer.row(row), (0, number * CELL_HEIGHT))
                width = sum(span.cells for span in row.spans)
                self._right = max(self._right, width, self._widths[number])
                self._widths[number] = width
                first, end = self._changed or (number, number + 1)
                self._changed = min(first, number), max(end, number + 1)

    def mark(self, marker: Marker) -> None:
        """It has no markers."""

    def finish(self, end: float) -> bytes:
        self._flush(max(round(end * 100), self._at) + _AT_END)
        self._add(self._encoder.finish())
        return b"".join([*self._pieces, b";"])

    def _flush(self, until: int) -> None:
        """Write what has changed, to be shown from the last time to `until`."""
        first, end = self._changed or (0, 1)
        top = first * CELL_HEIGHT
        right = min(max(self._right, 1) * CELL_WIDTH, self._screen.width)
        part = self._screen.crop((0, top, right, end * CELL_HEIGHT))
        delay = max(until - self._at, SHORTEST)
        self._take(min(delay, _LONGEST), FramePixels.of(part, top))
        while (delay := delay - _LONGEST) > 0:
            dot = self._screen.crop((0, 0, 1, 1))
            self._take(min(delay, _LONGEST), FramePixels.of(dot, 0))
        self._at, self._changed, self._right = until, None, 0

    def _take(self, delay: int, frame: FramePixels) -> None:
        self._add(self._encoder.take(_control(delay), frame))

    def _add(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._pieces.append(piece)
            self._bytes += len(piece)
            if self._bytes > MOST_BYTES:
                self._encoder.close()
                raise UsageError(
                    "The recording is too long for a GIF.",
                    "Take a part of it (--from, --to), a smaller --size, or write HTML.",
                )


def _control(delay: int) -> bytes:
    """The block before a frame: it stays below the next one."""
    return b"\x21\xf9\x04\x04" + struct.pack("<H", delay) + b"\x00\x00"
