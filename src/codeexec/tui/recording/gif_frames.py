"""Frames of a GIF, encoded in their order by as many processes as the machine has processors.

Pillow holds the interpreter while it encodes, so that threads would gain nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import redirect_stderr
from multiprocessing import get_context, parent_process, resource_tracker
from typing import NamedTuple

from PIL import GifImagePlugin, Image

_MOST_COLORS = 256
_ALONE = 60
"""Frames that are encoded in this process: others take a quarter of a second to begin."""
_MOST_PROCESSES = 8
_MOST_WAITING = 4
"""Frames for each process that wait for it: a big one has 10 MB."""


class FramePixels(NamedTuple):
    """A part of the screen in RGB, whose upper left corner is at (0, `top`)."""

    width: int
    height: int
    top: int
    pixels: bytes

    @classmethod
    def of(cls, part: Image.Image, top: int) -> FramePixels:
        return cls(part.width, part.height, top, part.tobytes())


def encode(frame: FramePixels) -> bytes:
    """The block of a GIF that has the frame, with a table of its own colours."""
    part = Image.frombytes("RGB", (frame.width, frame.height), frame.pixels)
    blocks = GifImagePlugin.getdata(_indexed(part), (0, frame.top), include_color_table=True)
    return b"".join(blocks)


def _indexed(part: Image.Image) -> Image.Image:
    """The part with a palette: its own colours where they are few enough."""
    colors = part.getcolors(_MOST_COLORS)
    if colors is None:
        return part.quantize(
            _MOST_COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
    palette = Image.new("P", (1, 1))
    own_colors = [color for _, color in colors if isinstance(color, tuple)]
    palette.putpalette([channel for color in own_colors for channel in color])
    return part.quantize(palette=palette, dither=Image.Dither.NONE)


class FrameEncoder:
    """Takes frames, each with the block that stands before it, and gives back both as bytes."""

    def __init__(self) -> None:
        self._count = 0
        self._processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: deque[tuple[bytes, Future[bytes]]] = deque()

    def take(self, control: bytes, frame: FramePixels) -> Iterator[bytes]:
        """Returns what is done by now, in the order in which it was taken."""
        self._count += 1
        if self._count <= _ALONE or self._processes == 1:
            yield control + encode(frame)
            return
        if self._pool is None:
            with redirect_stderr(sys.__stderr__):
                # Within the app, stderr is Textual's, which is no file that a process can have.
                resource_tracker.ensure_running()
            self._pool = ProcessPoolExecutor(
                self._processes, get_context("spawn"), initializer=_end_with_parent
            )
        self._waiting.append((control, self._pool.submit(encode, frame)))
        while len(self._waiting) > self._processes * _MOST_WAITING:
            yield self._next()

    def finish(self) -> Iterator[bytes]:
        """All that is not done yet. The processes end."""
        while self._waiting:
            yield self._next()
        self.close()

    def close(self) -> None:
        """End the processes, whatever they do."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _next(self) -> bytes:
        control, encoded = self._waiting.popleft()
        return control + encoded.result()


def _end_with_parent() -> None:
    """In a process of the pool: Ctrl+C is the parent's, and none is left when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def end() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
