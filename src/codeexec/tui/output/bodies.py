"""Lines of displays and errors in a card."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from codeexec.domain.content.charts import chart_label
from codeexec.domain.content.mime import content_of
from codeexec.domain.content.picture_head import picture_size
from codeexec.domain.errors import DocumentError
from codeexec.domain.outputs import Display, ErrorInfo, MimePart
from codeexec.domain.text.words import size_words
from codeexec.rendering.pictures import can_draw_formulas
from codeexec.tui.render.ansi import AnsiPainter, wrap, wrap_words
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import one_line
from codeexec.tui.render.registry import choose
from codeexec.tui.render.registry import kind_of as mime_kind
from codeexec.tui.theme.theme import Theme

if TYPE_CHECKING:
    from codeexec.tui.output.ipywidgets.board import WidgetBoard
    from codeexec.tui.output.ipywidgets.drawing import Control, Drawing
    from codeexec.tui.render.traceback import TracebackRow

MOST_LINES = 60
"""Lines of a text that a card shows at most; the viewer has it whole."""

MOST_CAPTURED = 50
"""Outputs of an Output widget that are drawn, the last ones."""

END_LINES = 2
"""How many of them are its last ones."""


_ANY_WIDTH = 1_000_000

_HEADING = "Traceback (most recent call last)"
_FOR_A_BROWSER = re.compile(r"\[[^\n]*: a browser (?:plays|shows|draws) it\]")
_BLANKS = re.compile(" {3,}")


@dataclass(frozen=True, slots=True)
class Painted:
    """Lines of one object; `part` is the image that is still to be painted, if any, `rows` says
    of a traceback's lines what they are, and `folded` holds the numbers of the lines that go on
    the line before."""

    lines: list[Strip]
    part: MimePart | None = None
    rows: tuple[TracebackRow, ...] = ()
    folded: frozenset[int] = frozenset()
    width: int = 0
    """Columns of lines that are scrolled sideways; 0 for lines that fit."""
    is_picture: bool = False
    """Whether the lines are those of the painted picture."""
    picture_row: int = -1
    """The line that the picture takes the place of; -1: all of them."""
    controls: tuple[Control, ...] = ()
    """Of a widget: what takes keys and clicks."""

    def with_picture(self, lines: list[Strip], *, is_current: bool = True) -> Painted:
        """The same with the painted picture, or with that before it until it is painted."""
        if self.picture_row < 0:
            return Painted(lines, self.part, is_picture=is_current)
        at = self.picture_row
        moved = tuple(
            replace(control, row=control.row + len(lines) - 1) if control.row > at else control
            for control in self.controls
        )
        whole = [*self.lines[:at], *lines, *self.lines[at + 1 :]]
        return replace(self, lines=whole, is_picture=is_current, controls=moved)


class Folded:
    """Collects lines, and which of them go on the line before."""

    def __init__(self) -> None:
        self.lines: list[Strip] = []
        self.folded: set[int] = set()

    def add(self, row: list[Strip]) -> None:
        """The lines of one row."""
        self.folded.update(range(len(self.lines) + 1, len(self.lines) + len(row)))
        self.lines += row


def _narrow(segments: list[Segment], width: int) -> list[Segment]:
    """A heading with fewer blanks in its middle where it is too wide: they only fill it up."""
    over = Strip(segments).cell_length - width
    if over <= 0:
        return segments
    narrowed: list[Segment] = []
    for text, style, _ in segments:
        run = max(_BLANKS.findall(text), key=len, default="")
        if over > 0 and run:
            blanks = max(len(run) - over, 1)
            over -= len(run) - blanks
            text = text.replace(run, " " * blanks, 1)
        narrowed.append(Segment(text, style))
    return narrowed


def _table_that_fits(display: Display, text: str, width: int, room: int) -> str:
    """A table from its HTML, in lines of `room` columns at most, where its text is too wide, as in
    a notebook that was made elsewhere; empty where the text fits or there is no table."""
    lines = text.split("\n")
    if all(len(line) <= width for line in lines) or len(lines) == 1:
        return ""
    page = display.part("text/html")
    if page is None or page.text is None:
        return ""
    from codeexec.documents.displays.narrow import table_to_width  # not at the start

    return table_to_width(page.text, room)


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


def _picture_summary(part: MimePart) -> str:
    if part.mime.startswith("image/"):
        kind = part.mime.removeprefix("image/").partition("+")[0]
        return f"▣ {kind} image · {_pixels(part)}{size_words(part.size)}"
    return f"▣ {chart_label(part.mime, part.text)} · {size_words(part.size)}"


def _stored_summary(display: Display, best: MimePart | None) -> str:
    """A line for a display whose text is not held inline."""
    from codeexec.documents.displays.media import media_object  # not at the start

    plain = display.part("text/plain")
    if best is not None and plain is not None and (kind := media_object(plain.text or "")):
        return f"▤ {kind} · {size_words(best.size)} · O opens it"
    part = plain or best
    return f"▤ {part.mime} · {size_words(part.size)}" if part else "▤ (empty)"


class BodyPainter:
    """Paints with one theme."""

    def __init__(self, theme: Theme, ansi: AnsiPainter) -> None:
        self._theme = theme
        self._ansi = ansi

    def display(self, display: Display, width: int, *, scrolls: bool = False) -> Painted:
        """A display's lines; of a picture its placeholder line. With `scrolls` a table has all its
        columns, in lines that may be wider.

        In the flow of output an object is shown by its plain text where that says something,
        else by the text of its other forms; the viewer shows the richer form.
        """
        best = best_part(display)
        if best is not None and mime_kind(best.mime, best.text) == "picture":
            return Painted([self._words(_picture_summary(best), "muted")], best)
        from codeexec.documents.displays.text import inline_text  # not at the start

        text = inline_text(display)
        if text is None:
            return Painted([self._words(_stored_summary(display, best), "muted")])
        table = _table_that_fits(display, text, width, _ANY_WIDTH if scrolls else width)
        if table and scrolls:
            return self._wide_table(table)
        text = table or text
        if _FOR_A_BROWSER.fullmatch(text):
            text = f"{text} · O opens it"
        painted = self._text(text, width)
        if best is not None and mime_kind(best.mime) == "latex" and can_draw_formulas():
            return replace(painted, part=best)
        return painted

    def draw_widget(self, board: WidgetBoard, model: str, width: int) -> Drawing:
        """A widget with its controls."""
        from codeexec.tui.output.ipywidgets.painter import WidgetPainter  # not at the start

        return WidgetPainter(self._theme, self._ansi, board, self._captured).paint(model, width)

    def widget(self, board: WidgetBoard, model: str, width: int) -> Painted:
        """A widget and all that is in it."""
        drawing = self.draw_widget(board, model, width)
        row = drawing.picture_row if drawing.picture is not None else -1
        if row >= len(drawing.lines):
            return Painted(drawing.lines, controls=tuple(drawing.controls))
        return Painted(
            drawing.lines, drawing.picture, picture_row=row, controls=tuple(drawing.controls)
        )

    def _captured(
        self, outputs: Sequence[object], width: int
    ) -> tuple[list[Strip], MimePart | None, int]:
        """Lines of what an Output widget has captured; the last picture is to be painted."""
        from codeexec.domain.content.captured import captured_display, captured_text

        lines: list[Strip] = []
        part: MimePart | None = None
        row = 0
        for output in outputs[-MOST_CAPTURED:]:
            display = captured_display(output)
            if display is not None:
                painted = self.display(display, width)
                if painted.part is not None and len(painted.lines) == 1:
                    part, row = painted.part, len(lines)
                lines += painted.lines
                continue
            kind, text = captured_text(output)
            for segments in self._ansi.block(text.split("\n") if text else (), kind):
                lines += wrap_words(segments, width)
        left_out = max(len(lines) - MOST_LINES, 0)
        if part is not None and row < left_out:
            part = None
        return lines[left_out:], part, row - left_out

    def _wide_table(self, text: str) -> Painted:
        lines = [Strip(segments) for segments in self._ansi.block(text.split("\n"), "result")]
        return Painted(lines, width=max(line.cell_length for line in lines))

    def _text(self, text: str, width: int) -> Painted:
        lines = text.rstrip("\n").split("\n")
        left_out = len(lines) - MOST_LINES
        body = Folded()
        # The end says what the whole is: the shape of a frame, the dtype of a series.
        begin, end = lines, []
        if left_out > 0:
            begin, end = lines[: MOST_LINES - END_LINES], lines[-END_LINES:]
        for segments in self._ansi.block(begin, "result"):
            body.add(wrap_words(segments, width))
        if left_out > 0:
            summary = f"… {counted(left_out, 'more line')}"
            body.add([self._words(summary, "muted")])
        for segments in self._ansi.block(end, "result"):
            body.add(wrap_words(segments, width))
        return Painted(body.lines, folded=frozenset(body.folded))

    def error(self, error: ErrorInfo, width: int, whole: bool, count: int | None = None) -> Painted:
        """A traceback: the frames of the user's code, or all of them. `count` is the prompt
        number of the code that failed."""
        body = Folded()
        if not error.traceback:
            summary = self._words(f"{error.name}: {error.value}", "traceback.error")
            body.add(wrap_words(summary, width))
            return Painted(body.lines, folded=frozenset(body.folded))
        from codeexec.tui.render import traceback, traceback_paint  # not at the start

        rows: list[TracebackRow] = []
        traceback_rows = traceback.rows(
            traceback.parse(error.traceback, own_cell=count), opened=whole
        )
        for row, segments in zip(
            traceback_rows, traceback_paint.paint(traceback_rows, self._theme), strict=True
        ):
            if _HEADING in row.text:
                segments = _narrow(segments, width)
            lines = (wrap if row.frame is not None else wrap_words)(segments, width)
            body.add(lines)
            rows.extend([row] * len(lines))
        return Painted(body.lines, rows=tuple(rows), folded=frozenset(body.folded))

    def _words(self, text: str, meaning: str) -> Strip:
        return Strip([Segment(one_line(text), self._theme.style(meaning))])
