"""How many columns and lines text takes on a terminal."""

from __future__ import annotations

import unicodedata

from codeexec.domain.outputs import plain

TAB = 8


def width_of(text: str) -> int:
    """Columns of one line; styles take none."""
    bare = plain(text)
    if bare.isascii():
        return len(bare.expandtabs(TAB))
    return sum(map(_columns, bare.expandtabs(TAB)))


def _columns(character: str) -> int:
    if character < "\x7f":
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def height_of(text: str, columns: int) -> int:
    """Lines that text takes, wrapped at `columns`; text that fills a line exactly ends on it,
    and a wide character never stands in two lines."""
    return sum(_height(line, columns) for line in text.split("\n"))


def _height(line: str, columns: int) -> int:
    bare = plain(line).expandtabs(TAB)
    if bare.isascii():
        return max(1, -(-len(bare) // columns))
    height, used = 1, 0
    for character in bare:
        width = _columns(character)
        if used + width > columns:
            height, used = height + 1, 0
        used += width
    return height


def clip(text: str, columns: int) -> str:
    """Unstyled text in at most so many columns, with an ellipsis where some was cut."""
    if width_of(text) <= columns:
        return text
    characters, used = [], 1
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        characters.append(character)
    return "".join(characters) + "…"
