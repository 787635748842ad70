"""Editor actions that move the cursor; each `select_` variant extends the selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.base import EditorBase
from codeexec.tui.panes.editor.text import motions
from codeexec.tui.panes.editor.text.columns import to_cell, to_column
from codeexec.tui.panes.editor.text.text import ORIGIN, Location

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Motion = Callable[[Sequence[str], Location], Location]

MOTIONS: dict[str, Motion] = {
    "left": motions.left,
    "right": motions.right,
    "word_left": motions.word_left,
    "word_right": motions.word_right,
    "home": motions.home,
    "line_end": motions.line_end,
    "paragraph_up": lambda lines, at: motions.paragraph(lines, at, -1),
    "paragraph_down": lambda lines, at: motions.paragraph(lines, at, 1),
    "text_start": lambda lines, at: ORIGIN,
    "text_end": lambda lines, at: Location(len(lines) - 1, len(lines[-1])),
}
"""Motions that need nothing but the text."""


class MotionActions(EditorBase):
    """`action_left` and so on; vertical ones go by rows of the screen."""

    def move_to(self, location: Location, *, select: bool = False) -> None:
        """Put the cursor somewhere; with `select` the selection grows or shrinks."""
        self.model.select(self.model.selection.anchor if select else location, location)
        self.sync()

    def action_motion(self, name: str, select: bool = False) -> None:
        """One of MOTIONS by name."""
        selection = self.model.selection
        if not select and not selection.is_empty and name in ("left", "right"):
            self.move_to(selection.start if name == "left" else selection.end)
            return
        self.move_to(MOTIONS[name](self.model.lines, selection.cursor), select=select)

    def action_rows(self, count: int, select: bool = False) -> None:
        """Up (negative) or down by rows; the cursor keeps its cell over shorter lines."""
        model = self.model
        line, column = model.cursor
        row = model.rows.row_of(line, column)
        start = model.rows.starts(line)[row - model.rows.first_row(line)]
        text = model.lines[line]
        goal = model.goal_cell
        if goal is None:
            goal = to_cell(text, column, model.tab) - to_cell(text, start, model.tab)
        target = model.rows.text_row(row + count, 1 if count > 0 else -1)
        if target < 0 or target >= model.rows.total:
            self.move_to(ORIGIN if target < 0 else model.buffer.end, select=select)
        else:
            self.move_to(self._at_row(target, goal), select=select)
        model.goal_cell = goal

    def _at_row(self, row: int, goal: int) -> Location:
        model = self.model
        line, part = model.rows.line_at(row)
        text, starts = model.lines[line], model.rows.starts(line)
        column = to_column(text, to_cell(text, starts[part], model.tab) + goal, model.tab)
        if part + 1 < len(starts):
            column = min(column, starts[part + 1] - 1)
        return Location(line, column)

    def action_matching_bracket(self) -> None:
        if (pair := motions.matching_bracket(self.model.lines, self.model.cursor)) is not None:
            self.move_to(pair[1])

    def action_select_all(self) -> None:
        self.model.select(ORIGIN, self.model.buffer.end)
        self.sync(reveal=False)

    def action_select_line(self) -> None:
        """The whole line; once more takes the next one too."""
        start, end = self.model.selection.start, self.model.selection.end
        below = Location(end.line + 1, 0)
        self.model.select(Location(start.line, 0), below)
        if end.line + 1 == len(self.model.lines):
            self.model.select(Location(start.line, 0), self.model.buffer.end)
        self.sync()

    def action_select_word(self) -> None:
        line = self.model.cursor.line
        start, end = motions.word_at(self.model.line, self.model.cursor.column)
        self.model.select(Location(line, start), Location(line, end))
        self.sync()

    def action_next_cell(self) -> None:
        self._to_cell(self.model.cells.at(self.model.cursor.line) + 1)

    def action_previous_cell(self) -> None:
        """The beginning of this cell, from there that of the one before."""
        index = self.model.cells.at(self.model.cursor.line)
        first, end = self.model.cells.span(index)
        body = min(first + (self.model.cells.separator_at(first) is not None), end - 1)
        self._to_cell(index - 1 if self.model.cursor.line <= body else index)

    def _to_cell(self, index: int) -> None:
        if 0 <= index < len(self.model.cells):
            self.go_to_cell(index)

    def go_to_cell(self, cell: int | str) -> None:
        """To the first line of a cell, by index or key; an unknown key is passed over."""
        cells = self.model.cells
        index = cells.index_of(cell) if isinstance(cell, str) else cell
        if index is not None:
            first, end = cells.span(index)
            body = first + (cells.separator_at(first) is not None)
            self.go_to(min(body, end - 1))

    def go_to(self, line: int, column: int = 0, *, end_column: int | None = None) -> None:
        """To a line (from 0), in the middle of the screen if it was out of sight."""
        anchor = Location(line, column)
        self.model.select(anchor, anchor if end_column is None else Location(line, end_column))
        self.sync()

    def action_scroll_line_up(self) -> None:
        self.scroll_to(y=self.scroll_offset.y - 1, animate=False)

    def action_scroll_line_down(self) -> None:
        self.scroll_to(y=self.scroll_offset.y + 1, animate=False)

    def action_center(self) -> None:
        self.reveal(center=True)


def _horizontal(name: str, select: bool) -> Callable[[MotionActions], None]:
    def action(self: MotionActions) -> None:
        self.action_motion(name, select)

    action.__doc__ = f"{'Select' if select else 'Go'}: {name.replace('_', ' ')}."
    return action


def _vertical(direction: int, by_page: bool, select: bool) -> Callable[[MotionActions], None]:
    def action(self: MotionActions) -> None:
        self.action_rows(direction * (self.page - 1 if by_page else 1), select)

    action.__doc__ = f"{'Select' if select else 'Go'} {'down' if direction > 0 else 'up'}."
    return action


# Both forms of every motion come from the tables, so that none can lack its twin.
for _select, _prefix in ((False, "action_"), (True, "action_select_")):
    for _name in MOTIONS:
        setattr(MotionActions, f"{_prefix}{_name}", _horizontal(_name, _select))
    for _name, _step, _paged in (
        ("up", -1, False),
        ("down", 1, False),
        ("page_up", -1, True),
        ("page_down", 1, True),
    ):
        setattr(MotionActions, f"{_prefix}{_name}", _vertical(_step, _paged, _select))
