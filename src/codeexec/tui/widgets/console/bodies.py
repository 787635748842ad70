"""Displays and errors as lines: which form of an object is shown, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from codeexec.domain.errors import DocumentError
from codeexec.domain.mime import content_of
from codeexec.domain.outputs import Display, ErrorInfo, MimePart
from codeexec.domain.picture_head import picture_size
from codeexec.tui.render.ansi import AnsiPainter, wrap
from codeexec.tui.render.plain import one_line
from codeexec.tui.render.registry import choose
from codeexec.tui.render.registry import kind_of as mime_kind
from codeexec.tui.theme import Theme

if TYPE_CHECKING:
    from codeexec.tui.render.traceback import Row

MOST_LINES = 60
"""Lines of a text that a card shows at most; the viewer has it whole."""

END_LINES = 2
"""How many of them are its last ones."""


_HEADING = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Painted:
    """Lines of one object; `part` is the image that is still to be painted, if any, and `rows`
    says of a traceback's lines what they are."""

    lines: list[Strip]
    part: MimePart | None = None
    rows: tuple[Row, ...] = ()


def best_part(display: Display, *, pictures: bool = True) -> MimePart | None:
    """The richest form of a display that a screen of characters can show."""
    mime = choose({part.mime: part.text for part in display.parts}, pictures=pictures)
    return display.part(mime) if mime is not None else None


def kind_of(display: Display) -> str:
    """What it is, in a word."""
    part = best_part(display)
    return "nothing" if part is None else mime_kind(part.mime, part.text)


def data_of(part: MimePart) -> bytes | None:
    """The content of a part that is held inline."""
    if part.text is None:
        return None
    try:
        return content_of(part.mime, part.text)
    except DocumentError:
        return b""


def _pixels(part: MimePart) -> str:
    """`640×480 · ` of a picture that is held inline and says so; else nothing."""
    size = picture_size(data_of(part) or b"")
    return f"{size[0]}×{size[1]} · " if size else ""


def size_words(size: int) -> str:
    """Bytes in few characters: `640 B`, `12 kB`, `3.4 MB`."""
    if size < 1000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{size / 1000:.0f} kB"
    return f"{size / 1_000_000:.1f} MB"


class BodyPainter:
    """Paints with one theme."""

    def __init__(self, theme: Theme, ansi: AnsiPainter) -> None:
        self._theme = theme
        self._ansi = ansi

    def display(self, display: Display, width: int) -> Painted:
        """A display's lines; of a picture its placeholder line.

        In the flow of output an object is shown by its plain text where that says something,
        else by the text of its other forms; the viewer shows the richer form.
        """
        best = best_part(display)
        if best is not None and mime_kind(best.mime, best.text) == "picture":
            kind = best.mime.removeprefix("image/").partition("+")[0]
            size = _pixels(best)
            words = f"▣ {kind} image · {size}{size_words(best.size)}"
            return Painted([self._words(words, "muted")], best)
        from codeexec.documents.displays.text import inline_text  # not at the start

        text = inline_text(display)
        if text is None:
            part = display.part("text/plain") or best
            words = f"▤ {part.mime} · {size_words(part.size)}" if part else "▤ (empty)"
            return Painted([self._words(words, "muted")])
        return Painted(self._text(text, width))

    def _text(self, text: str, width: int) -> list[Strip]:
        lines = text.rstrip("\n").split("\n")
        left_out = len(lines) - MOST_LINES
        if left_out <= 0:
            return self._wrapped(lines, width)
        more = self._words(f"… {left_out:,} more {'line' if left_out == 1 else 'lines'}", "muted")
        # The end says what the whole is: the shape of a frame, the dtype of a series.
        begin, end = lines[: MOST_LINES - END_LINES], lines[-END_LINES:]
        return [*self._wrapped(begin, width), more, *self._wrapped(end, width)]

    def _wrapped(self, lines: list[str], width: int) -> list[Strip]:
        strips: list[Strip] = []
        for segments in self._ansi.block(lines, "result"):
            strips.extend(wrap(segments, width))
        return strips

    def error(self, error: ErrorInfo, width: int, whole: bool, count: int | None = None) -> Painted:
        """A traceback: the frames of the user's code, or all of them. `count` is the prompt
        number of the code that failed."""
        if not error.traceback:
            return Painted([self._words(f"{error.name}: {error.value}", "traceback.error")])
        from codeexec.tui.render import traceback, traceback_paint  # not at the start

        strips: list[Strip] = []
        rows: list[Row] = []
        shown = traceback.rows(traceback.parse(error.traceback, own_cell=count), opened=whole)
        for row, segments in zip(shown, traceback_paint.paint(shown, self._theme), strict=True):
            # The heading is wide by the blanks in its middle: cut, it says as much.
            is_heading = _HEADING in row.text
            lines = [Strip(segments).crop(0, width)] if is_heading else wrap(segments, width)
            strips.extend(lines)
            rows.extend([row] * len(lines))
        return Painted(strips, rows=tuple(rows))

    def _words(self, words: str, meaning: str) -> Strip:
        return Strip([Segment(one_line(words), self._theme.style(meaning))])
