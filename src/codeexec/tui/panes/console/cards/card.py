"""Card of one execution: a header over its output, and a note at the end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.output.step_facts import failure_words
from codeexec.tui.output.view import OutputView

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
    """Kept as long as its execution is shown."""

    def __init__(self, output: OutputView) -> None:
        self.output = output
        self.fold = Fold.OPEN
        self.shows_all_code = False
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
        self.note_lines = 1
        """Lines that the note takes, where there is one."""

    @property
    def view(self) -> ExecutionView:
        """The execution as it is now."""
        return self.output.execution

    @property
    def key(self) -> str:
        return self.output.execution.execution_id

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
        has_facts = bool(self.view.steps) and not self.view.is_open
        view = self.view
        is_asking = bool(view.stdin is not None or view.screen is not None or view.confirm)
        return view.status in _ENDINGS or is_asking or has_facts or bool(failure_words(view))

    @property
    def offers_terminal(self) -> bool:
        """Whether its program uses the whole screen, and can be opened in a terminal."""
        return self.view.screen is not None and bool(self.view.screen.argv)

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
        return head + self.output.height + self._note_height + 1

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
        body = self.output.height
        if line < body:
            return Line("row", *self.output.locate(line))
        line -= body
        return Line("note", 0, line) if line < self._note_height else Line("gap")

    def row_top(self, row: int, limit: int) -> int:
        """The line where a row of output begins."""
        visible, more = self.code_lines(limit)
        return self.rule + visible + (more > 0) + self.output.row_top(row)
