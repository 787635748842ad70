"""Width and height of text on a terminal, in columns and lines."""

from __future__ import annotations

import unicodedata

from codeexec.domain.outputs import plain

TAB = 8


def width_of(text: str) -> int:
    """Columns of one line; escape sequences take none."""
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
    """Lines of text wrapped at `columns`. Text that fills a line exactly ends on that line, and
    a wide character is not split between two lines."""
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
    """Unstyled text cut to `columns`, with an ellipsis if something was cut."""
    if width_of(text) <= columns:
        return text
    characters, used = [], 1
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        characters.append(character)
    return "".join(characters) + "…"
