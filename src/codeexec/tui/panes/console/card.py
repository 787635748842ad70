"""Card of one execution: its lines from the code to the gap below."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from codeexec.domain.outputs import TAIL_ROWS, Display, ErrorInfo, Run, iter_rows
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.panes.console.rows import Heights

Part = Literal["rule", "code", "more", "row", "note", "queue", "gap"]

_ENDINGS = ("cancelled", "timed_out", "lost")


class Fold(Enum):
    """How much of a card is shown."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a card: line `sub` of the part that `index` names (of code or of output)."""

    part: Part
    index: int = 0
    sub: int = 0


class Card:
    """Kept as long as its execution is shown; `update` brings it up to date."""

    def __init__(self, view: ExecutionView) -> None:
        self.view = view
        self.fold = Fold.OPEN
        self.shows_all_code = False
        self.shows_all_frames = False
        self.rule = False
        """Another kernel than that of the card above ran it: a line above it says so."""
        self.gap = False
        """There may be executions right before this one that were not read yet."""
        self.queue = 0
        """It stands, on one line, for so many cards that wait, itself among them."""
        self.hidden = False
        """It waits, and a card above stands for it."""
        self.code_is_beside = False
        """The editor shows the code at the same time: the card has its title in place of it."""
        self.heights = Heights()
        self.note_lines = 1
        """Lines that the note takes, where there is one."""
        self._tail_of: ExecutionView | None = None
        self._tail: list[Run] = []

    @property
    def key(self) -> str:
        return self.view.execution_id

    @property
    def wraps(self) -> bool:
        """Output that is in hand as a whole is wrapped; longer output scrolls sideways."""
        return self.view.total <= TAIL_ROWS

    @property
    def tail(self) -> list[Run]:
        """The last rows, one run each."""
        if self._tail_of is not self.view:
            self._tail_of = self.view
            self._tail = list(iter_rows(self.view.tail))
        return self._tail

    def tail_row(self, row: int) -> Run | None:
        """A row, where it is among the last ones."""
        at = row - (self.view.total - len(self.tail))
        return self._tail[at] if 0 <= at < len(self._tail) else None

    def code_lines(self, limit: int) -> tuple[int, int]:
        """Lines of code shown, and how many more there are; `limit` 0 shows all."""
        lines = self.view.code.count("\n") + 1
        if self.fold is Fold.CLOSED or self.has_title_for_code:
            return 1, 0
        if self.shows_all_code or not limit or lines <= limit + 1:
            return lines, 0
        return limit, lines - limit

    @property
    def has_title_for_code(self) -> bool:
        """Whether the title of its cell stands in place of the code."""
        return self.code_is_beside and not self.shows_all_code

    @property
    def has_note(self) -> bool:
        """Whether there is a line at the end that says how or why it stands still."""
        return self.view.status in _ENDINGS or self.view.stdin is not None

    @property
    def _note_height(self) -> int:
        return self.note_lines if self.has_note else 0

    def height(self, limit: int) -> int:
        """All lines, with the gap."""
        if self.hidden or self.queue:
            return 0 if self.hidden else 2
        visible, more = self.code_lines(limit)
        if self.fold is Fold.CLOSED:
            return self.rule + 2 + (self.view.total > 0)
        head = self.rule + visible + (more > 0)
        return head + self.heights.top(self.view.total) + self._note_height + 1

    def locate(self, line: int, limit: int) -> Line:
        """What stands in a line of the card, counted from 0."""
        if self.queue:
            return Line("queue") if line == 0 else Line("gap")
        visible, more = self.code_lines(limit)
        if self.rule:
            if line == 0:
                return Line("rule")
            line -= 1
        if line < visible:
            return Line("code", line)
        line -= visible
        if self.fold is Fold.CLOSED:
            return Line("more", 0) if line == 0 and self.view.total else Line("gap")
        if more:
            if line == 0:
                return Line("more", more)
            line -= 1
        body = self.heights.top(self.view.total)
        if line < body:
            return Line("row", *self.heights.locate(line))
        line -= body
        return Line("note", 0, line) if line < self._note_height else Line("gap")

    def row_top(self, row: int, limit: int) -> int:
        """The line where a row of output begins."""
        visible, more = self.code_lines(limit)
        return self.rule + visible + (more > 0) + self.heights.top(row)

    def display(self, stored: Display) -> Display:
        """The display as it is now: a page may hold it as it was when it was read."""
        return next(
            (current for current in self.view.displays if current.key == stored.key), stored
        )

    @property
    def error(self) -> ErrorInfo | None:
        return self.view.error
