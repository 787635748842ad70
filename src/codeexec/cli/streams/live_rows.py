"""Live rows: redrawn in place on a terminal, append-only in a pipe.

A sink receives "the last N rows are now these". A terminal moves up and rewrites rows that are
still on screen; a pipe can only append.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from codeexec.cli.text_width import clip, height_of
from codeexec.domain.outputs import TAIL_ROWS
from codeexec.domain.text.printable import printable

REMEMBERED_ROWS = TAIL_ROWS
"""Rows that a sink remembers: more than an output can rewrite."""


class Sink(Protocol):
    """Destination of rows that may still change."""

    def replace(self, count: int, rows: Sequence[str]) -> None:
        """The last `count` rows are now `rows`; the row of a display may have several lines."""

    def finish_row(self) -> None:
        """The last row has its newline."""

    def say(self, text: str) -> None:
        """Write other text, such as a prompt, on a line of its own."""

    def draw(self, picture: str) -> None:
        """Write a picture that ends with a newline; rows above it can no longer be rewritten."""

    def answered(self) -> None:
        """The user has typed a line: rows above it can no longer be rewritten."""

    def end(self) -> None:
        """The output is complete: later text begins on a line of its own."""


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """The number of equal rows at the start."""
    same = 0
    for old_row, new_row in zip(old, new, strict=False):
        if old_row != new_row:
            break
        same += 1
    return same


class PipeSink:
    """Append-only sink. A row that grows is continued; a last row that is rewritten is written
    again after a `\\r`, as the program did; a rewritten row further up is written again
    below."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._rows: list[str] = []
        self._open = False  # the last row has no newline yet
        self._said = False  # the text ends with a prompt, and output follows on its line

    def replace(self, count: int, rows: Sequence[str]) -> None:
        old = self._rows[max(len(self._rows) - count, 0) :] if count else []
        same = _same(old, rows)
        changed, fresh = old[same:], rows[same:]
        if not fresh:
            self._remember(count, rows)
            return
        if len(changed) == 1 and self._open:
            first = fresh[0]
            grown = first.startswith(changed[0])
            text = first[len(changed[0]) :] if grown else f"\r{first}"
            self._write("\n".join((text, *fresh[1:])))
        else:
            changed_rows = [
                row
                for number, row in enumerate(fresh)
                if number >= len(changed) or row != changed[number]
            ]
            self._write(("\n" if self._open else "") + "\n".join(changed_rows))
        self._open, self._said = True, False
        self._remember(count, rows)

    def finish_row(self) -> None:
        """Write the newline at once: readers by line wait for it."""
        if self._open:
            self._write("\n")
        self._open = False

    def _remember(self, count: int, rows: Sequence[str]) -> None:
        del self._rows[max(len(self._rows) - count, 0) :]
        self._rows += rows[-REMEMBERED_ROWS:]
        del self._rows[:-REMEMBERED_ROWS]

    def say(self, text: str) -> None:
        if text:
            self._write(("\n" if self._open else "") + text)
            self._open, self._said = False, not text.endswith("\n")

    def draw(self, picture: str) -> None:
        """A pipe shows no pictures."""

    def answered(self) -> None:
        """Typed text is not echoed in a pipe, so the line is still open."""

    def end(self) -> None:
        if self._open or self._said:
            self._write("\n")
        self._open = self._said = False
        self._rows.clear()


