"""Tells a program that uses the whole screen by its escape sequences, and what it writes beside it.

Such a program asks for the alternate screen (1049, 1047, 47), reports of the mouse, or a region
that scrolls, or writes at places that it chooses. What is drawn on the alternate screen is gone
when it leaves that; rows of a card would be garbled by it.
"""

from __future__ import annotations

import re

_MODE = re.compile(r"\x1b\[\?([\d;]{1,40})([hl])")
_HINT = re.compile(
    r"\x1b\[\?(?:100[0236])h"  # reports of the mouse
    r"|\x1b\[\d+;\d+r"  # a region that scrolls
    r"|\x1b\[(?:[2-9]|\d{2,3});\d+[Hf]"  # a place that is not the top
)
_CUT = re.compile(r"\x1b(?:\[(?:\?[\d;]{0,40})?)?\Z")
"""The beginning of a sequence at the end of a piece of text."""
_ALTERNATE = {"1049", "1047", "47"}
_MOST_PLACES = 3
"""Writings at chosen places that make a program one that uses the whole screen."""


class FullScreenFilter:
    """Takes the text of one program piece by piece."""

    def __init__(self) -> None:
        self.is_full = False
        """The program uses the whole screen, or has used it."""
        self.held = ""
        """The end of the last piece, which may be the beginning of a sequence. It is ASCII."""
        self.is_alternate = False
        self._places = 0

    def feed(self, text: str, *, final: bool = False) -> str:
        """The text of the piece that is not for the alternate screen."""
        if "\x1b" not in text and not self.held:
            return "" if self.is_alternate else text
        text, self.held = self.held + text, ""
        if not final and (cut := _CUT.search(text)):
            text, self.held = text[: cut.start()], cut[0]
        kept: list[str] = []
        at = 0
        for match in _MODE.finditer(text):
            if _ALTERNATE.isdisjoint(match[1].split(";")):
                continue
            self._take(text[at : match.start()], kept)
            self.is_alternate = match[2] == "h"
            self.is_full |= self.is_alternate
            at = match.end()
        self._take(text[at:], kept)
        return "".join(kept)

    def _take(self, text: str, kept: list[str]) -> None:
        if self.is_alternate:
            return
        kept.append(text)
        if not self.is_full and "\x1b[" in text:
            self._places += sum(1 for _ in _HINT.finditer(text))
            self.is_full = self._places >= _MOST_PLACES
