"""Hostile texts, and what of them must not be found in the bytes that a terminal is given."""

from __future__ import annotations

import re

_OSC_52 = "\x1b]52;c;ZXZpbA==\x07"

HOSTILE = (
    "\x1b]0;title\x07",
    "\x1b]8;;javascript:alert(1)\x1b\\here\x1b]8;;\x1b\\",
    _OSC_52,
    "\x1b[2J\x1b[31m\x1b[8mred\x1b[999;999H\x1b[?1049l",
    "\x1bP$qm\x1b\\ \x1b_Ga=d\x1b\\ \x1b^pm\x1b\\ \x1bX\x1b\\ \x1bc \x1b7\x1b(0",
    "\x9b2J \x9d0;c1\x9c \x90q\x9c \x85 \x84",
    "\x00\x01\x05\x07\x08\x0b\x0c\r\x0e\x0f\x1a\x7f",
    "user\u202etxt.exe \u2066a\u2069 \u200e\u200f\u061c",
    "ze\u200bro\u2060wi\ufeffdth\xad \u200d\u200c a\ufe0f \u180e",
    "tags\U000e0041\U000e0042\U000e007f vs\U000e0100",
    "lines\u2028two\u2029three\nfour\ttab",
    "[bold]markup[/] [red on blue]x[/red on blue] [@click=app.quit]y[/] [lr=1e-3] [/",
    "broken \ud800 \udc80",
)
"""Every family of characters that a terminal acts on, or that nobody sees."""

EVERYTHING = " ".join(HOSTILE)
"""All of it in one string."""

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029"
    "\ud800-\udfff]"
)
_UNSEEN = re.compile(
    "[\xad\u200b\u2060\ufeff\u180e\U000e0000-\U000e0fff]|(?<=a)\ufe0f|(?<= )\u200d"
)


def acting(text: str) -> list[str]:
    """Characters that a terminal acts on, or that turn the order of text; not newline and tab."""
    return _ACTING.findall(text)


def unseen(text: str) -> list[str]:
    """Characters of `HOSTILE` that nothing shows."""
    return _UNSEEN.findall(text)