class TerminalSink:
    """Rewrites rows by cursor-up and erase; keeps a footer on the line below the last row.

    `size` gives columns and lines of the terminal now.
    """

    def __init__(self, write: Callable[[str], None], size: Callable[[], tuple[int, int]]) -> None:
        self._write = write
        self._size = size
        self._rows: list[str] = []
        self._reachable = 0  # of `_rows`, from the end
        self._below = True  # the cursor is on an empty line, else at the end of the last row
        self._footer = ""
        self._footer_shown = False

    def replace(self, count: int, rows: Sequence[str]) -> None:
        old = self._rows[max(len(self._rows) - count, 0) :] if count else []
        same = _same(old, rows)
        changed, fresh = old[same:], rows[same:]
        if changed or fresh:
            text = self._hide_footer()
            text += self._rewrite(changed, fresh) if changed else self._append(fresh)
            self._write(text + self._draw_footer())
        unchanged = max(len(self._rows) - count, 0)
        self._rows[unchanged:] = rows[-REMEMBERED_ROWS:]
        reachable = max(self._reachable - count, 0) + len(rows)
        if changed and self._reachable < len(changed):
            # Rows that were out of reach stay out of reach, even if they have changed.
            reachable = max(len(rows) - same - (len(changed) - self._reachable), 0)
        del self._rows[:-REMEMBERED_ROWS]
        self._reachable = min(reachable, len(self._rows))

    def finish_row(self) -> None:
        """Nothing to write: a newline after the last line of a terminal is invisible."""

    def _append(self, rows: Sequence[str]) -> str:
        text = ("" if self._below else "\n") + "\n".join(rows)
        self._below = False
        return text

    def _rewrite(self, old: list[str], new: Sequence[str]) -> str:
        if len(old) == 1 and new and new[0].startswith(old[0]) and not self._below:
            return "\n".join((new[0][len(old[0]) :], *new[1:]))
        columns, lines = self._size()
        hidden = len(old) - self._within_reach(old, columns, lines)
        if hidden == len(old):
            return self._continue(old, new)
        old, new = old[hidden:], new[hidden:]
        up = sum(height_of(row, columns) for row in old) - (not self._below)
        text = "\r" + (f"\x1b[{up}A" if up else "") + "\x1b[J" + "\n".join(new)
        self._below = not new
        return text

    def _within_reach(self, rows: list[str], columns: int, lines: int) -> int:
        """How many of the last rows are wholly on screen and below the last typed line."""
        room, reach = lines - 1 - self._below, 0
        for row in reversed(rows[len(rows) - min(self._reachable, len(rows)) :]):
            room -= height_of(row, columns)
            if room < 0:
                break
            reach += 1
        return reach

    def _continue(self, old: list[str], new: Sequence[str]) -> str:
        """Append the new text of rows that have scrolled out of reach."""
        new_rows = new[len(old) - 1 :]
        if not new_rows:
            return ""
        grown = new_rows[0].startswith(old[-1])
        first = new_rows[0][len(old[-1]) :] if grown else new_rows[0]
        begin = "" if self._below or grown else "\n"
        self._below = False
        return begin + "\n".join((first, *new_rows[1:]))

    def say(self, text: str) -> None:
        hidden = self._hide_footer()
        self._write(hidden + ("" if self._below else "\n") + text)
        self._below = False

    def draw(self, picture: str) -> None:
        self.say(picture)
        self.answered()

    def answered(self) -> None:
        self._reachable = 0
        self._below = True

    def end(self) -> None:
        text = self._hide_footer()
        if not self._below:
            text += "\n"
        self._write(text)
        self._below = True
        self._rows.clear()
        self._reachable = 0

    # -- the footer --------------------------------------------------------------------

    def set_footer(self, text: str) -> None:
        """Show one dim line of unstyled text below the rows; empty: no footer."""
        text = printable(text)
        if text != self._footer:
            hidden = self._hide_footer()
            self._footer = text
            self._write(hidden + self._draw_footer())

    def _draw_footer(self) -> str:
        if not self._footer:
            return ""
        begin = "" if self._below else "\n"
        self._footer_shown, self._below = True, True
        return f"{begin}\x1b[2m{clip(self._footer, self._size()[0] - 1)}\x1b[0m"

    def _hide_footer(self) -> str:
        """Erase the footer; the cursor stays at the start of its line."""
        if not self._footer_shown:
            return ""
        self._footer_shown = False
        return "\r\x1b[K"
