"""Rows that may still change, written to places that remember: a terminal, a pipe.

Both are told the same thing, "your last N rows are now these". A terminal goes up and
rewrites them, within what is still on screen; a pipe can only be added to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from codeexec.cli.text_width import clip, height_of
from codeexec.domain.outputs import TAIL_ROWS
from codeexec.domain.printable import printable

REMEMBERED_ROWS = TAIL_ROWS
"""Rows remembered: more than an output can rewrite."""


class Sink(Protocol):
    def replace(self, count: int, rows: Sequence[str]) -> None:
        """The last `count` rows are now `rows`; a row of an object may have several lines."""

    def finish_row(self) -> None:
        """The newline of the last row has come."""

    def say(self, text: str) -> None:
        """Write text that is no row, such as a prompt, on a line of its own."""

    def draw(self, picture: str) -> None:
        """Write a picture that ends with a newline; what stands above it stays as it is."""

    def answered(self) -> None:
        """Somebody has typed a line: what stands above it can no longer be rewritten."""

    def end(self) -> None:
        """The output is complete: what comes next begins on a line of its own."""


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """How many rows at the start need no change."""
    same = 0
    for old_row, new_row in zip(old, new, strict=False):
        if old_row != new_row:
            break
        same += 1
    return same


class PipeSink:
    """Append-only. A row that grows is continued; one that was rewritten by `\\r` is written
    after a `\\r` again, as the program itself would have; one that was rewritten further up is
    written once more below."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._rows: list[str] = []
        self._open = False  # the last row has no newline yet
        self._said = False  # a prompt stands at the end, and output follows it on its line

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
        """At once: who reads line by line waits for it."""
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
        """A pipe has no pictures."""

    def answered(self) -> None:
        """Nothing was echoed here, and the line is still open."""

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
        self._below = True  # the cursor stands on a fresh line, else at the end of the last row
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
            # Those that stood out of reach stay so, whatever they say now.
            reachable = max(len(rows) - same - (len(changed) - self._reachable), 0)
        del self._rows[:-REMEMBERED_ROWS]
        self._reachable = min(reachable, len(self._rows))

    def finish_row(self) -> None:
        """Nobody sees a newline at the end of a terminal's last line."""

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
        """How many of these last rows are wholly on screen and not above a typed line."""
        room, reach = lines - 1 - self._below, 0
        for row in reversed(rows[len(rows) - min(self._reachable, len(rows)) :]):
            room -= height_of(row, columns)
            if room < 0:
                break
            reach += 1
        return reach

    def _continue(self, old: list[str], new: Sequence[str]) -> str:
        """Rows that nobody can reach any more: what is new of them is written here."""
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
        """One line of unstyled text, drawn dim; empty: none."""
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
        """The cursor is left at the start of the footer's line, which is empty then."""
        if not self._footer_shown:
            return ""
        self._footer_shown = False
        return "\r\x1b[K"
