"""Frames of an animated picture, one after the other, each decoded when its time comes."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

from codeexec.domain.content.picture_head import picture_size
from codeexec.tui.graphics.images import MAX_BYTES, composed, is_within_limits
from codeexec.tui.theme.colors import Color

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("GIF", "WEBP", "PNG")
_SHORTEST = 0.02
_DEFAULT = 0.1
"""Seconds of a frame that names a shorter time, as browsers show it."""


class Animation:
    """The frames of a GIF, WebP or PNG. `loops` is how often it is shown; 0: for ever.

    Methods block: call them in a thread.
    """

    def __init__(self, image: Image, ground: Color) -> None:
        self._image = image
        self._ground = ground
        self._lock = threading.Lock()
        self._at = 0
        self.count: int = getattr(image, "n_frames", 1)
        loops = image.info.get("loop", 1)
        self.loops = loops if isinstance(loops, int) and loops >= 0 else 1

    def next_frame(self) -> tuple[Image, float]:
        """The next frame as `images.decode` makes them, and its time in seconds; after the last
        one the first. OSError, ValueError and EOFError where it is damaged."""
        with self._lock:
            self._image.seek(self._at)
            self._image.load()
            self._at = (self._at + 1) % self.count
            milliseconds = self._image.info.get("duration", 0)
            is_number = isinstance(milliseconds, int | float)
            seconds = milliseconds / 1000 if is_number else 0.0
            frame = composed(self._image, self._ground)
        return frame, seconds if seconds >= _SHORTEST else _DEFAULT

    @property
    def is_at_start(self) -> bool:
        """Whether the first frame comes next."""
        return self._at == 0

    def close(self) -> None:
        self._image.close()


def open_animation(data: bytes, ground: Color) -> Animation | None:
    """None where the picture does not move, or is damaged or too large. Blocks."""
    size = picture_size(data)
    if len(data) > MAX_BYTES or size is None or not is_within_limits(data, size):
        return None
    from PIL import Image as pillow

    try:
        image = pillow.open(io.BytesIO(data), formats=_FORMATS)
        animation = Animation(image, ground)
    except (pillow.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError):
        return None
    if animation.count < 2:
        animation.close()
        return None
    return animation
