"""Paint rows of text, displays and errors with one theme."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.domain.outputs import Run
from codeexec.tui.output.bodies import BodyPainter
from codeexec.tui.render.ansi import AnsiPainter, fold
from codeexec.tui.theme.theme import Theme

GUTTER = 2
"""Columns at the left of output: a mark, and a blank."""

_MARK_INKS = {"┆": "stream.stderr", "→": "muted"}


class OutputPainter:
    """Knows no execution; make a new one when the theme changes."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.ansi = AnsiPainter(theme)
        self.bodies = BodyPainter(theme, self.ansi)

    def text_height(self, run: Run, width: int) -> int:
        """How many lines a row of text takes where it is wrapped."""
        text = _text_of(run)
        if len(text) <= width and text.isascii():
            return 1
        if "\x1b" not in text and text.isascii() and text.isprintable():
            return len(fold(text, width))
        return len(self.ansi.wrapped(text, width))

    def wrapped(self, run: Run, width: int) -> list[Strip]:
        """The lines of a row of text."""
        return self.ansi.wrapped(_text_of(run), width, f"stream.{run.kind}")

    def cut(self, run: Run, width: int, left: int) -> Strip:
        """A row of text on one line, from column `left` on."""
        return self.ansi.strip(_text_of(run), width, f"stream.{run.kind}", left)

    def gutter(self, mark: str) -> Segment:
        """The columns at the left of a line."""
        ink = _MARK_INKS.get(mark)
        return Segment(f"{mark} ", self.theme.style(ink) if ink else Style.null())


def _text_of(run: Run) -> str:
    """A row of text with its mark: what input() asked and was answered is told from output."""
    return f"⌨ {run.text}" if run.kind == "stdin" else run.text
