"""Commands that fold the sections of a page, and where the caret goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.actions.moves import start_of_cell

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.page.command_mode import CommandMode
    from codeexec.tui.panes.documents.page.folding import SectionFolds
    from codeexec.tui.panes.editor.code_editor import CodeEditor


class PageSections:
    """`lay_out` puts the blocks of the page anew."""

    def __init__(
        self,
        editor: CodeEditor,
        folds: SectionFolds,
        mode: CommandMode,
        lay_out: Callable[[], None],
    ) -> None:
        self._editor = editor
        self._folds = folds
        self._mode = mode
        self._lay_out = lay_out

    def toggle(self, cell_key: str) -> bool:
        """Fold the section that a cell is in, or unfold it; whether it is in one. The caret and the
        selected cell go to the heading, so that they are not hidden."""
        heading = self._folds.heading_of(cell_key)
        index = self._editor.model.cells.index_of(heading) if heading else None
        if index is None:
            return False
        if self._folds.toggle(heading) and self._is_caret_hidden():
            self._go_to(index)
        self._lay_out()
        return True

    def fold_all(self, *, is_folded: bool) -> None:
        """Fold all sections, or unfold them."""
        if is_folded:
            self._folds.fold_all()
        else:
            self._folds.fold(())
        if self._is_caret_hidden():
            cells = self._editor.model.cells
            self._go_to(self._folds.step(cells.at(self._editor.model.cursor.line) + 1, -1))
        self._lay_out()

    def _is_caret_hidden(self) -> bool:
        model = self._editor.model
        return self._folds.hides(model.cells.key(model.cells.at(model.cursor.line)))

    def _go_to(self, index: int) -> None:
        if self._mode.is_on:
            self._mode.select(range(index, index + 1))
        else:
            self._editor.move_to(start_of_cell(self._editor.model, index))
