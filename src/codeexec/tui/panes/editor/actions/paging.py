"""Page up and down where blocks stand between lines: what is scrolled past is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.actions.moves import location_in_row, move, move_to
from codeexec.tui.panes.editor.text.columns import to_cell

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.code_editor import CodeEditor

PAGES = {"page_up": -1, "page_down": 1}
"""Motions by a page and their directions."""


def turn_page(editor: CodeEditor, direction: int) -> None:
    """Scroll by a page. The caret goes to the row of text that is nearest to its place on screen;
    it stays where it is while the screen shows a block alone, such as a long output."""
    model, rows = editor.model, editor.model.rows
    height = editor.viewport.page
    y = round(editor.scroll_offset.y)
    target = max(0, min(y + direction * max(height - 1, 1), rows.total - height))
    if target == y:
        editor.perform(
            lambda model: move(model, "page_up" if direction < 0 else "page_down", height)
        )
        return
    caret = rows.row_of(*model.cursor)
    at = caret - y if 0 <= caret - y < height else height // 2
    editor.scroll_to(y=target, animate=False, force=True, immediate=True)
    row = _text_row(editor, target, at)
    if row is not None:
        goal = model.goal_cell
        if goal is None:
            goal = to_cell(model.line, model.cursor.column, model.tab)
        move_to(model, location_in_row(model, row, goal))
        model.goal_cell = goal
        editor.sync(reveal=False)


def _text_row(editor: CodeEditor, top: int, at: int) -> int | None:
    """The row of text nearest to row `at` of the screen whose first row is `top`."""
    rows, height = editor.model.rows, editor.viewport.page
    margin = min(2, (height - 1) // 2)
    places = range(top + margin, min(top + height - margin, rows.total))
    texts = (row for row in sorted(places, key=lambda row: abs(row - top - at)))
    return next((row for row in texts if rows.block_at(row) is None), None)
