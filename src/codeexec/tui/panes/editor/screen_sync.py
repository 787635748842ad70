"""Update of an editor's screen after its model has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.messages import CursorMoved, TextChanged
from codeexec.tui.panes.editor.parsing import SLICE

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.panes.editor.text.model import EditorModel
    from codeexec.tui.panes.editor.text.syntax import Syntax
    from codeexec.tui.panes.editor.text.text import Location, TextChange


class ScreenSync:
    """Follows one model: collects what has changed, and draws as little as shows it."""

    def __init__(self, editor: CodeEditor, model: EditorModel, syntax: Syntax) -> None:
        self._editor = editor
        self._model = model
        self._syntax = syntax
        self._seen_version = model.buffer.version
        self._seen_selection = model.selection
        self._seen_cell = 0
        self._seen_gutter = editor.painter.gutter
        self._dirty: list[tuple[int, int]] = []
        self._moved_from: int | None = None
        self._shift_above = 0
        model.listeners.append(self._note_change)
        model.on_settled = self._show_others_changes

    def _note_change(self, change: TextChange) -> None:
        editor = self._editor
        self._syntax.changed(change)
        first, last = change.start.line, change.new_end.line
        if change.line_shift:
            above = self._moved_from
            self._moved_from = first if above is None else min(first, above)
            editor.painter.shift_diagnostics(change)
            if change.old_end.line <= editor.scroll_offset.y:
                self._shift_above += change.line_shift
        self._dirty.append((first, last))
        self._note_cells(first, last)
        for line in (first, last):
            editor.viewport.note_line(line)

    def _note_cells(self, first: int, last: int) -> None:
        """Cells on these lines may be others than what ran now: that stands on the first line of
        each."""
        cells, painter = self._model.cells, self._editor.painter
        # A separator that came or went at the first line changes the cell above it, too.
        for index in range(cells.at(max(first - 1, 0)), cells.at(last) + 1):
            key = cells.key(index)
            painter.touch([key])
            if key in painter.marks:
                top = cells.span(index)[0]
                self._dirty.append((top, top))

    def _show_others_changes(self) -> None:
        """Show what another view has changed, with the same lines on screen as before."""
        editor, shift = self._editor, self._shift_above
        self.sync(reveal=False)
        if shift and not editor.viewport.soft_wrap:
            y = editor.scroll_offset.y + shift
            editor.call_after_refresh(editor.scroll_to, y=y, animate=False, force=True)

    def sync(self, *, reveal: bool = True) -> None:
        """Bring the screen up to the model, and post messages about what changed."""
        editor, model = self._editor, self._model
        changed = model.buffer.version != self._seen_version
        moved = model.selection != self._seen_selection
        if not changed and not moved:
            return
        if editor.text_layer is not None:
            editor.text_layer.before_sync()
        if changed:
            self._forget_colors()
            editor.parser.schedule()
        previous_brackets = editor.painter.brackets
        editor.painter.match_brackets()
        self._refresh(previous_brackets, changed)
        self._seen_version = model.buffer.version
        if reveal:
            editor.viewport.reveal()
        editor.completion.follow_cursor()
        if changed:
            editor.post_message(TextChanged(model.buffer.version))
        if moved:
            self._seen_selection = model.selection
            editor.post_message(CursorMoved(model.selection))

    def _forget_colors(self) -> None:
        painter = self._editor.painter
        if getattr(self._syntax, "is_quick", False):
            self._syntax.work(SLICE)
            painter.forget_colors()
        elif self._moved_from is None:
            # Until the text is parsed again no other line can look different.
            for first, last in self._dirty:
                painter.forget_colors(range(first, last + 1))
        else:
            painter.forget_colors()

    def _refresh(self, brackets: tuple[Location, ...], changed: bool) -> None:
        editor, model = self._editor, self._model
        cell = model.cells.at(model.cursor.line)
        if editor.painter.gutter != self._seen_gutter:
            self._seen_gutter = editor.painter.gutter
            editor.viewport.resize_text()  # another width to wrap at
        if changed:
            self._resize()
        if (
            cell != self._seen_cell
            or self._moved_from is not None
            or (editor.viewport.soft_wrap and changed)
        ):
            editor.refresh()
        else:
            self._refresh_lines(brackets)
        self._seen_cell = cell
        self._dirty.clear()
        self._moved_from = None
        self._shift_above = 0

    def _resize(self) -> None:
        editor = self._editor
        if editor.viewport.fit_size():
            # The bar below may have come or gone, and with it a row.
            editor.call_after_refresh(editor.viewport.reveal)

    def _refresh_lines(self, brackets: tuple[Location, ...]) -> None:
        refresh_lines = self._editor.viewport.refresh_lines
        for first, last in self._dirty:
            refresh_lines(first, last)
        old, new = self._seen_selection, self._model.selection
        if old.is_empty and new.is_empty:
            refresh_lines(old.cursor.line, old.cursor.line)
            refresh_lines(new.cursor.line, new.cursor.line)
        else:
            lines = [at.line for pair in (old, new) for at in pair]
            refresh_lines(min(lines), max(lines))
        for at in (*brackets, *self._editor.painter.brackets):
            refresh_lines(at.line, at.line)
