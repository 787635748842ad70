"""What of a terminal's output is new, when its server sends its last part once more.

A server keeps the last 1,000 pieces of output as it has read them, and sends them as one text to
each client that joins: no number tells where in the output that begins.
"""

from __future__ import annotations

from collections import deque

KEPT = 256 << 10
"""Characters of the output that are compared with what is sent text_again."""
_ANCHOR = 64
_MOST_TRIES = 1000
_SHORTEST = 16
"""Characters that are no coincidence."""


class ReceivedText:
    """The last characters that have come of a terminal's output."""

    def __init__(self) -> None:
        self._pieces: deque[str] = deque()
        self._length = 0

    def add(self, text: str) -> None:
        self._pieces.append(text[-KEPT:])
        self._length += len(self._pieces[-1])
        while self._length - len(self._pieces[0]) >= KEPT:
            self._length -= len(self._pieces.popleft())

    def unseen(self, text_again: str) -> str | None:
        """The part of `text_again` that has not come yet; None where nothing in it has come. Of
        several places that fit the last one is taken: rows are not doubled, and rows that are
        missing then are the same as those before them."""
        received = "".join(self._pieces)
        anchor = received[-_ANCHOR:]
        stop = len(text_again) if anchor else 0
        for _ in range(_MOST_TRIES):
            start = text_again.rfind(anchor, 0, stop)
            if start < 0 or not anchor:
                break
            end = start + len(anchor)
            overlap = received[-end:]
            if text_again[end - len(overlap) : end] == overlap:
                return text_again[end:]
            stop = end - 1
        for length in range(min(_ANCHOR, len(text_again)), _SHORTEST - 1, -1):
            if received.endswith(text_again[:length]):
                return text_again[length:]
        return None
