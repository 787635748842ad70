"""Make external text printable and fit it to a width.

All that a pane is given passes through here before it is measured. Nothing in it is markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip

from codeexec.domain.text.printable import harmless, is_web_address, printable


def one_line(text: str) -> str:
    """Printable, with a blank for each stretch of whitespace that breaks the line."""
    if "\n" in text or "\t" in text:
        text = " ".join(text.split())
    return printable(text)


def fitted(text: str, width: int) -> str:
    """On one line, and no wider than that; what is cut ends in an ellipsis."""
    text = one_line(text)
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 1 else text[: max(width, 0)]


def padded(text: str, width: int) -> str:
    """Exactly that wide."""
    text = fitted(text, width)
    return text + " " * (width - cell_len(text))


def home_path(path: str) -> str:
    """A path as people write it: that of the home folder is `~`."""
    place, home = Path(path), Path.home()
    if place == home:
        return "~"
    return f"~/{place.relative_to(home)}" if place.is_relative_to(home) else path


def plain_words(text: str) -> Content:
    """What a label or a button shows: several lines at most, and no markup."""
    return Content(printable(text, lines=True).expandtabs())


def without_controls(strip: Strip) -> Strip:
    """The strip, in which no text and no link acts on the terminal; as wide as it was measured.

    The last look before the terminal, for what a widget forgot; the sequences of our own
    pictures are control segments, and stay.
    """
    if all(map(_is_harmless, strip)):
        return strip
    return Strip(map(_harmless, strip), strip.cell_length)


def _is_harmless(segment: Segment) -> bool:
    text, style, control = segment
    if control is not None:
        return True
    if style is not None and style.link is not None and not is_web_address(style.link):
        return False
    return (text.isascii() and text.isprintable()) or harmless(text, cell_len) is text


def _harmless(segment: Segment) -> Segment:
    text, style, control = segment
    if control is not None:
        return segment
    if style is not None and style.link is not None and not is_web_address(style.link):
        style = style.update_link(None)
    return Segment(harmless(text, cell_len), style)


def printable_segments(segments: Iterable[Segment]) -> list[Segment]:
    """Segments of one line whose text came from outside."""
    return [Segment(printable(text), style, control) for text, style, control in segments]
