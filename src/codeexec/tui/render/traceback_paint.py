"""Paint traceback rows in the theme's colours, with highlighted code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.segment import Segment

from codeexec.domain.outputs import plain
from codeexec.domain.text.printable import screen_row
from codeexec.tui.render.ansi import AnsiPainter
from codeexec.tui.render.highlight import highlight
from codeexec.tui.render.traceback import TracebackFrame, TracebackRow
from codeexec.tui.theme.theme import Theme

_NUMBERED = re.compile(r"( *+(-++>)? *+\d++(?: |$))(.*)")
_HEADING = re.compile(r"(.*?)(, in )(.*)", re.DOTALL)
_ERROR = re.compile(r"(\w[\w.]*)(: .*|$)")
_TITLE = re.compile(r"(\w+)( +Traceback \(most recent call last\).*)")


def paint(
    rows: Sequence[TracebackRow], theme: Theme, language: str = "python"
) -> list[list[Segment]]:
    """One list of segments for each row, in order; words that we do not know keep their colours."""
    painter = AnsiPainter(theme)
    painted: list[list[Segment]] = []
    at = 0
    while at < len(rows):
        end = at + 1
        frame = rows[at].frame
        if frame is None:
            painted.append(_words(rows[at], theme, painter))
        else:
            while end < len(rows) and rows[end].frame is frame:
                end += 1
            painted += _frame(frame, [_plain(row) for row in rows[at:end]], theme, language)
        at = end
    return painted


def _plain(row: TracebackRow) -> str:
    return plain(screen_row(row.text)).replace("\n", " ").expandtabs()


def _words(row: TracebackRow, theme: Theme, painter: AnsiPainter) -> list[Segment]:
    text = _plain(row)
    if row.fold is not None:
        return [Segment(text, theme.style("muted"))]
    if match := _TITLE.fullmatch(text):
        return [
            Segment(match[1], theme.style("traceback.error")),
            Segment(match[2], theme.style("muted")),
        ]
    if "\x1b" in row.text and (match := _ERROR.fullmatch(text)):
        return [
            Segment(match[1], theme.style("traceback.error")),
            Segment(match[2], theme.style("text")),
        ]
    return painter.segments(row.text, "text")


def _frame(
    frame: TracebackFrame, rows: Iterable[str], theme: Theme, language: str
) -> list[list[Segment]]:
    heading, *code = rows
    painted = [_heading(heading, theme)]
    numbered = [_NUMBERED.fullmatch(row) for row in code]
    # The lines are highlighted together, so that a string over several of them is one.
    source = "\n".join(match[3] if match else "" for match in numbered)
    for row, match, line in zip(code, numbered, highlight(source, language, theme), strict=True):
        if match is None:
            painted.append([Segment(row, theme.style("muted"))] if row else [])
            continue
        number = Segment(match[1], theme.style("line.number"))
        if match[2]:
            ground = theme.style("traceback.line")
            number = Segment(match[1], theme.style("traceback.error"))
            line = [Segment(text, style + ground if style else ground) for text, style, _ in line]
        painted.append([number, *line])
    return painted


def _heading(text: str, theme: Theme) -> list[Segment]:
    match = _HEADING.fullmatch(text)
    if match is None:
        return [Segment(text, theme.style("traceback.path"))]
    return [
        Segment(match[1] + match[2], theme.style("traceback.path")),
        Segment(match[3], theme.style("traceback.function")),
    ]
